"""The header of an EXR file: its frame rate and timecode, without unpacking a pixel.

OpenEXR file layout: https://openexr.com/en/latest/OpenEXRFileLayout.html
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from retarget_cli.media.series.timecode import Timecode

_MAGIC = b"\x76\x2f\x31\x01"
_MOST = 1_000_000  # bytes of a header that are looked at
_RATES = range(1, 1000)


@dataclass(frozen=True)
class ExrHeader:
    """rate: frames a second; timecode: of this frame; None where the file does not say."""

    rate: Fraction | None = None
    timecode: str | None = None


def read_header(path: Path) -> ExrHeader:
    """What the (first) header of a file says; nothing for what is no EXR file, or cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST)
        found = _attributes(content) if content.startswith(_MAGIC) else {}
    except (OSError, ValueError, IndexError, struct.error):
        return ExrHeader()
    rate, code = found.get("framesPerSecond"), found.get("timeCode")
    return ExrHeader(_rate(rate), _timecode(code))


def _attributes(content: bytes) -> dict[str, bytes]:
    """The attributes of the first header by name."""
    at, found = 8, {}
    while content[at] != 0:
        end = content.index(b"\0", at)
        kind = content.index(b"\0", end + 1)
        (size,) = struct.unpack_from("<i", content, kind + 1)
        if size < 0:
            break
        found[content[at:end].decode("ascii", "replace")] = content[kind + 5 : kind + 5 + size]
        at = kind + 5 + size
        if at >= len(content):
            break
    return found


def _rate(value: bytes | None) -> Fraction | None:
    if value is None or len(value) != 8:
        return None
    over, under = struct.unpack("<iI", value)
    rate = Fraction(over, under) if under else None
    return rate if rate is not None and round(rate) in _RATES else None


def _timecode(value: bytes | None) -> str | None:
    """The SMPTE timecode that `timeAndFlags` packs in decimal digits."""
    if value is None or len(value) != 8:
        return None
    (word,) = struct.unpack_from("<I", value)
    digits = [(word >> shift & 3 if high else word >> shift & 15) for shift, high in _PLACES]
    if any(digit > 9 for digit in digits):
        return None
    (f10, f1, s10, s1, m10, m1, h10, h1), drop = digits, word >> 6 & 1
    hours, minutes, seconds, frames = 10 * h10 + h1, 10 * (m10 & 7) + m1, 10 * (s10 & 7) + s1, 10 * f10 + f1
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{';' if drop else ':'}{frames:02d}"


_PLACES = ((4, True), (0, False), (12, False), (8, False), (20, False), (16, False), (28, True), (24, False))


def first_timecode(path: Path, rate: Fraction) -> Timecode | None:
    """The timecode in one file of a sequence with that many frames a second."""
    text = read_header(path).timecode
    return None if text is None else Timecode.parse(text, rate)
