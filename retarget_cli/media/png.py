"""The chunks of a PNG file, looked at before FFmpeg unpacks them: a text of a few bytes can inflate to gigabytes.

PNG specification, third edition, sections 5.3 and 11.3.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import BinaryIO

from retarget_cli.errors import MediaError
from retarget_cli.utils.limits import FRAME_PIXELS, PICTURE_TEXT

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXTS = {b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf"}
_CHUNK = 12  # bytes of a chunk beside its content


def check_png(path: Path) -> None:
    """Raise MediaError when a file is a PNG that is too large, or whose texts and colour profile are. Raises OSError.

    Other files, and what is damaged in this one, are left to the decoder.
    """
    with path.open("rb") as file:
        check_stream(file, path)


def check_stream(file: BinaryIO, path: Path) -> None:
    """The same for a picture that lies in a video. path: the video."""
    if file.read(len(_SIGNATURE)) == _SIGNATURE:
        _check_chunks(file, path)


def _check_chunks(file: BinaryIO, path: Path) -> None:
    texts = 0
    while len(head := file.read(8)) == 8:
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"IHDR":
            size = file.read(length)
            pixels = int.from_bytes(size[:4], "big") * int.from_bytes(size[4:8], "big")
            FRAME_PIXELS.check(pixels, "the picture has", path, MediaError)
        elif kind in _TEXTS:
            PICTURE_TEXT.check(texts + length, "the picture holds", path, MediaError)
            texts += _CHUNK + _unpacked(file.read(length), PICTURE_TEXT.most - texts)
            PICTURE_TEXT.check(texts, "the picture holds", path, MediaError)
        else:
            file.seek(length, 1)
        file.seek(4, 1)  # the checksum


def _unpacked(content: bytes, most: int) -> int:
    """Bytes of a text as the decoder will hold it, counted until they are more than `most`."""
    total = len(content)
    for start in _streams(content):
        inflate = zlib.decompressobj()
        try:
            part = inflate.decompress(content[start:], max(1, most + 1 - total))
        except zlib.error:
            continue
        total += len(part)
    return total


def _streams(content: bytes) -> list[int]:
    """Where packed data may begin: behind the key and its method, and in an iTXt behind two words more."""
    key = content.find(b"\0")
    if key < 0:
        return []
    language = content.find(b"\0", key + 3)
    words = content.find(b"\0", language + 1) if language >= 0 else -1
    return [key + 2, *([words + 1] if words >= 0 else [])]
