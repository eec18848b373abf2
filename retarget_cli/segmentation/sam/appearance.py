"""Appearance of the object to the network, so that another thing is not taken for it.

The mean of an image embedding over a mask tells things apart well enough to find a thing shown once in other images
(Zhang et al., "Personalize Segment Anything Model with One Shot", 2023, section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from retarget_cli.segmentation.sam.prompts import Grid

_NONE = -1.0
"""The likeness of what shows nothing."""


@dataclass(frozen=True)
class Appearance:
    """The object and what is beside it on one frame. own: (C,); others: (M, C); features of the network's embedding."""

    own: np.ndarray
    others: np.ndarray

    def likeness(self, features: np.ndarray) -> np.ndarray:
        """Of features (..., C), in [-1, 1]: 1 is the object's own, 0 halfway to the nearest other, below 0 beyond.

        The difference of both distances over the distance between object and other.
        """
        other = np.linalg.norm(features[..., None, :] - self.others, axis=-1)
        nearest = other.argmin(axis=-1)
        apart = np.maximum(np.linalg.norm(self.others - self.own, axis=-1), 1e-6)[nearest]
        mine = np.linalg.norm(features - self.own, axis=-1)
        return np.clip((other.min(axis=-1) - mine) / apart, -1.0, 1.0)


def appearance_of(grid: Grid, embedding: np.ndarray, mask: np.ndarray, negatives: np.ndarray) -> Appearance | None:
    """Return the appearance of the object on one frame; None when its mask covers all or nothing.

    embedding: (C, h, w), of the frame.
    mask: (rows, columns) bool.
    negatives: (K, 2) cells x, y of places that are not the object; the things there count as others of their own.
    """
    share, seen = _shares(grid, mask, embedding), _shares(grid, np.ones_like(mask), embedding)
    rest = seen * (cv2.dilate(share, np.ones((3, 3), np.uint8)) == 0)
    own, surroundings = _mean(embedding, share), _mean(embedding, rest)
    if own is None or surroundings is None:
        return None
    step = grid.cells / embedding.shape[2]
    places = np.clip((negatives + 0.5) / step, 0, embedding.shape[2] - 1).astype(int)
    named = [embedding[:, y, x].astype(np.float32) for x, y in places if share[y, x] == 0]
    return Appearance(own, np.stack([surroundings, *named]))


class Appearances:
    """Appearances of the object on every hinted frame; the one that fits best counts."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._known: list[Appearance] = []

    def add(self, appearance: Appearance | None) -> None:
        """Take note of a hinted frame."""
        if appearance is not None:
            self._known.append(appearance)

    def of_mask(self, embedding: np.ndarray, mask: np.ndarray) -> float:
        """The likeness of a mask (rows, columns) bool; 1 when none is known."""
        if not self._known:
            return 1.0
        mean = _mean(embedding, _shares(self._grid, mask, embedding))
        return _NONE if mean is None else float(max(one.likeness(mean) for one in self._known))

    def of_cells(self, embedding: np.ndarray) -> np.ndarray:
        """The likeness of every place on the image, (rows, columns) float32, smoothed."""
        if not self._known:
            return np.full(self._grid.shape, _NONE, np.float32)
        features = np.moveaxis(embedding.astype(np.float32), 0, -1)
        found = np.max([one.likeness(features) for one in self._known], axis=0).astype(np.float32)
        smooth = cv2.blur(found, (3, 3))
        return self._grid.crop(cv2.resize(smooth, (self._grid.cells,) * 2, interpolation=cv2.INTER_LINEAR))


def _shares(grid: Grid, mask: np.ndarray, embedding: np.ndarray) -> np.ndarray:
    """The share of each cell of the embedding that the mask covers, (h, w) float32."""
    square = np.zeros((grid.cells, grid.cells), np.float32)
    square[: mask.shape[0], : mask.shape[1]] = mask
    return cv2.resize(square, embedding.shape[:0:-1], interpolation=cv2.INTER_AREA)


def _mean(embedding: np.ndarray, share: np.ndarray) -> np.ndarray | None:
    """Mean feature of the cells well inside, or of all that are touched when none is."""
    weights = share * (share > 0.5) if (share > 0.5).any() else share
    if not weights.any():
        return None
    rows, columns = np.nonzero(weights)
    picked = embedding[:, rows, columns].astype(np.float32)
    mean: np.ndarray = (picked @ weights[rows, columns]) / weights.sum()
    return mean
