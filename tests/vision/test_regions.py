from __future__ import annotations

import numpy as np

from retarget_cli.vision.regions import box_of, components, fill_holes, largest_components, largest_share


def blocks() -> np.ndarray:
    mask = np.zeros((40, 60), np.uint8)
    mask[5:25, 10:30] = 255  # 400 px
    mask[30:36, 40:46] = 255  # 36 px
    mask[0, 59] = 255  # 1 px
    return mask


def test_box_is_tight_and_none_when_empty() -> None:
    mask = np.zeros((20, 30), bool)
    assert box_of(mask) is None
    mask[4:9, 7:8] = True
    assert box_of(mask) == (7, 4, 1, 5)


def test_components_count_areas_with_diagonals_joined() -> None:
    _, areas = components(np.eye(5, dtype=np.uint8))
    assert areas.tolist() == [0, 5]
    assert sorted(components(blocks())[1].tolist()) == [0, 1, 36, 400]


def test_small_components_go_by_share() -> None:
    kept = largest_components(blocks(), 0.05)
    assert kept.dtype == np.uint8
    assert (kept > 0).sum() == 436
    assert (largest_components(blocks(), 0.5) > 0).sum() == 400
    assert not largest_components(np.zeros((5, 5), np.uint8)).any()


def test_largest_share() -> None:
    assert largest_share(blocks()) == 400 / 437
    assert largest_share(np.zeros((5, 5), np.uint8)) == 0.0


def test_only_small_enclosed_holes_are_filled() -> None:
    mask = np.full((40, 40), 255, np.uint8)
    mask[10, 10] = 0  # a pinhole
    mask[20:30, 20:30] = 0  # a real opening
    mask[0, 5] = 0  # open to the border
    filled = fill_holes(mask, 0.01)
    assert filled[10, 10] == 255
    assert not filled[20:30, 20:30].any()
    assert filled[0, 5] == 0
