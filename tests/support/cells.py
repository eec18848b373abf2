"""A small grid of cells, and masks on it."""

from __future__ import annotations

import numpy as np

from retarget_cli.segmentation.sam.prompts import Grid

GRID = Grid((200, 120), 100, 25)


def logits_of(mask: np.ndarray) -> np.ndarray:
    return np.where(mask, 8.0, -8.0).astype(np.float32)


def block(rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros(GRID.shape, bool)
    mask[rows, columns] = True
    return mask
