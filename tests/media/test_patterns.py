"""Names of sequences: which files a pattern means."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from make_clips import moving_square

from retarget_cli.errors import MediaError
from retarget_cli.media.decode import read_frames, scan
from retarget_cli.media.images import write_png
from retarget_cli.media.series.names import Pattern, frame_numbers, is_sequence, is_there, place_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(998, 1003):
        write_png(tmp_path / f"shot.{number:04d}.png", moving_square(number - 998))
    for name in ("shot.00999.png", "shot.png", "notes.txt", "other.1003.png", "shot.1001.png.bak"):
        (tmp_path / name).write_bytes(b"no picture")
    return tmp_path


@pytest.mark.parametrize("name", ["shot.%04d.png", "shot.####.png", "shot.[0998-1002].png"])
def test_every_way_to_write_a_pattern_finds_the_same_pictures(folder: Path, name: str) -> None:
    assert [number for number, _ in frame_numbers(folder / name)] == [998, 999, 1000, 1001, 1002]
    assert is_sequence(folder / name) and is_there(folder / name)
    assert place_of(folder / name) == folder
    frames = [frame.image for frame in read_frames(folder / name)]
    assert all(np.array_equal(image, moving_square(index)) for index, image in enumerate(frames))
    assert scan(folder / name).info.frames == 5


def test_a_range_means_those_numbers_alone(folder: Path) -> None:
    assert [number for number, _ in frame_numbers(folder / "shot.[1000-1001].png")] == [1000, 1001]
    with pytest.raises(MediaError, match="Frame 1003 is missing") as caught:
        scan(folder / "shot.[1000-1003].png")
    assert str(caught.value.where).endswith("shot.1003.png")


def test_numbers_without_leading_zeros(tmp_path: Path) -> None:
    for number in (9, 10, 11):
        write_png(tmp_path / f"take_{number}.png", moving_square(number))
    (tmp_path / "take_0010.png").write_bytes(b"another take")
    assert [number for number, _ in frame_numbers(tmp_path / "take_%d.png")] == [9, 10, 11]


def test_a_gap_in_a_pattern_is_named(folder: Path) -> None:
    (folder / "shot.1000.png").unlink()
    with pytest.raises(MediaError, match="Frame 1000 is missing"):
        scan(folder / "shot.%04d.png")


def test_nothing_of_that_name(folder: Path) -> None:
    assert not is_there(folder / "take.%04d.png")
    assert not is_there(folder / "nowhere" / "take.%04d.png")
    with pytest.raises(MediaError, match="no pictures of this name"):
        scan(folder / "take.%04d.png")


def test_a_file_that_is_called_like_a_pattern_is_a_file(folder: Path) -> None:
    write_png(folder / "take.#1.png", moving_square(0))
    assert Pattern.of(folder / "take.#1.png") is None
    assert Pattern.of(folder / "clip %04d.mp4") is None  # no picture
    assert is_there(folder / "take.#1.png")


@pytest.mark.parametrize(
    ("name", "stem"), [("shot.%04d.exr", "shot"), ("shot_v2_####.png", "shot_v2"), ("%04d.png", "walk")]
)
def test_what_a_clip_is_called(name: str, stem: str) -> None:
    pattern = Pattern.of(Path("walk") / name)
    assert pattern is not None
    assert pattern.stem == stem
    assert pattern.name(7).startswith(pattern.before)
