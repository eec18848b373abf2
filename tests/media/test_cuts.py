"""Cuts, dissolves and fades are told from everything else that changes a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import toy

from retarget_cli.media.decode import scan
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.footage import Footage
from retarget_cli.media.shots.cuts import SIZE, CutFinder, shots
from retarget_cli.media.shots.transitions import Cut
from retarget_cli.media.timing import Timing

RANDOM = np.random.default_rng(3)
WIDE = cv2.resize(RANDOM.integers(0, 256, (6, 36, 3)).astype(np.uint8), (1200, 200), interpolation=cv2.INTER_LINEAR)
OTHER = WIDE[::-1, ::-1]


def view(left: int, ground: np.ndarray = WIDE) -> np.ndarray:
    return cv2.resize(ground[:, left : left + 356], SIZE, interpolation=cv2.INTER_AREA)


def changes(frames: Iterable[np.ndarray]) -> tuple[Cut, ...]:
    finder = CutFinder()
    for frame in frames:
        finder.add(frame)
    return finder.finish()


def found(frames: Iterable[np.ndarray]) -> tuple[int | list[int], ...]:
    return tuple(cut.to_json() for cut in changes(frames))


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


def test_a_light_that_goes_on_or_flashes_and_fades_makes_no_cut() -> None:
    assert found(still(0) // (4 if index < 10 else 1) for index in range(20)) == ()
    glow = [150 * np.exp(-(index - 9) / 4) * (index >= 9) for index in range(24)]
    assert found(cv2.convertScaleAbs(slow_pan(index), beta=each) for index, each in enumerate(glow)) == ()


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
    assert shots((Cut(2, 2), Cut(4, 4)), 5) == [(0, 2), (2, 4), (4, 5)]


def mixed(frames: int, at: int = 20, rest: int = 20, shot: Callable[[int], np.ndarray] = still) -> list[np.ndarray]:
    """One shot that turns into another within so many frames."""
    shares = np.clip((np.arange(at + frames + rest) - at + 1) / (frames + 1), 0, 1)
    pairs = ((shot(index), view(300 + index, OTHER)) for index in range(len(shares)))
    return [cv2.addWeighted(a, 1 - share, b, share, 0) for share, (a, b) in zip(shares, pairs, strict=True)]


def slow_pan(index: int) -> np.ndarray:
    return view(3 * index)


@pytest.mark.parametrize("shot", [still, slow_pan])
@pytest.mark.parametrize("frames", [8, 12, 20, 30])
def test_a_dissolve_is_found_with_its_ends(frames: int, shot: Callable[[int], np.ndarray]) -> None:
    (cut,) = changes(mixed(frames, shot=shot))
    assert abs(cut.start - 20) <= max(3, frames / 6)
    assert abs(cut.stop - 20 - frames) <= max(3, frames / 6)


def faded(level: int, out: int = 10, gap: int = 4) -> list[np.ndarray]:
    """A picture that goes into a grey level and comes again: 14 frames, some that fade, a gap."""
    shares = np.clip(np.abs(np.arange(2 * out + gap + 29) - (14 + out + gap / 2)) - gap / 2, 0, out) / out
    return [cv2.addWeighted(still(0), share, np.full_like(still(0), level), 1 - share, 0) for share in shares]


@pytest.mark.parametrize("level", [0, 16, 255])
def test_a_fade_into_nothing_and_out_of_it_parts_two_shots(level: int) -> None:
    there, dark = faded(level), 14 + 10 + 2
    after = [view(300, OTHER) * (frame.std() / still(0).std()) for frame in there[dark:]]
    ((first, stop),) = found([*there[:dark], *(np.clip(each, 0, 255).astype(np.uint8) for each in after)])
    assert abs(first - 15) <= 1
    assert abs(stop - 38) <= 2


def test_a_light_that_goes_off_and_on_parts_no_shots() -> None:
    assert found(faded(0)) == ()


def test_a_fade_with_nothing_before_or_after_it_parts_no_shots() -> None:
    there = faded(0)
    assert found(there[:26]) == ()
    assert found(there[26:]) == ()


def test_an_object_that_leaves_a_plain_place_and_comes_back_parts_no_shots() -> None:
    def walk(index: int) -> np.ndarray:
        frame = np.full((27, 48, 3), 230, np.uint8)
        left = 25 + 2 * index if index < 15 else 3 * index - 75
        frame[8:22, max(0, left) : max(0, left + 12)] = (90, 50, 30)
        return frame

    assert found(walk(index) for index in range(40)) == ()


def test_two_cuts_to_nothing_and_from_it_are_one_change() -> None:
    nothing = np.zeros_like(still(0))
    assert found([*[still(0)] * 12, *[nothing] * 5, *[view(300, OTHER)] * 12]) == ([12, 17],)


@pytest.mark.parametrize("zoom", [1.01, 1.03])
def test_a_zoom_is_no_dissolve(zoom: float) -> None:
    def near(index: int) -> np.ndarray:
        side = 180 / zoom**index
        box = WIDE[round(100 - side / 2) : round(100 + side / 2), round(500 - side) : round(500 + side)]
        return cv2.resize(box, SIZE, interpolation=cv2.INTER_AREA)

    assert found(near(index) for index in range(50)) == ()


def test_shots_leave_out_what_is_mixed() -> None:
    dissolve = Cut(10, 18)
    assert shots((dissolve, Cut(30, 30)), 40) == [(0, 10), (18, 30), (30, 40)]
    assert [dissolve.within(*part) for part in ((0, 10), (18, 40), (5, 40), (12, 15))] == [
        None, None, Cut(5, 13), Cut(0, 3),
    ]  # fmt: skip
    assert Cut(4, 4).within(4, 9) is Cut(4, 4).within(0, 4) is None
    assert [Cut.from_json(cut.to_json()) for cut in (dissolve, Cut(3, 3))] == [dissolve, Cut(3, 3)]


def two_shots(path: Path) -> Path:
    """Ten frames of stripes, then six of another place."""
    with VideoWriter(path, toy.SIZE, Timing.constant(16, Fraction(10)), codec="ffv1") as writer:
        for index in range(16):
            frame = toy.frame("disc", index / 16)
            writer.write(frame if index < 10 else np.ascontiguousarray(255 - frame[::-1]))
    return path


def test_reading_a_clip_finds_its_cuts(tmp_path: Path) -> None:
    path = two_shots(tmp_path / "two.mkv")
    assert scan(path).cuts == (Cut(10, 10),)
    part = scan(Footage(path, 4, 9))
    assert (part.cuts, part.timing.frames, part.timing.duration, part.offset) == (
        (Cut(6, 6),),
        9,
        Fraction(9, 10),
        Fraction(2, 5),
    )
    assert scan(Footage(path, 10)).cuts == ()
