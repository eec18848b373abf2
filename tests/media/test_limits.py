"""Absurd clips and pictures are refused before they fill the memory, and whoever means them can say so."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from make_clips import make_clip

from retarget_cli.errors import MediaError, UsageError
from retarget_cli.media.decode import read_frames, scan
from retarget_cli.media.images import png_bytes, read_picture
from retarget_cli.media.probe import probe
from retarget_cli.utils.limits import FRAME_PIXELS


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunk(path: Path, kind: bytes, content: bytes) -> Path:
    """A small PNG with one more chunk behind its head."""
    png = png_bytes(np.zeros((8, 8, 3), np.uint8))
    path.write_bytes(png[:33] + chunk(kind, content) + png[33:])
    return path


def huge(path: Path, width: int, height: int) -> Path:
    """A PNG of one bit a pixel, all black, written by hand."""
    pack = zlib.compressobj()
    rows = b"".join(pack.compress(bytes(1 + width // 8)) for _ in range(height)) + pack.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize("size", [(16_000, 16_000), (2**31 - 1, 2**31 - 1)])
def test_a_huge_picture(size: tuple[int, int], tmp_path: Path) -> None:
    path = huge(tmp_path / "huge.png", 16_000, 16_000)
    path.write_bytes(path.read_bytes().replace(struct.pack(">II", 16_000, 16_000), struct.pack(">II", *size), 1))
    with pytest.raises(MediaError, match=r"the picture has .* pixels") as caught:
        probe(path)
    assert "RETARGET_MAX_FRAME_PIXELS=" in caught.value.fix


def test_a_frame_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_clip(tmp_path / "clip.mp4", frames=3)
    monkeypatch.setenv("RETARGET_MAX_FRAME_PIXELS", "6143")
    for read in (probe, scan, lambda path: next(read_frames(path))):
        with pytest.raises(MediaError, match="96x64 has 6144 pixels"):
            read(path)
    monkeypatch.setenv("RETARGET_MAX_FRAME_PIXELS", "6144")
    assert scan(path).info.width == 96


def test_a_frame_that_becomes_too_large_when_its_pixels_are_made_square(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_clip(tmp_path / "wide.mp4", frames=3, aspect=Fraction(2))
    monkeypatch.setenv("RETARGET_MAX_FRAME_PIXELS", "6144")
    with pytest.raises(MediaError, match="192x64"):
        probe(path)


def test_too_many_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_clip(tmp_path / "clip.mp4", frames=5)
    monkeypatch.setenv("RETARGET_MAX_FRAMES", "4")
    with pytest.raises(MediaError, match="at most 4 are taken") as caught:
        scan(path)
    assert "RETARGET_MAX_FRAMES=5" in caught.value.fix


def test_an_absurd_frame_rate(tmp_path: Path) -> None:
    base = Fraction(1, 10**6)
    path = make_clip(tmp_path / "fast.mov", pts=range(5), time_base=base, rate=10**6, codec="mjpeg")
    with pytest.raises(MediaError, match="frames a second") as caught:
        scan(path)
    assert "RETARGET_MAX_FRAME_RATE=" in caught.value.fix


def test_a_gap_of_months(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "gap.mkv", pts=[0, 40, 80, 10_000_000_000], time_base=Fraction(1, 1000))
    with pytest.raises(MediaError, match="one frame shows for 10000000"):
        scan(path)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (b"zTXt", b"key\0\0" + zlib.compress(bytes(20_000_000))),
        (b"iTXt", b"key\0\1\0\0\0" + zlib.compress(bytes(20_000_000))),
        (b"iTXt", b"key\0\1\0de\0Wort\0" + zlib.compress(bytes(20_000_000))),
        (b"iCCP", b"profile\0\0" + zlib.compress(bytes(20_000_000))),
        (b"tEXt", b"key\0" + b"x" * 20_000_000),
    ],
)
def test_texts_that_inflate(kind: bytes, content: bytes, tmp_path: Path) -> None:
    path = with_chunk(tmp_path / "bomb.png", kind, content)
    with pytest.raises(MediaError, match="bytes of text") as caught:
        read_picture(path)
    assert "RETARGET_MAX_PICTURE_TEXT" in caught.value.fix


def test_texts_that_inflate_in_the_pictures_of_a_video(tmp_path: Path) -> None:
    right, path = make_clip(tmp_path / "clip.mov", codec="png", frames=3), tmp_path / "bomb.mov"
    text = chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(20_000_000)))
    with av.open(str(right)) as source, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                content = bytes(packet)
                spoiled = av.Packet(content[:33] + (text if packet.pts else b"") + content[33:])
                spoiled.pts, spoiled.dts, spoiled.duration = packet.pts, packet.dts, packet.duration
                spoiled.time_base, spoiled.stream = packet.time_base, stream
                out.mux(spoiled)
    assert scan(right).timing.frames == 3
    with pytest.raises(MediaError, match="bytes of text"):
        probe(path)


@pytest.mark.parametrize("content", [b"", b"key", b"key\0", b"key\0\0not packed", b"key\0\0" + zlib.compress(b"words")])
@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"tEXt"])
def test_small_texts_are_fine(kind: bytes, content: bytes, tmp_path: Path) -> None:
    assert read_picture(with_chunk(tmp_path / "small.png", kind, content)).shape == (8, 8, 3)


def test_a_limit_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FRAME_PIXELS.variable, "many")
    with pytest.raises(UsageError, match="'many' is no limit"):
        FRAME_PIXELS.check(1, "a frame has", "x")
