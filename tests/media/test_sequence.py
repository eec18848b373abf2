"""Folders of numbered pictures as clips."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from make_clips import moving_square
from PIL import Image

from retarget_cli.errors import MediaError
from retarget_cli.media.decode import count_frames, read_frames, scan
from retarget_cli.media.images import SeriesWriter, write_png
from retarget_cli.media.probe import probe
from retarget_cli.media.series.names import frame_numbers
from retarget_cli.media.timing import Timing


def series(folder: Path, count: int = 5, first: int = 998, name: str = "shot.{:04d}.png") -> Path:
    folder.mkdir()
    for index in range(count):
        write_png(folder / name.format(first + index), moving_square(index))
    return folder


def write_exr(path: Path, linear: np.ndarray) -> None:
    """(H, W, 3) float32 in linear light."""
    context = av.CodecContext.create("exr", "w")
    context.width, context.height, context.pix_fmt = linear.shape[1], linear.shape[0], "gbrpf32le"
    context.time_base = Fraction(1)
    frame = av.VideoFrame(linear.shape[1], linear.shape[0], "gbrpf32le")
    for plane, channel in zip(frame.planes, (1, 2, 0), strict=True):
        row = plane.line_size // 4
        padded = np.zeros((linear.shape[0], row), np.float32)
        padded[:, : linear.shape[1]] = linear[..., channel]
        plane.update(padded.tobytes())
    path.write_bytes(b"".join(bytes(packet) for part in (frame, None) for packet in context.encode(part)))


def test_a_folder_is_read_like_a_clip(tmp_path: Path) -> None:
    folder = series(tmp_path / "shot")
    found = scan(folder)
    assert found.timing == Timing.constant(5, 24)
    assert (found.info.width, found.info.height, found.info.frames, found.info.audio) == (96, 64, 5, None)
    frames = list(read_frames(folder))
    assert [frame.index for frame in frames] == list(range(5))
    assert all(np.array_equal(frame.image, moving_square(index)) for index, frame in enumerate(frames))
    assert [frame.index for frame in read_frames(folder, start=3)] == [3, 4]
    assert count_frames(folder, 3) == 3
    assert probe(folder).codec == "png"


def test_the_rate_is_what_one_says(tmp_path: Path) -> None:
    rate = Fraction(30000, 1001)
    assert scan(series(tmp_path / "shot"), rate=rate).timing == Timing.constant(5, rate)


def test_results_that_were_written_as_pictures_keep_their_times(tmp_path: Path) -> None:
    timing = Timing(Fraction(1, 1000), (0, 40, 100, 130), 200)
    with SeriesWriter(tmp_path / "out", (96, 64), timing) as writer:
        for index in range(4):
            writer.write(moving_square(index))
    found = scan(tmp_path / "out").timing
    assert [tick * found.time_base for tick in (*found.pts, found.end)] == [
        tick * timing.time_base for tick in (*timing.pts, timing.end)
    ]
    assert scan(tmp_path / "out", rate=Fraction(10)).timing == Timing.constant(4, 10)
    (tmp_path / "out" / "times.csv").write_text("file,seconds,duration\nother.png,0,1\n")
    assert scan(tmp_path / "out").timing == Timing.constant(4, 24)


@pytest.mark.parametrize("suffix", [".jpg", ".tiff", ".webp"])
def test_other_kinds_of_pictures(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "shot").mkdir()
    for index in range(3):
        Image.fromarray(moving_square(index)).save(tmp_path / "shot" / f"{index + 1}{suffix}", quality=95)
    for index, frame in enumerate(read_frames(tmp_path / "shot")):
        assert np.abs(frame.image.astype(int) - moving_square(index)).mean() < 4


def test_exr_in_linear_light_is_seen_in_srgb(tmp_path: Path) -> None:
    (tmp_path / "shot").mkdir()
    for index in range(2):
        srgb = moving_square(index).astype(np.float32) / 255
        linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
        write_exr(tmp_path / "shot" / f"shot.{index + 1:04d}.exr", linear.astype(np.float32))
    for index, frame in enumerate(read_frames(tmp_path / "shot")):
        assert np.abs(frame.image.astype(int) - moving_square(index)).max() <= 2


def test_numbers_count_and_not_the_alphabet(tmp_path: Path) -> None:
    folder = series(tmp_path / "shot", 5, 8, "take2_{}.png")
    assert [number for number, _ in frame_numbers(folder)] == [8, 9, 10, 11, 12]


def gap(folder: Path) -> None:
    (folder / "shot.1000.png").unlink()


def gaps(folder: Path) -> None:
    for number in (999, 1000, 1001):
        (folder / f"shot.{number:04d}.png").unlink()


def twice(folder: Path) -> None:
    write_png(folder / "other.1000.png", moving_square(0))


def mixed(folder: Path) -> None:
    Image.fromarray(moving_square(0)).save(folder / "shot.1003.jpg")


def unnumbered(folder: Path) -> None:
    write_png(folder / "slate.png", moving_square(0))


def smaller(folder: Path) -> None:
    write_png(folder / "shot.1001.png", moving_square(0)[:32])


def half_written(folder: Path) -> None:
    path = folder / "shot.1001.png"
    path.write_bytes(path.read_bytes()[:200])


def empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


@pytest.mark.parametrize(
    ("damage", "said", "where"),
    [
        (gap, "Frame 1000 is missing", "shot"),
        (gaps, "Frame 999 is missing, up to frame 1001", "shot"),
        (twice, "Frame 1000 is there twice", ".1000.png"),
        (mixed, "2 kinds", "shot"),
        (unnumbered, "no frame number", "slate.png"),
        (smaller, "96x32 pixels, those before it 96x64", "shot.1001.png"),
        (half_written, "", "shot.1001.png"),
        (empty, "no pictures", "shot"),
    ],
)
def test_a_bad_sequence_gets_one_error_that_names_the_frame(
    tmp_path: Path, damage: Callable[[Path], None], said: str, where: str
) -> None:
    folder = series(tmp_path / "shot")
    damage(folder)
    with pytest.raises(MediaError) as caught:
        scan(folder)
    assert said in str(caught.value)
    assert str(caught.value.where).endswith(where)
    assert caught.value.fix


def test_one_picture_is_no_clip(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="only one frame"):
        scan(series(tmp_path / "shot", 1))
