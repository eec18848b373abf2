"""The outermost structure of MP4, Matroska and AVI files, read without FFmpeg.

FFmpeg does not say whether a file ends before its own structure does; the sizes at the top level say it exactly.
MP4 boxes: ISO/IEC 14496-12, section 4.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_OPENING = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def top_boxes(path: Path) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, start, size in bytes) of every top-level box; stops at the first thing that is no box."""
    total = path.stat().st_size
    start = 0
    with path.open("rb") as file:
        while start + 8 <= total:
            file.seek(start)
            head = file.read(16)
            size, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if size == 1 and len(head) == 16:
                size = int.from_bytes(head[8:16], "big")
            elif size == 0:
                size = total - start
            if size < 8 or not all(32 <= byte < 127 or byte == 0xA9 for byte in kind):
                return
            yield kind, start, size
            start += size


def is_mp4(path: Path) -> bool:
    """Tell whether the file begins like an MP4 or MOV file."""
    try:
        return next((kind in _OPENING for kind, _, _ in top_boxes(path)), False)
    except OSError:
        return False


def has_index(path: Path) -> bool:
    """Tell whether a whole movie box is present."""
    total = path.stat().st_size
    return any(kind == b"moov" and start + size <= total for kind, start, size in top_boxes(path))


def is_cut(path: Path) -> bool:
    """Tell whether the file's own structure claims bytes beyond its end; False for kinds that do not say their size."""
    total = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(64)
    if head[:4] == b"RIFF":
        return 8 + int.from_bytes(head[4:8], "little") > total
    if head[:4] == _EBML:
        end = _segment_end(head)
        return end is not None and end > total
    return is_mp4(path) and any(start + size > total for _, start, size in top_boxes(path))


def _segment_end(head: bytes) -> int | None:
    """Find where a Matroska file's segment ends (RFC 9559), from its first bytes; None when it does not say."""
    header = _ebml_size(head, 4)
    if header is None:
        return None
    at = header[1] + header[0]
    if head[at : at + 4] != _SEGMENT:
        return None
    segment = _ebml_size(head, at + 4)
    return None if segment is None else segment[1] + segment[0]


def _ebml_size(data: bytes, at: int) -> tuple[int, int] | None:
    """(value, position behind it) of the variable-length size at `at` (RFC 8794, section 4); None when unknown."""
    if at >= len(data) or data[at] == 0:
        return None
    length = 9 - data[at].bit_length()
    if at + length > len(data):
        return None
    bits = 7 * length
    value = int.from_bytes(data[at : at + length], "big") & ((1 << bits) - 1)
    return None if value == (1 << bits) - 1 else (value, at + length)
