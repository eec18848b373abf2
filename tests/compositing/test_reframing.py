"""Another frame for a result: its shape, its size, and where it looks."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from retarget_cli.compositing.reframing import centres, largest_window, object_boxes, reframing

HD = (1920, 1080)


@pytest.mark.parametrize(
    ("shape", "window"),
    [(Fraction(9, 16), (606, 1080)), (Fraction(1), (1080, 1080)), (Fraction(16, 9), HD), (Fraction(3), (1920, 640))],
)
def test_the_window_is_as_large_as_there_is_room_for(shape: Fraction, window: tuple[int, int]) -> None:
    assert largest_window(HD, shape) == window


def test_a_thing_that_nearly_stands_gets_a_window_that_stands() -> None:
    centres = np.column_stack([1000 + 40 * np.sin(np.arange(50)), np.full(50, 500.0)])
    view = reframing(centres, HD, Fraction(1), None, 25.0)
    assert (view.corners == view.corners[0]).all()
    assert abs(view.corners[0, 0] + 540 - 1000) < 3
    assert view.size == view.window == (1080, 1080)


def test_a_thing_that_walks_is_followed_smoothly_and_never_beyond_the_picture() -> None:
    way = np.linspace(-100, 2100, 200)
    view = reframing(np.column_stack([way, np.full(200, 540.0)]), HD, Fraction(9, 16), (270, 480), 25.0)
    left = view.corners[:, 0]
    assert (left.min(), left.max()) == (0, 1920 - 606)
    assert np.abs(np.diff(left)).max() <= 13
    middle = slice(60, 140)
    assert np.abs(left[middle] + 303 - way[middle]).max() < 3
    image = np.zeros((1080, 1920, 3), np.uint8)
    image[500:580, round(way[100]) - 40 : round(way[100]) + 40] = 255
    seen = view.of(image, 100)
    assert seen.shape == (480, 270, 3)
    rows, columns = np.nonzero(seen[..., 0] > 128)
    (point,) = view.points(np.array([[way[100], 540.0]]), 100)
    assert np.allclose(point, (columns.mean(), rows.mean()), atol=1)


def test_where_it_is_not_seen_the_way_goes_straight_on() -> None:
    silhouettes = np.zeros((5, 10, 10), np.uint8)
    silhouettes[0, 2:4, 1:3] = silhouettes[4, 2:4, 5:7] = 255
    boxes = object_boxes(silhouettes, lambda index: np.array([[100.0, 0, 0], [0, 100.0, 0]]))
    assert boxes[0].tolist() == [100, 200, 200, 300]
    middles = centres(boxes)
    assert np.isnan(middles[1:4]).all()
    assert middles[[0, 4]].tolist() == [[150, 250], [550, 250]]
    view = reframing(middles, HD, Fraction(9, 16), None, 1e-3)
    assert view.corners[:, 0].tolist() == [0, 0, 47, 147, 247]
    nowhere = reframing(np.full((3, 2), np.nan), HD, Fraction(1), None, 25.0)
    assert nowhere.corners.tolist() == [[420, 0]] * 3


def test_frames_on_which_the_object_is_cut_off_are_counted() -> None:
    boxes = np.array([[700.0, 100, 1200, 900]] * 3 + [[500, 100, 1400, 900]] * 2 + [[np.nan] * 4])
    view = reframing(centres(boxes), HD, Fraction(9, 16), None, 25.0)
    assert view.cuts_off(boxes, HD) == 2
    assert reframing(centres(boxes), HD, Fraction(1), None, 25.0).cuts_off(boxes, HD) == 0


def test_what_leaves_the_picture_itself_is_not_missed() -> None:
    for left, corner in ((-300.0, 0), (1620.0, 1920 - 606)):
        boxes = np.array([[left, 100, left + 600, 900]] * 3)
        view = reframing(centres(boxes), HD, Fraction(9, 16), None, 25.0)
        assert view.corners[0, 0] == corner
        assert view.cuts_off(boxes, HD) == 0


def test_alpha_of_light_stays_between_nothing_and_everything() -> None:
    layer = np.zeros((90, 160, 4), np.float16)
    layer[30:60, 60:100] = 1
    view = reframing(np.full((1, 2), 80.0), (160, 90), Fraction(16, 9), (400, 225), 25.0)
    seen = view.of(layer, 0)
    assert seen.shape == (225, 400, 4)
    assert seen.dtype == np.float16
    assert seen.min() == 0
