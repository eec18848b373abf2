"""Texts of times, sizes and rates for people, and of plain values as JSON."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# What changes how a terminal shows other text: C0 and C1 controls (ESC begins a command), marks that turn the direction
# of writing, other line ends, invisible tags; and halves of surrogate pairs, which no encoding can write.
_ACTIVE = (
    "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f"
)
ACTIVE = re.compile(f"[{_ACTIVE}]")
_ACTIVE_IN_LINES = re.compile(f"(?!\n)[{_ACTIVE}]")


def visible(text: str, *, lines: bool = False) -> str:
    """`text` with every character that a terminal would obey written out: ``\\x1b``. lines: line ends stay."""
    return (_ACTIVE_IN_LINES if lines else ACTIVE).sub(_written_out, text)


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # how Python holds a byte of a file's name that is no text
        code -= 0xDC00
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def duration(seconds: float) -> str:
    """``7 s``, ``2 min 05 s`` or ``1 h 10 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def size(count: float) -> str:
    """Bytes in the largest unit that leaves a number of at least one: ``512 B``, ``3.4 MB``."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def rate(per_second: float, unit: str) -> str:
    """``24 frames/s``; slow work is written the other way round: ``3.0 s a step``."""
    if per_second >= 1:
        return f"{per_second:.0f} {unit}/s" if per_second >= 10 else f"{per_second:.1f} {unit}/s"
    singular = unit.removesuffix("s")
    return f"{1 / per_second:.1f} s a {singular}"


def command_line(*words: str | Path) -> str:
    """A command line to copy: quoted, with ``./`` before paths that would be taken for options."""
    named = (f"./{word}" if isinstance(word, Path) and str(word).startswith("-") else str(word) for word in words)
    return " ".join(_quoted(word) for word in named)


def _quoted(word: str) -> str:
    """A word as a shell takes it. Characters that a terminal would obey are written out, which ``$'...'`` undoes."""
    if not ACTIVE.search(word):
        return shlex.quote(word)
    return "$'{}'".format(visible(word.replace("\\", "\\\\").replace("'", "\\'")))


def scores(held_out: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The held-out numbers of a training, a line a phase: ``geometry  iou 0.931/0.92``."""
    lines = []
    for phase, values in held_out.items():
        lines.append(f"{phase}  {', '.join(by_clip(values))}")
    return lines


def by_clip(values: Mapping[str, Any]) -> list[str]:
    """Numbers in three digits, those of clips A and B (``iou_a``, ``iou_b``) together: ``iou 0.931/0.92``."""
    found = []
    for name, value in values.items():
        stem, _, side = name.rpartition("_")
        other = values.get(f"{stem}_b")
        if not isinstance(value, (int, float)) or (side == "b" and f"{stem}_a" in values):
            continue
        both = side == "a" and isinstance(other, (int, float))
        found.append(f"{stem} {value:.3g}/{other:.3g}" if both else f"{name} {value:.3g}")
    return found


def dump_json(value: Any) -> bytes:
    """Compact, sorted ASCII JSON of plain JSON values. Raises ValueError for NaN and infinity."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def json_sha256(value: Any) -> str:
    """SHA-256 in hex of ``dump_json(value)``. Stored files carry it as their seal. Raises ValueError as that does."""
    return hashlib.sha256(dump_json(value)).hexdigest()
