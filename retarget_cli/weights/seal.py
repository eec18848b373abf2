"""A seal in a safetensors file: what the file was converted from, and a digest that shows every flipped bit.

The format has no checksum of its own. The seal is one metadata string, canonical JSON with ``source``, the SHA-256 of
the file that was converted, and ``sha256``, that of the sealed file itself, taken with zeros in the place of this very
digest. So a converted file can be moved and copied alone and still be checked.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retarget_cli.store.keys import dump_json, is_sha256

_KEY = "retarget"
_BLANK = "0" * 64
_LONGEST_HEADER = 100_000_000  # bytes; the limit of the format's own reader
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Seal:
    """Both digests, 64 hex digits each. source: of the file that was converted; sha256: of the sealed file."""

    source: str
    sha256: str


def open_seal(source: str) -> dict[str, str]:
    """Metadata for a file that is about to be written; `close_seal` completes it. source: see Seal."""
    return {_KEY: dump_json({"sha256": _BLANK, "source": source}).decode()}


def close_seal(path: Path) -> None:
    """Write the file's digest into its header. Raises ValueError when it was not written with `open_seal`."""
    head, fields = _read_head(path)
    if _seal_in(fields) is None:
        raise ValueError(f"{path} has no seal to close")
    digest = _digest(path, head)
    with path.open("r+b") as file:
        file.seek(head.index(_BLANK.encode()))
        file.write(digest.encode())


def read_seal(path: Path) -> Seal | None:
    """The seal of a file; None when it has none, or is no safetensors file."""
    try:
        return _seal_in(_read_head(path)[1])
    except ValueError:
        return None


def is_whole(path: Path) -> bool:
    """Whether the file is as long as its header says. Reads the header only."""
    try:
        head, fields = _read_head(path)
        ends = [entry["data_offsets"][1] for name, entry in fields.items() if name != "__metadata__"]
        return bool(path.stat().st_size == len(head) + max(ends, default=0))
    except (ValueError, LookupError, TypeError, AttributeError):
        return False


def is_intact(path: Path) -> bool:
    """Whether every byte is as it was sealed. Reads the whole file."""
    seal = read_seal(path)
    if seal is None:
        return False
    head = _read_head(path)[0].replace(seal.sha256.encode(), _BLANK.encode(), 1)
    return _digest(path, head) == seal.sha256


def _read_head(path: Path) -> tuple[bytes, dict[str, Any]]:
    """The bytes before the tensors' and what they say; ValueError when this is no safetensors file."""
    with path.open("rb") as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if length > _LONGEST_HEADER:
            raise ValueError("no safetensors file")
        text = file.read(length)
    fields = json.loads(text)
    if not isinstance(fields, dict):
        raise ValueError("no safetensors file")
    return start + text, fields


def _seal_in(fields: dict[str, Any]) -> Seal | None:
    try:
        seal = Seal(**json.loads(fields["__metadata__"][_KEY]))
    except (LookupError, TypeError, ValueError):
        return None
    return seal if is_sha256(seal.source) and is_sha256(seal.sha256) else None


def _digest(path: Path, head: bytes) -> str:
    """SHA-256 of `head` and of everything that comes after as many bytes of the file."""
    digest = hashlib.sha256(head)
    with path.open("rb") as file:
        file.seek(len(head))
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
