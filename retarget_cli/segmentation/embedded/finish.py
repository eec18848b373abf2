"""From probabilities on a proxy frame to a matte at the clip's own size."""

from __future__ import annotations

import cv2
import numpy as np

from retarget_cli.segmentation import guided_filter
from retarget_cli.segmentation.masks import to_float
from retarget_cli.vision.regions import fill_holes, largest_components

_RADIUS, _EPSILON = 2, 1e-4
_HOLE = 0.02
"""Largest hole to be filled, as a share of the area: plain parts of the object that hardly move leave such holes."""


def finish(
    probability: np.ndarray, guide: np.ndarray, image: np.ndarray, never: np.ndarray | None = None
) -> np.ndarray:
    """Fit the edges of probabilities to the native frame, and make a clean matte of them.

    probability: (h, w) uint8.
    guide: (h, w, 3) float32 in [0, 1], the proxy frame as RGB.
    image: (H, W, 3) uint8 RGB.
    never: (h, w) bool, where the object is not, as a user says.
    Returns (H, W) uint8 {0, 255}: regions of at least 5 % of the largest one, without holes under 2 % of the area but
    those of `never`.
    """
    if not (probability > 127).any():
        return np.zeros(image.shape[:2], np.uint8)
    model = guided_filter.coefficients(guide, to_float(probability), _RADIUS, _EPSILON)
    matte = np.zeros(image.shape[:2], np.uint8)
    window = _window(probability, image.shape[:2])
    matte[window] = np.where(guided_filter.apply_within(model, image, window) > 0.5, 255, 0)
    # With a pixel round the window, what lies outside of the object there is one region that is no hole.
    around = tuple(slice(max(0, side.start - 1), side.stop + 1) for side in window)
    matte[around] = fill_holes(largest_components(matte[around]), share=_HOLE)
    if never is not None and never.any():
        matte[cv2.resize(never.astype(np.uint8), matte.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0] = 0
    return matte


def _window(probability: np.ndarray, size: tuple[int, int]) -> tuple[slice, slice]:
    """The part of the native frame, (height, width) = `size`, in which the object can be."""
    height, width = probability.shape
    x, y, w, h = cv2.boundingRect((probability > 25).astype(np.uint8))
    rows, columns = size[0] / height, size[1] / width
    top, bottom = int(max(0, y - 4) * rows), int(np.ceil(min(height, y + h + 4) * rows))
    left, right = int(max(0, x - 4) * columns), int(np.ceil(min(width, x + w + 4) * columns))
    return slice(top, bottom), slice(left, right)
