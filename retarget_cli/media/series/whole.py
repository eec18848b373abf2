"""Whether the file of a picture is whole: what decoders of EXR, JPEG and WebP pass over without a word.

OpenEXR file layout: https://openexr.com/en/latest/OpenEXRFileLayout.html. JPEG: ITU-T T.81, annex B.
"""

from __future__ import annotations

import struct
from pathlib import Path

from retarget_cli.media.series.exr_header import MAGIC, headers

_LINES = (1, 1, 1, 16, 32, 16, 32, 32, 32, 256)  # of a chunk, by compression
_SEVERAL, _TILED, _DEEP = 0x1000, 0x200, 0x800  # flags of an EXR file: of several parts, of tiles, of deep pixels
_TABLE = 8_000_000  # bytes of the table of chunks that are looked at


def is_cut_off(path: Path) -> bool:
    """Tell whether a picture ends too early. What cannot be told is left to the decoder. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(12)
    if head.startswith(MAGIC):
        try:
            return _exr_is_cut(path)
        except (ValueError, IndexError, KeyError, struct.error):
            return True
    if head.startswith(b"\xff\xd8\xff"):
        content = path.read_bytes()
        return content.rfind(b"\xff\xd9") <= content.rfind(b"\xff\xda")  # no end of the image after its last scan
    if head.startswith(b"RIFF") and head[8:] == b"WEBP":
        return int.from_bytes(head[4:8], "little") + 8 > path.stat().st_size
    return False


def _exr_is_cut(path: Path) -> bool:
    """Tell whether a chunk of the file is missing; its table is written last."""
    size = path.stat().st_size
    parts, begin, flags = headers(path)
    if flags & _DEEP:
        return False
    counts = [_chunks(part, bool(flags & _TILED)) for part in parts]
    if None in counts:
        return False
    total = sum(count or 0 for count in counts)
    with path.open("rb") as file:
        file.seek(begin)
        table = file.read(min(8 * total, _TABLE))
        places = struct.unpack(f"<{len(table) // 8}Q", table[: len(table) // 8 * 8])
        if len(table) < min(8 * total, _TABLE) or not all(begin <= place < size for place in places):
            return True
        last = max(places)
        tiled = bool(flags & _TILED) or any(part.get("type", b"").startswith(b"tiled") for part in parts)
        before = (4 if flags & _SEVERAL else 0) + (16 if tiled else 4)
        file.seek(last + before)
        (length,) = struct.unpack("<i", file.read(4))
    return last + before + 4 + length > size


def _chunks(part: dict[str, bytes], tiled: bool) -> int | None:
    """The number of chunks of a part, None where that cannot be told."""
    if "chunkCount" in part:
        return int(struct.unpack("<i", part["chunkCount"])[0])
    if tiled:
        return None
    _, top, _, bottom = struct.unpack("<4i", part["dataWindow"])
    lines = _LINES[part["compression"][0]]
    return (bottom - top) // lines + 1
