from __future__ import annotations

import numpy as np
import pytest

from retarget_cli.segmentation.sam.appearance import Appearance, Appearances, appearance_of
from retarget_cli.segmentation.sam.prompts import Grid

GRID = Grid((64, 32), 64, 32)
NOWHERE = np.zeros((0, 2))


def scenery(*places: tuple[slice, slice, float]) -> np.ndarray:
    """An embedding (2, 16, 16): the ground is (0, 0), things are (0, value)."""
    embedding = np.zeros((2, 16, 16), np.float16)
    for rows, columns, value in places:
        embedding[1, rows, columns] = value
    embedding[:, 8:] = 99  # no picture reaches there
    return embedding


def mask_of(rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros(GRID.shape, bool)
    mask[2 * rows.start : 2 * rows.stop, 2 * columns.start : 2 * columns.stop] = True
    return mask


HERE, THERE = (slice(1, 4), slice(2, 5)), (slice(4, 7), slice(10, 13))


def test_likeness_falls_from_the_object_to_its_surroundings() -> None:
    look = Appearance(np.array([0.0, 4.0]), np.array([[0.0, 0.0]]))
    values = look.likeness(np.array([[0.0, 4.0], [0.0, 3.0], [0.0, 2.0], [0.0, 0.0], [9.0, 2.0]]))
    assert values == pytest.approx([1.0, 0.5, 0.0, -1.0, 0.0])


def test_a_mask_is_like_what_was_shown_wherever_it_is() -> None:
    looks = Appearances(GRID)
    assert looks.of_mask(scenery(), mask_of(*HERE)) == 1.0
    looks.add(appearance_of(GRID, scenery((*HERE, 4.0)), mask_of(*HERE), NOWHERE))
    later = scenery((*THERE, 4.0))
    assert looks.of_mask(later, mask_of(*THERE)) > 0.9
    assert looks.of_mask(later, mask_of(*HERE)) < -0.9
    rows, columns = np.unravel_index(looks.of_cells(later).argmax(), GRID.shape)
    assert mask_of(*THERE)[rows, columns]


def test_a_point_beside_the_object_makes_the_thing_there_another() -> None:
    embedding = scenery((*HERE, 4.0), (*THERE, 3.0))
    without, along = Appearances(GRID), Appearances(GRID)
    without.add(appearance_of(GRID, embedding, mask_of(*HERE), NOWHERE))
    along.add(appearance_of(GRID, embedding, mask_of(*HERE), np.array([[22.0, 10.0]])))
    assert without.of_mask(embedding, mask_of(*THERE)) > 0.3
    assert along.of_mask(embedding, mask_of(*THERE)) < -0.9


def test_a_mask_of_everything_or_nothing_has_no_look() -> None:
    for mask in (np.ones(GRID.shape, bool), np.zeros(GRID.shape, bool)):
        assert appearance_of(GRID, scenery((*HERE, 4.0)), mask, NOWHERE) is None
