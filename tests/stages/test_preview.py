"""What a quick look reads, and what it shows."""

from __future__ import annotations

import numpy as np
import pytest

from retarget_cli.errors import UsageError
from retarget_cli.segmentation.base import Hint
from retarget_cli.stages.matte_views import AROUND, FARTHEST, chosen_frames, draw_preview, shown_size, window

BOX = (1.0, 2.0, 3.0, 4.0)


@pytest.mark.parametrize(
    ("frame", "hinted", "expected"),
    [
        (37, [], (25, 49)),
        (3, [], (0, 15)),
        (37, [37], (25, 49)),
        (37, [0], (0, 49)),
        (100, [130, 5000], (88, 130)),
        (100, [90, 104], (88, 112)),
    ],
)
def test_frames_looked_at(frame: int, hinted: list[int], expected: tuple[int, int]) -> None:
    assert window(frame, [Hint(other, BOX) for other in hinted]) == expected


def test_a_hint_that_is_too_far_is_refused_with_the_frame_to_look_at() -> None:
    with pytest.raises(UsageError) as caught:
        window(FARTHEST + 8, [Hint(7, BOX), Hint(0, BOX)])
    assert "--preview-frame 7" in caught.value.fix
    assert window(FARTHEST + 7, [Hint(7, BOX)]) == (7, FARTHEST + 7 + AROUND)


@pytest.mark.parametrize("size", [(64, 48), (33, 91), (16, 16), (1001, 401)])
def test_matte_and_cut_out_stand_side_by_side(size: tuple[int, int]) -> None:
    width, height = size
    image = np.full((height, width, 3), (200, 40, 40), np.uint8)
    matte = np.zeros((height, width), np.uint8)
    matte[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4] = 255
    drawn = draw_preview(image, matte, [Hint(0, BOX)], "frame 0")
    shown = shown_size(size)
    left, right = drawn[: shown[1], : shown[0]], drawn[: shown[1], -shown[0] :]
    corner = np.s_[shown[1] // 20 : shown[1] // 8, -shown[0] // 8 :]
    assert (np.abs(left[corner] - [200, 40, 40]).max(axis=2) < 3).mean() > 0.7  # the rest is grid
    assert (np.ptp(right[corner].astype(int), axis=2) < 3).all()
    middle = right[shown[1] // 2, shown[0] // 2]
    assert np.abs(middle - [200, 40, 40.0]).max() < 3


def test_shown_sizes() -> None:
    assert shown_size((64, 48)) == (320, 240)
    assert shown_size((480, 854)) == (480, 854)
    assert shown_size((3840, 2160)) == (960, 540)
    assert shown_size((4000, 2)) == (960, 1)


def test_the_least_certain_frame_is_always_on_the_sheet() -> None:
    assert chosen_frames(100, None) == chosen_frames(100, 99)
    chosen = chosen_frames(10_000, 4321)
    assert 4321 in chosen
    assert (chosen[0], chosen[-1], len(chosen)) == (0, 9_999, 15)
    assert chosen == sorted(chosen)
    assert chosen_frames(2, 1) == [0, 1]
    for count in range(1, 40):
        for worst in range(count):
            assert worst in chosen_frames(count, worst)
