from __future__ import annotations

import numpy as np
import pytest

from retarget_cli.segmentation.sam.candidates import Choice
from retarget_cli.segmentation.sam.object_state import Known

SHAPE = (60, 100)


def block(x: int, y: int = 20, width: int = 10) -> np.ndarray:
    logits = np.full(SHAPE, -8.0, np.float32)
    logits[y : y + 10, x : x + width] = 8.0
    return logits


def follow(*places: int, step: int = 1) -> Known:
    known = Known.first(0, block(places[0]))
    for index, x in enumerate(places[1:], 1):
        known = known.seen(step * index, Choice(block(x), 0.9, 0.9, 0.9))
    return known


@pytest.mark.parametrize("step", [1, -1], ids=["forwards", "backwards"])
def test_steady_motion_goes_on(step: int) -> None:
    known = follow(*range(10, 32, 2), step=step)
    assert known.expected(step * 15) == pytest.approx([34.5 + 10, 24.5], abs=0.1)
    assert known.unrest < 0.1


def test_shaking_is_no_motion() -> None:
    known = follow(40, 52, 38, 51, 37, 50, 36)
    assert known.unrest > 8
    assert abs(known.expected(12)[0] - known.place[0]) < 12


def test_what_leaves_is_expected_at_the_edge() -> None:
    assert follow(30, 40, 50, 60, 70, 80).expected(12)[0] == SHAPE[1]


def test_a_part_tells_nothing_of_motion_and_little_of_size() -> None:
    known = follow(10, 12, 14)
    part = known.seen(3, Choice(block(16, width=4), 0.9, 0.9, 0.9))
    assert (part.frame, part.whole) == (3, 2)
    assert part.expected(4) == pytest.approx(known.expected(4))
    assert 95 < part.area < 100


def test_found_elsewhere_it_moves_on_from_there() -> None:
    known = follow(*range(10, 32, 2)).found(20, Choice(block(50), 0.9, 0.9, 0.9))
    assert known.expected(22) == pytest.approx([54.5 + 4, 24.5], abs=0.1)
