from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from retarget_cli.compositing.composite import colour, cover
from retarget_cli.media.decode import FrameWindow
from retarget_cli.media.playback import background_frames
from retarget_cli.media.timing import Timing


def shown(driver: int, subject: int, rate: int = 10) -> list[int]:
    return background_frames(Timing.constant(driver, rate), Timing.constant(subject, rate))


def test_a_subject_as_long_plays_beside_the_driver() -> None:
    assert shown(8, 8) == list(range(8))


def test_a_longer_subject_is_cut_off() -> None:
    assert shown(4, 8) == [0, 1, 2, 3]


def test_a_shorter_subject_is_slowed_down_to_fit() -> None:
    assert shown(8, 4) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert shown(6, 4) == [0, 0, 1, 2, 2, 3]


def test_beyond_half_speed_it_runs_back_and_forth() -> None:
    frames = shown(40, 4)
    assert frames[:8] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert frames[8:17] == [3, 3, 3, 2, 2, 1, 1, 0, 0]
    assert max(abs(b - a) for a, b in pairwise(frames)) == 1


def test_times_decide_not_indices() -> None:
    driver = Timing.constant(4, 10)
    subject = Timing(Fraction(1, 1000), (0, 290, 310), 400)
    assert background_frames(driver, subject) == [0, 0, 0, 1]
    ntsc = Timing.constant(300, Fraction(30000, 1001))
    assert background_frames(ntsc, ntsc) == list(range(300))


class Reel:
    """Counts how often frames are decoded."""

    def __init__(self, count: int) -> None:
        self.count, self.read, self.starts = count, 0, 0

    def __call__(self) -> Iterator[np.ndarray]:
        self.starts += 1
        for index in range(self.count):
            self.read += 1
            yield np.full((2, 2, 3), index, np.uint8)


def test_a_tape_runs_forwards_once() -> None:
    reel = Reel(30)
    window = FrameWindow(reel)
    assert [int(window[i][0, 0, 0]) for i in (0, 0, 1, 5, 5, 29)] == [0, 0, 1, 5, 5, 29]
    assert (reel.read, reel.starts) == (30, 1)


def test_a_tape_runs_backwards_without_reading_everything_each_time() -> None:
    reel = Reel(40)
    window = FrameWindow(reel)
    assert [int(window[i][0, 0, 0]) for i in [*range(40), *range(39, -1, -1)]] == [*range(40), *range(39, -1, -1)]
    assert reel.starts <= 4


def test_a_tape_ends() -> None:
    window = FrameWindow(Reel(3))
    with pytest.raises(IndexError):
        window[3]


def test_colours() -> None:
    assert colour("black") == (0, 0, 0)
    assert colour("#80ff01") == (128, 255, 1)


@pytest.mark.parametrize(
    ("size", "onto", "grown", "corner"),
    [
        ((96, 64), (96, 64), (96, 64), (0, 0)),
        ((200, 100), (100, 100), (200, 100), (50, 0)),
        ((50, 100), (100, 100), (100, 200), (0, 50)),
        ((1920, 1080), (640, 480), (853, 480), (106, 0)),
    ],
)
def test_covering_keeps_the_aspect(
    size: tuple[int, int], onto: tuple[int, int], grown: tuple[int, int], corner: tuple[int, int]
) -> None:
    assert cover(size, onto) == (grown, corner)
