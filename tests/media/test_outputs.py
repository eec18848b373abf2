"""Finished videos of every ending, read back: WebP and GIF by Pillow, the others by FFmpeg's decoders."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from make_clips import moving_square
from PIL import Image, ImageSequence

from retarget_cli.errors import EnvironmentProblem, MediaError
from retarget_cli.media import gif
from retarget_cli.media.decode import read_frames, scan
from retarget_cli.media.footage import Footage
from retarget_cli.media.outputs import (
    KINDS,
    OutputFormat,
    endings,
    open_output,
    usual_kind,
)
from retarget_cli.media.probe import timecode_of
from retarget_cli.media.series import webp
from retarget_cli.media.series.timecode import Timecode
from retarget_cli.media.timing import Timing
from retarget_cli.pipeline.options import FORMATS

SIZE = (64, 48)
TIMING = Timing.constant(6, Fraction(30000, 1001))
BODY, GROUND = np.array([220, 60, 40]), np.array([40, 90, 160])
NEW = (".webm", ".webp", ".gif")


def frame(index: int, alpha: bool) -> np.ndarray:
    """A body that moves over plain ground, or over nothing."""
    rows, columns = np.ogrid[:48, :64]
    body = (rows - 24) ** 2 + (columns - 14 - 6 * index) ** 2 <= 100
    image = np.where(body[..., None], BODY, GROUND).astype(np.uint8)
    matte = body.astype(np.uint8) * 255
    return np.dstack([image, matte]) if alpha else image


def write(path: Path, alpha: bool, timing: Timing = TIMING) -> Path:
    with open_output(path, OutputFormat(path.suffix, alpha), SIZE, timing) as writer:
        for index in range(timing.frames):
            writer.write(frame(index, alpha))
    return path


def seen(path: Path) -> Iterator[tuple[float, np.ndarray]]:
    """When each frame begins, in seconds, and its pixels, (H, W, 4)."""
    if path.suffix in (".webp", ".gif"):
        time = 0.0
        for picture in ImageSequence.Iterator(Image.open(path)):
            picture.load()
            yield time, np.asarray(picture.convert("RGBA"))
            time += picture.info["duration"] / 1000
        return
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        decoder = av.CodecContext.create("libvpx-vp9", "r") if path.suffix == ".webm" else stream.codec_context
        for packet in container.demux(stream):
            for picture in decoder.decode(packet if packet.size else None):
                yield float(picture.pts * stream.time_base), picture.to_ndarray(format="rgba")


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("suffix", NEW)
def test_frames_times_and_colours_come_back(tmp_path: Path, suffix: str, alpha: bool) -> None:
    found = list(seen(write(tmp_path / f"a{suffix}", alpha)))
    assert len(found) == 6
    tick = 0.01 if suffix == ".gif" else 0.001
    assert np.allclose([time for time, _ in found], [index * 1001 / 30000 for index in range(6)], atol=tick)
    for index, (_, pixels) in enumerate(found):
        left = 4 + 6 * index
        assert np.abs(pixels[20:28, left + 6 : left + 14, :3].astype(int) - BODY).mean() < 4
        assert pixels[24, left + 10, 3] == 255
        beside = pixels[24, (left + 40) % 64]
        assert beside[3] == 0 if alpha else np.abs(beside[:3] - GROUND).max() < 8


@pytest.mark.parametrize("suffix", [".webm", ".webp"])
def test_alpha_is_soft(tmp_path: Path, suffix: str) -> None:
    ramp = np.dstack([np.full((48, 64, 3), 128, np.uint8), np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1))])
    with open_output(tmp_path / f"a{suffix}", OutputFormat(suffix, alpha=True), SIZE, Timing.constant(2, 25)) as writer:
        for _ in range(2):
            writer.write(ramp)
    (_, pixels), *_ = seen(tmp_path / f"a{suffix}")
    off = np.abs(pixels[..., 3].astype(int) - ramp[..., 3]).max()
    assert off == 0 if suffix == ".webp" else off <= 6


def test_a_gif_sees_pixels_or_not(tmp_path: Path) -> None:
    pixels = np.dstack([np.full((48, 64, 3), 90, np.uint8), np.zeros((48, 64), np.uint8)])
    pixels[12:24, 4:24, 3], pixels[24:36, 4:24, 3] = 100, 150
    with open_output(tmp_path / "a.gif", OutputFormat(".gif", alpha=True), SIZE, Timing.constant(2, 10)) as writer:
        writer.write(pixels)
        writer.write(pixels)
    (_, found), *_ = seen(tmp_path / "a.gif")
    assert (found[14:22, 8:20, 3] == 0).all()
    assert (found[26:34, 8:20, 3] == 255).all()


def test_frames_that_come_faster_than_a_gif_can_count_are_spread(tmp_path: Path) -> None:
    found = list(seen(write(tmp_path / "a.gif", False, Timing.constant(6, 200))))
    assert [round(time * 100) for time, _ in found] == [0, 2, 4, 6, 8, 10]


@pytest.mark.parametrize("suffix", [".webp", ".gif"])
def test_animations_play_for_ever(tmp_path: Path, suffix: str) -> None:
    assert Image.open(write(tmp_path / f"a{suffix}", False)).info["loop"] == 0


@pytest.mark.parametrize("suffix", NEW)
def test_the_same_frames_give_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    assert write(tmp_path / f"a{suffix}", True).read_bytes() == write(tmp_path / f"b{suffix}", True).read_bytes()


@pytest.mark.parametrize("suffix", NEW)
def test_nothing_is_left_of_a_video_that_failed(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    with pytest.raises(KeyError), open_output(path, OutputFormat(path.suffix), SIZE, TIMING) as writer:
        writer.write(frame(0, False))
        raise KeyError
    with (
        pytest.raises(ValueError, match="1 of 6"),
        open_output(path, OutputFormat(path.suffix), SIZE, TIMING) as writer,
    ):
        writer.write(frame(0, False))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_when_a_gif_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(gif, "move_into_place", full)
    with pytest.raises(EnvironmentProblem, match="full"):
        write(tmp_path / "a.gif", False)
    assert list(tmp_path.iterdir()) == []


def test_what_an_ending_holds() -> None:
    with pytest.raises(KeyError, match="av1 with alpha"):
        _ = OutputFormat(".mp4", True, "av1").browsers_play
    assert (OutputFormat(".mov").word, OutputFormat(".mov", word="hevc").is_usual) == ("mov", False)
    assert set(endings(alpha=True)) == {".mov", ".mkv", ".webm", ".webp", ".gif", ""}
    assert set(endings(alpha=False)) - set(endings(alpha=True)) == {".mp4", ".mxf"}
    assert [suffix for suffix in endings(alpha=False) if OutputFormat(suffix).holds_sound] == [".mp4", ".mov"]
    assert [suffix for suffix in endings(alpha=True) if OutputFormat(suffix, True).browsers_play] == [".webm"]


CODE = Timecode.parse("01:00:59;28", Fraction(30000, 1001))


@pytest.mark.parametrize(
    ("word", "suffix", "codec", "pixels"),
    [
        ("h264-10", ".mp4", "h264", "yuv420p10le"),
        ("h264-10", ".mov", "h264", "yuv420p10le"),
        ("hevc", ".mp4", "hevc", "yuv420p10le"),
        ("hevc", ".mov", "hevc", "yuv420p10le"),
        ("av1", ".mp4", "av1", "yuv420p10le"),
        ("dnxhr", ".mov", "dnxhd", "yuv422p10le"),
        ("mxf", ".mxf", "dnxhd", "yuv422p10le"),
        ("prores4444", ".mov", "prores", "yuv444p12le"),
    ],
)
def test_kinds_that_have_a_word(tmp_path: Path, word: str, suffix: str, codec: str, pixels: str) -> None:
    timing = Timing.constant(3, Fraction(30000, 1001))
    shown = [np.kron(moving_square(index), np.ones((3, 3, 1), np.uint8)) for index in range(3)]
    form = OutputFormat(suffix, word=word)
    with open_output(tmp_path / f"a{suffix}", form, (288, 192), timing, timecode=CODE) as writer:
        for image in shown:
            writer.write(image)
    found = scan(writer.path)
    assert (found.info.codec, found.info.pixel_format, found.timing.rate) == (codec, pixels, timing.rate)
    code = timecode_of(writer.path, timing.rate)
    assert str(code) == ("01:00:59;28" if form.holds_timecode else "None")
    read = [frame.image.astype(int) for frame in read_frames(writer.path)]
    assert max(np.abs(image - true).mean() for image, true in zip(read, shown, strict=True)) < 4


def test_pictures_below_what_a_codec_takes_are_refused(tmp_path: Path) -> None:
    writer = open_output(tmp_path / "a.mxf", OutputFormat(".mxf"), SIZE, Timing.constant(2, 25))
    with pytest.raises(MediaError, match="256x120"), writer:
        pass
    with pytest.raises(ValueError, match="equal length"):
        open_output(tmp_path / "a.mxf", OutputFormat(".mxf"), SIZE, Timing(Fraction(1, 10), (0, 1, 3), 4))


def test_every_word_of_the_command_line_is_known() -> None:
    assert set(FORMATS) == set(KINDS)
    assert all(usual_kind(kind.endings[0]) in KINDS for kind in KINDS.values())


@pytest.mark.parametrize("suffix", [".webp", ".gif", ".webm", ".mov", ".mkv"])
def test_transparent_results_are_clips_too(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webp, "_AT_ONCE", 3 * 4 * 64 * 48)  # some pictures at a time
    path = write(tmp_path / f"a{suffix}", True)
    found = scan(path)
    assert (found.info.has_alpha, found.info.width, found.info.height) == (True, *SIZE)
    assert found.timing.frames == 6
    assert abs(float(found.timing.rate) - 30) < 0.5
    read = [one.image.astype(int) for one in read_frames(path, channels="rgba")]
    for index, image in enumerate(read):
        true = frame(index, True).astype(int)
        assert np.abs(image[..., 3] - true[..., 3]).mean() < 4
        solid = true[..., 3] == 255
        assert np.abs(image[..., :3] - true[..., :3])[solid].mean() < 12
    part = list(read_frames(Footage(path, 2, 3), channels="rgba"))
    assert [np.array_equal(one.image, read[2 + index]) for index, one in enumerate(part)] == [True] * 3


def test_a_damaged_animation_is_refused_in_words(tmp_path: Path) -> None:
    path = write(tmp_path / "a.webp", True)
    content = path.read_bytes()
    for end in (30, len(content) // 2, len(content) - 20):
        path.write_bytes(content[:end])
        with pytest.raises(MediaError):
            scan(path)
