"""Cuts are told from everything else that changes a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import toy

from retarget_cli.media.cuts import SIZE, CutFinder, shots
from retarget_cli.media.decode import scan
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.footage import Footage
from retarget_cli.media.timing import Timing

RANDOM = np.random.default_rng(3)
WIDE = cv2.resize(RANDOM.integers(0, 256, (6, 36, 3)).astype(np.uint8), (1200, 200), interpolation=cv2.INTER_LINEAR)
OTHER = WIDE[::-1, ::-1]


def view(left: int, ground: np.ndarray = WIDE) -> np.ndarray:
    return cv2.resize(ground[:, left : left + 356], SIZE, interpolation=cv2.INTER_AREA)


def found(frames: Iterable[np.ndarray]) -> tuple[int, ...]:
    finder = CutFinder()
    for frame in frames:
        finder.add(frame)
    return finder.finish()


def still(index: int) -> np.ndarray:
    return view(100)


def pan(index: int) -> np.ndarray:
    return view(10 * index)


def fast_pan(index: int) -> np.ndarray:
    return view(35 * index)


@pytest.mark.parametrize("shot", [still, pan])
@pytest.mark.parametrize("at", [1, 2, 10, 18])
def test_a_cut_is_found_wherever_it_is(shot: Callable[[int], np.ndarray], at: int) -> None:
    assert found(shot(index) if index < at else view(5 * index, OTHER) for index in range(20)) == (at,)


def test_two_cuts() -> None:
    assert found([*map(pan, range(8)), *(view(9 * i, OTHER) for i in range(6)), *map(still, range(9))]) == (8, 14)


def swing(index: int) -> np.ndarray:
    return view(3 * index if index < 10 else 30 + 120 * min(index - 9, 4))


@pytest.mark.parametrize("shot", [still, pan, fast_pan, swing])
def test_a_camera_that_moves_makes_no_cut(shot: Callable[[int], np.ndarray]) -> None:
    assert found(shot(index) for index in range(24)) == ()


def test_a_flash_makes_no_cut() -> None:
    for length in (1, 2):
        frames = [pan(index) for index in range(20)]
        for index in range(9, 9 + length):
            frames[index] = np.clip(frames[index].astype(int) + 120, 0, 255).astype(np.uint8)
        assert found(frames) == ()


def test_a_large_thing_that_leaps_makes_no_cut() -> None:
    def leap(index: int) -> np.ndarray:  # two fifths of the picture change
        frame = still(index).copy()
        left = 2 if index < 10 else 26
        frame[4:25, left : left + 16] = (250, 20, 20)
        return frame

    assert found(leap(index) for index in range(20)) == ()


def test_a_fade_and_a_drifting_light_make_no_cut() -> None:
    assert found((still(0) * (1 - index / 40)).astype(np.uint8) for index in range(40)) == ()


def test_of_two_frames_nothing_can_be_told() -> None:
    assert found([view(0), view(0, OTHER)]) == ()
    assert shots((), 5) == [(0, 5)]
    assert shots((2, 4), 5) == [(0, 2), (2, 4), (4, 5)]


def two_shots(path: Path) -> Path:
    """Ten frames of stripes, then six of another place."""
    with VideoWriter(path, toy.SIZE, Timing.constant(16, Fraction(10)), codec="ffv1") as writer:
        for index in range(16):
            frame = toy.frame("disc", index / 16)
            writer.write(frame if index < 10 else np.ascontiguousarray(255 - frame[::-1]))
    return path


def test_reading_a_clip_finds_its_cuts(tmp_path: Path) -> None:
    path = two_shots(tmp_path / "two.mkv")
    assert scan(path).cuts == (10,)
    part = scan(Footage(path, 4, 9))
    assert (part.cuts, part.timing.frames, part.timing.duration, part.offset) == (
        (6,),
        9,
        Fraction(9, 10),
        Fraction(2, 5),
    )
    assert scan(Footage(path, 10)).cuts == ()
