from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from motions import QUADRUPED

from retarget_cli.viz.overlay import Colour, keypoint_colours
from retarget_cli.viz.points import points_sheet

GREY = np.full((6, 64, 64, 3), 110, np.uint8)


def sheet(
    points: np.ndarray,
    confidence: float = 1.0,
    pictures: np.ndarray = GREY,
    cells: int = 1,
    names: Sequence[str] = (),
) -> np.ndarray:
    names = names or [f"p{index}" for index in range(points.shape[1])]
    sure = np.full(points.shape[:2], confidence, np.float32)
    return points_sheet(pictures[: len(points)], points, sure, names, cell=420, columns=cells, rows=1)


def still(*places: tuple[float, float], frames: int = 6) -> np.ndarray:
    return np.tile(np.array(places, np.float32), (frames, 1, 1))


def pixel(x: float, y: float) -> tuple[int, int]:
    """Row and column of a point in a cell of 420 pixels with its margin of 34."""
    return round(34 + (y + 1) / 2 * 351), round(34 + (x + 1) / 2 * 351)


def inked(image: np.ndarray, colour: Colour) -> int:
    """Pixels of a name in its light tone."""
    return int((np.abs(image.astype(int) - [(part + 255) // 2 for part in colour]).max(axis=2) < 12).sum())


def test_every_point_is_a_dot_of_its_colour_where_it_is() -> None:
    places = [(-0.5, -0.5), (0.25, 0.5), (0.75, -0.25)]
    image = sheet(still(*places))
    for place, colour in zip(places, keypoint_colours(3), strict=True):
        assert tuple(image[pixel(*place)]) == colour


def test_what_is_not_sure_is_smaller_and_paler() -> None:
    sure, doubtful = (sheet(still((-0.5, -0.5)), confidence) for confidence in (1.0, 0.0))
    row, column = pixel(-0.5, -0.5)
    ground = np.array([110, 110, 110])
    strong, weak = (np.abs(image[row, column] - ground.astype(int)).sum() for image in (sure, doubtful))
    assert 0 < weak < 0.6 * strong
    assert np.abs(sure[row, column + 5].astype(int) - sure[row, column]).max() < 60
    assert np.abs(doubtful[row, column + 6].astype(int) - ground).max() < 60


def test_the_way_of_a_point_is_drawn_on_every_frame() -> None:
    way = np.zeros((6, 1, 2), np.float32)
    way[:, 0, 0] = np.linspace(-0.8, 0.8, 6)
    image = sheet(way, cells=2)
    assert image.shape == (420, 840, 3)
    row, column = pixel(0.3, 0)
    for left in (0, 420):
        assert image[row, left + column, 0] > image[row + 4, left + column, 0] + 40  # the only point is red


def test_names_of_points_that_crowd_are_all_legible() -> None:
    crowd = [(0.02 * (index % 3), 0.03 * (index // 3)) for index in range(8)]
    together = sheet(still(*crowd))
    apart = sheet(still(*[(-0.8 + 0.45 * (index % 4), -0.5 + index // 4) for index in range(8)]))
    for colour in keypoint_colours(8):
        assert inked(together, colour) > 0.6 * inked(apart, colour) > 10


def test_long_names_are_all_legible() -> None:
    crowd = [(0.4 * (index % 4) - 0.6, 0.3 * (index // 4) - 0.5) for index in range(14)]
    apart = [(0.9 * (index % 3) - 0.9, 0.45 * (index // 3) - 0.9) for index in range(14)]
    together, spread = (sheet(still(*places), names=QUADRUPED) for places in (crowd, apart))
    for colour in keypoint_colours(14):
        assert inked(together, colour) > 0.6 * inked(spread, colour) > 10


def test_points_far_outside_stand_at_the_edge_with_their_names() -> None:
    image = sheet(still((30.0, 0.0), (-1.05, -9.0)))
    assert all(inked(image, colour) > 10 for colour in keypoint_colours(2))


def test_what_is_transparent_is_plain() -> None:
    layer = np.zeros((6, 64, 64, 4), np.uint8)
    layer[:, 20:44, 20:44] = (10, 200, 30, 255)
    image = sheet(still((0.9, 0.9)), pictures=layer)
    assert tuple(image[pixel(0.1, 0.1)]) == (10, 200, 30)
    assert np.ptp(image[pixel(-0.9, -0.9)].astype(int)) < 8


@pytest.mark.parametrize("frames", [1, 2, 4])
def test_short_motions_have_fewer_frames(frames: int) -> None:
    points = still((0, 0), frames=frames)
    image = points_sheet(GREY[:frames], points, np.ones((frames, 1)), ["p0"], cell=200)
    assert image.shape == (200 * (1 if frames < 4 else 2), 200 * min(frames, 3), 3)


def test_what_does_not_answer_each_other_is_refused() -> None:
    with pytest.raises(ValueError, match="answer"):
        points_sheet(GREY, still((0, 0), frames=5), np.ones((5, 1)), ["p0"])
    with pytest.raises(ValueError, match="answer"):
        points_sheet(GREY, still((0, 0)), np.ones((6, 1)), ["p0", "p1"])
