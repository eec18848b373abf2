from __future__ import annotations

import numpy as np
import pytest
from cells import GRID, block, logits_of

from retarget_cli.segmentation.base import Hint
from retarget_cli.segmentation.sam.prompts import (
    Grid,
    hint_prompt,
    inner_points,
    mask_prompt,
    negative_points,
    outline,
    place_prompt,
)


@pytest.mark.parametrize(
    ("native", "image", "shape"),
    [((200, 120), (100, 60), (15, 25)), ((30, 90), (33, 100), (25, 9)), ((64, 64), (100, 100), (25, 25))],
)
def test_sizes(native: tuple[int, int], image: tuple[int, int], shape: tuple[int, int]) -> None:
    grid = Grid(native, 100, 25)
    assert grid.image_size == image
    assert grid.shape == shape
    assert grid.to_native(np.ones(shape, np.float32)).shape == native[::-1]


def test_cells_become_the_pixels_they_cover() -> None:
    native = GRID.to_native(logits_of(block(slice(3, 9), slice(5, 15))))
    rows, columns = np.nonzero(native)
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (24, 72, 40, 120)


def test_padding_and_cropping() -> None:
    logits = np.random.default_rng(0).normal(size=GRID.shape).astype(np.float32)
    square = GRID.pad(logits)
    assert square.shape == (25, 25)
    assert (square[15:] < -5).all()
    assert np.array_equal(GRID.crop(square), logits)


def test_a_hint_is_moved_to_the_networks_image() -> None:
    prompt = hint_prompt(GRID, Hint(0, (20, 40, 60, 30), ((100, 50, True), (4, 6, False))))
    assert prompt.box is not None
    assert prompt.box.tolist() == [10, 20, 40, 35]
    assert prompt.points.tolist() == [[50, 25], [2, 3]]
    assert prompt.labels.tolist() == [1, 0]
    assert prompt.mask is None


def test_a_carried_mask_gives_a_grown_box_and_points_inside() -> None:
    mask = block(slice(4, 10), slice(6, 16))
    prompt = mask_prompt(GRID, logits_of(mask), negative_points(GRID, Hint(0, None, ((0, 0, False), (9, 9, True)))))
    assert prompt.box is not None
    assert np.all(prompt.box[:2] < [24, 16])
    assert np.all(prompt.box[2:] > [64, 40])
    assert np.all(prompt.box >= 0)
    cells = (prompt.points[:-1] / 4).astype(int)
    assert mask[cells[:, 1], cells[:, 0]].all()
    assert prompt.labels.tolist() == [1] * (len(prompt.labels) - 1) + [0]
    assert prompt.points[-1].tolist() == [0, 0]
    assert np.array_equal(GRID.crop(prompt.mask), logits_of(mask))  # type: ignore[arg-type]


def test_a_place_is_looked_at_without_its_mask() -> None:
    mask = block(slice(4, 10), slice(6, 16))
    near, far = (place_prompt(GRID, mask, np.zeros((0, 2)), grown) for grown in (0.1, 0.5))
    assert near.mask is None
    assert near.box is not None
    assert far.box is not None
    assert np.all(far.box[:2] < near.box[:2])
    assert np.all(far.box[2:] > near.box[2:])


def test_inner_points_are_deep_and_apart() -> None:
    mask = np.zeros((40, 60), bool)
    mask[10:20, 5:55] = True
    mask[5:35, 5:35] = True
    points = inner_points(mask)
    assert np.abs(points[0] - [19.5, 19.5]).max() <= 1.5
    assert 2 <= len(points) <= 3
    gaps = np.linalg.norm(points[:, None] - points[None], axis=2)
    assert gaps[np.triu_indices(len(points), 1)].min() > 8
    assert len(inner_points(np.ones((1, 1), bool))) == 1


def test_outlines() -> None:
    box = Hint(0, (16, 32, 64, 48))
    assert np.array_equal(outline(GRID, box, round_box=False), block(slice(4, 10), slice(2, 10)))
    ellipse = outline(GRID, box)
    assert 0.7 < ellipse.sum() / 48 < 0.86
    disc = outline(GRID, Hint(0, None, ((100, 60, True), (8, 8, False))))
    assert disc[7, 12]
    assert not disc[1, 1]
