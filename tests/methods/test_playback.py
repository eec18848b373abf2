from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from retarget_cli.methods.base import Playback
from retarget_cli.methods.playback import replayed

TICK = Fraction(1, 1000)
TIMES = (0, 40, 80, 100, 200, 240, 280, 330)


def playback(moments: list[Fraction], loop: tuple[int, int, int] | None = None) -> Playback:
    return Playback(TICK, TIMES, tuple(moments), tuple(0 for _ in moments), loop)


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(len(TIMES), 3, 2)).astype(np.float32)


def test_on_frames_the_poses_are_the_drivers_to_the_bit() -> None:
    points = noise()
    np.testing.assert_array_equal(replayed(points, playback([Fraction(tick) for tick in TIMES])), points)


def test_poses_between_two_frames_lie_between_theirs() -> None:
    points = noise(1)
    for index, (start, end) in enumerate(pairwise(TIMES)):
        inside = replayed(points, playback([start + Fraction(end - start) * k / 7 for k in range(8)]))
        low, high = np.minimum(*points[index : index + 2]), np.maximum(*points[index : index + 2])
        assert (inside >= low - 1e-6).all()
        assert (inside <= high + 1e-6).all()
        steps = np.diff(inside, axis=0)
        assert (steps * (points[index + 1] - points[index]) >= -1e-6).all()  # and they go one way


def test_the_last_pose_is_held_and_one_pose_is_enough() -> None:
    points = noise(2)
    np.testing.assert_array_equal(replayed(points, playback([Fraction(400)]))[0], points[-1])
    alone = Playback(TICK, (0,), (Fraction(0), Fraction(7)), (0, 0))
    np.testing.assert_array_equal(replayed(points[:1], alone), points[[0, 0]])


@pytest.mark.parametrize("part", [(0, 40), (3, 37), (5, 7)])
def test_a_loop_has_no_seam(part: tuple[int, int]) -> None:
    """A walk that drifts: without closing, it would jump back at the end of each round."""
    times = tuple(range(40))
    points = np.stack([np.sin(np.array(times) * 0.7), np.array(times) * 0.05], axis=1)[:, None].astype(np.float32)
    first, stop = part
    length = stop - first
    moments = [first + Fraction(k, 4) % length for k in range(8 * length)]
    loop = Playback(TICK, times, tuple(moments), tuple(int(m) for m in moments), (first, stop, stop))
    found = replayed(points, loop)[:, 0]
    np.testing.assert_array_equal(found[: 4 * length], found[4 * length :])
    fastest = np.abs(np.diff(points[:, 0], axis=0)).max(axis=0)
    assert (np.abs(np.diff(found, axis=0)) * 4 < 2.5 * fastest + 0.05 * length).all()
    middle = slice(4 * 6, 4 * (length - 6), 4)
    np.testing.assert_allclose(found[middle], points[first + 6 : stop - 6, 0][: len(found[middle])], atol=1e-6)
