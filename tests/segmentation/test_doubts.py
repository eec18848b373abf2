"""Mattes that are none are noticed; good ones are not."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from segment_scenes import walker

from retarget_cli.segmentation.doubts import Doubts, Look, grey_share, stretched

FRAMES, TRUTH = walker(count=12, step=2.0)
GREY = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in FRAMES]


def looked(mattes: np.ndarray, grey: float = 0.0) -> Doubts:
    look = Look()
    for image, matte in zip(GREY, mattes, strict=True):
        look.at(image, matte)
    return look.doubts(grey)


def surf(mattes: np.ndarray) -> np.ndarray:
    """The mattes with a thin streak through the whole picture on every other frame."""
    changed = mattes.copy()
    changed[::2, 60:63] = True
    return changed


def test_a_good_matte_is_not_doubted() -> None:
    found = looked(TRUTH)
    assert found.reasons == ()
    assert min(found.factors) > 0.9


@pytest.mark.parametrize(
    ("spoilt", "reasons"),
    [
        (lambda mattes: ~mattes, ["of the picture", "border", "not where things move"]),
        (lambda mattes: np.roll(mattes, 80, axis=2), ["not where things move"]),
        (surf, ["thin streaks reach far out of its body on 6 of 12 frames"]),
    ],
    ids=["inverted", "elsewhere", "surf"],
)
def test_a_matte_that_is_none_is_noticed(spoilt: Callable[[np.ndarray], np.ndarray], reasons: list[str]) -> None:
    found = looked(spoilt(TRUTH))
    said = "; ".join(found.reasons)
    assert all(reason in said for reason in reasons)
    assert min(found.factors) < 0.5


def test_only_the_frames_with_streaks_are_doubted() -> None:
    found = looked(surf(TRUTH))
    assert max(found.factors[::2]) < 0.5 < 0.9 < min(found.factors[1::2])


def test_a_picture_in_the_place_of_a_matte_is_noticed() -> None:
    mattes = np.array(GREY) > 127
    assert grey_share(GREY) > 0.15 > grey_share([matte.astype(np.uint8) * 255 for matte in TRUTH])
    assert "grey" in looked(mattes, grey_share(GREY)).reasons[0]


def test_soft_edges_are_no_picture() -> None:
    assert grey_share([cv2.GaussianBlur(matte.astype(np.uint8) * 255, (0, 0), 2) for matte in TRUTH]) < 0.15


def test_the_body_is_what_is_not_thin() -> None:
    matte = np.zeros((120, 200), bool)
    matte[40:90, 60:120] = True
    assert stretched(matte)[0] == pytest.approx(1.0, abs=0.05)
    matte[60:62, :] = True
    stretch, box = stretched(matte)
    assert stretch == pytest.approx(200 / 60, rel=0.1)
    assert box == pytest.approx((60, 40, 60, 50), abs=3)
    assert stretched(np.zeros((9, 9), bool)) == (1.0, None)
    line = np.zeros((60, 400), bool)
    line[30] = True
    assert stretched(line)[0] > 5


def test_empty_frames_and_a_still_clip_say_nothing() -> None:
    look = Look()
    for index in range(4):
        look.at(GREY[0], TRUTH[0] & (index > 0))
    found = look.doubts()
    assert found.reasons == ()
    assert found.factors[0] == 1.0
    assert found.boxes[0] is None
