"""Another frame for a finished picture: cut to a shape round the object, and scaled to a size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np

from retarget_cli.media.archive import Pictures

_STEADY = 0.25  # of the window: while the object stays within that, the window stands still
_SLACK = 0.02  # of the window: so little of an object outside is not missed
_CALM = 1.0  # s; sigma by which the way of a window that moves is smoothed


@dataclass(frozen=True)
class Reframing:
    """corners: (N, 2) whole x, y of the window on each frame; window: its (w, h); size: (w, h) of the result."""

    corners: np.ndarray
    window: tuple[int, int]
    size: tuple[int, int]

    def of(self, image: np.ndarray, index: int) -> np.ndarray:
        """Frame `index`, (H, W) or (H, W, C) of any kind of number, in its new frame. Alpha must be multiplied in."""
        (x, y), (w, h) = self.corners[index], self.window
        part = np.ascontiguousarray(image[y : y + h, x : x + w])
        if self.size == self.window:
            return part
        kernel = cv2.INTER_AREA if self.size[0] < w else cv2.INTER_CUBIC
        if part.dtype == np.uint8:
            return cv2.resize(part, self.size, interpolation=kernel)
        resized: np.ndarray = cv2.resize(part.astype(np.float32), self.size, interpolation=kernel)
        if image.ndim == 2 or image.shape[2] == 4:
            resized = np.maximum(resized, 0)  # cubics overshoot, and alpha is never less than nothing
        return resized.astype(part.dtype)

    def points(self, points: np.ndarray, index: int) -> np.ndarray:
        """Places (K, 2) x, y in pixels of the picture as those in its new frame."""
        scale = np.array(self.size) / np.array(self.window)
        return (points + 0.5 - self.corners[index]) * scale - 0.5

    def cuts_off(self, boxes: np.ndarray, picture: tuple[int, int]) -> int:
        """On how many frames an object in these boxes (N, 4) reaches out of the window, by more than a fiftieth of it.

        What lies outside of the picture (w, h) itself is not counted: no window would show it.
        """
        slack = _SLACK * np.array(self.window)
        low, high = (np.clip(ends, 0, picture) for ends in (boxes[:, :2], boxes[:, 2:]))
        out = (low < self.corners - slack) | (high > self.corners + self.window + slack)
        return int(out.any(axis=1).sum())


def largest_window(size: tuple[int, int], shape: Fraction) -> tuple[int, int]:
    """The largest (w, h) of a shape, w : h, in a picture of `size` (w, h); even where there is room for that."""
    w = min(Fraction(size[0]), size[1] * shape)
    sides = int(w), int(w / shape)
    return (max(1, sides[0] - sides[0] % 2), max(1, sides[1] - sides[1] % 2)) if sides != size else sides


def reframing(
    centres: np.ndarray, picture: tuple[int, int], shape: Fraction, size: tuple[int, int] | None, rate: float
) -> Reframing:
    """The window of that shape that keeps the object in its middle.

    centres: (N, 2) of the object in pixels of a picture (w, h), NaN where it is not seen; size: of the result, None for
    that of the window; rate: frames a second. The window is as large as the picture has room for, stands still
    where the object nearly does, and otherwise follows it smoothly.
    """
    window = largest_window(picture, shape)
    corners = np.zeros((len(centres), 2))
    for axis in (0, 1):
        way = _filled(centres[:, axis], picture[axis] / 2)
        if np.ptp(way) <= _STEADY * window[axis]:
            way = np.full_like(way, (way.min() + way.max()) / 2)
        else:
            way = _smoothed(way, _CALM * rate)
        corners[:, axis] = np.clip(np.rint(way - window[axis] / 2), 0, picture[axis] - window[axis])
    return Reframing(corners.astype(int), window, size or window)


def object_boxes(silhouettes: Pictures, matrix: Callable[[int], np.ndarray]) -> np.ndarray:
    """(N, 4) left, top, right and bottom of each silhouette, (S, S) uint8, in pixels of the picture; NaN for an empty
    one. matrix: from a silhouette to the picture, (2, 3), which turns nothing.
    """
    found = np.full((len(silhouettes), 4), np.nan)
    for index in range(len(silhouettes)):
        rows, columns = np.nonzero(silhouettes[index])
        if rows.size:
            ends = np.array([[columns.min(), columns.max()], [rows.min(), rows.max()], [1, 1]])
            corners = matrix(index) @ ends
            found[index] = *corners.min(axis=1), *corners.max(axis=1)
    return found


def centres(boxes: np.ndarray) -> np.ndarray:
    """(N, 2) middles of boxes (N, 4)."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def _filled(way: np.ndarray, without: float) -> np.ndarray:
    """The way with straight lines over the gaps."""
    known = np.flatnonzero(np.isfinite(way))
    if not known.size:
        return np.full_like(way, without)
    return np.interp(np.arange(len(way)), known, way[known])


def _smoothed(way: Sequence[float] | np.ndarray, sigma: float) -> np.ndarray:
    """A way under a Gaussian; before its beginning and after its end it stays where it was."""
    reach = max(1, round(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-6)) ** 2)
    return np.convolve(np.pad(way, reach, mode="edge"), kernel / kernel.sum(), mode="valid")
