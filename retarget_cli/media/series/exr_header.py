"""The header of an EXR file: its frame rate and timecode, without unpacking a pixel.

OpenEXR file layout: https://openexr.com/en/latest/OpenEXRFileLayout.html
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from retarget_cli.media.series.timecode import Timecode

MAGIC = b"\x76\x2f\x31\x01"
_SEVERAL = 0x1000  # flag of a file of several parts
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
        found = headers(path)[0][0]
    except (OSError, ValueError, IndexError, struct.error):
        return ExrHeader()
    return ExrHeader(_rate(found.get("framesPerSecond")), _timecode(found.get("timeCode")))


def headers(path: Path) -> tuple[list[dict[str, bytes]], int, int]:
    """The attributes of each part by name, where the headers end, and the file's flags.

    Raises OSError, and ValueError, IndexError or struct.error for what is no whole header.
    """
    with path.open("rb") as file:
        content = file.read(_MOST)
    if not content.startswith(MAGIC):
        raise ValueError("no EXR file")
    flags = int.from_bytes(content[4:8], "little")
    found, at = [], 8
    while True:
        attributes, at = _attributes(content, at)
        if attributes:
            found.append(attributes)
        if not flags & _SEVERAL or not attributes:
            return found, at, flags


def _attributes(content: bytes, at: int) -> tuple[dict[str, bytes], int]:
    """The attributes of the header that begins at a place, by name, and where it ends."""
    found = {}
    while content[at] != 0:
        end = content.index(b"\0", at)
        kind = content.index(b"\0", end + 1)
        (size,) = struct.unpack_from("<i", content, kind + 1)
        if size < 0:
            raise ValueError("an attribute of negative size")
        found[content[at:end].decode("ascii", "replace")] = content[kind + 5 : kind + 5 + size]
        at = kind + 5 + size
    return found, at + 1


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
