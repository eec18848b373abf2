"""Edge-aware smoothing of a probability map by a colour image (He, Sun & Tang 2010; fast variant, He & Sun 2015)."""

from __future__ import annotations

import cv2
import numpy as np

_ALL_CHANNELS = np.ones((1, 3), np.float32)


def _mean(image: np.ndarray, radius: int) -> np.ndarray:
    return cv2.blur(image, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REFLECT)


def coefficients(guide: np.ndarray, probability: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """Local linear model ``probability = a . guide + b`` in every window.

    guide: (H, W, 3) float32 in [0, 1].
    probability: (H, W) float32.
    radius: of the windows, in pixels.
    epsilon: ridge on the colour variance.
    Returns (H, W, 4) float32: the window means of (a0, a1, a2, b).
    """
    # Double precision: where the guide is grey the determinant below is of the order of epsilon squared.
    guide, probability = guide.astype(np.float64), probability.astype(np.float64)
    mean_guide, mean_probability = _mean(guide, radius), _mean(probability, radius)
    cross = _mean(guide * probability[..., None], radius) - mean_guide * mean_probability[..., None]
    pairs = guide[..., [0, 0, 0, 1, 1, 2]] * guide[..., [0, 1, 2, 1, 2, 2]]
    # cv2.blur takes up to four channels at once only on some builds; two calls are safe everywhere.
    second = np.concatenate([_mean(pairs[..., :3], radius), _mean(pairs[..., 3:], radius)], axis=2)
    second -= mean_guide[..., [0, 0, 0, 1, 1, 2]] * mean_guide[..., [0, 1, 2, 1, 2, 2]]
    slope = _solve_symmetric(second, cross, epsilon)
    offset = mean_probability - cv2.transform(slope * mean_guide, _ALL_CHANNELS)
    return _mean(np.dstack([slope, offset]).astype(np.float32), radius)


def _solve_symmetric(second: np.ndarray, right: np.ndarray, epsilon: float) -> np.ndarray:
    """Solve (S + epsilon I) x = right for every pixel; `second` holds S as (00, 01, 02, 11, 12, 22)."""
    s00, s01, s02, s11, s12, s22 = (second[..., k] for k in range(6))
    s00, s11, s22 = s00 + epsilon, s11 + epsilon, s22 + epsilon
    c00, c01, c02 = s11 * s22 - s12 * s12, s02 * s12 - s01 * s22, s01 * s12 - s02 * s11
    c11, c12, c22 = s00 * s22 - s02 * s02, s01 * s02 - s00 * s12, s00 * s11 - s01 * s01
    inverse_determinant = 1.0 / (s00 * c00 + s01 * c01 + s02 * c02)
    r0, r1, r2 = right[..., 0], right[..., 1], right[..., 2]
    solved = np.dstack([c00 * r0 + c01 * r1 + c02 * r2, c01 * r0 + c11 * r1 + c12 * r2, c02 * r0 + c12 * r1 + c22 * r2])
    return solved * inverse_determinant[..., None]


def apply(model: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """Evaluate coefficients on a guide of any size (they are resized to it): (H, W) float32."""
    height, width = guide.shape[:2]
    if model.shape[:2] != (height, width):
        model = cv2.resize(model, (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.transform(model[..., :3] * guide, _ALL_CHANNELS) + model[..., 3]


def apply_within(model: np.ndarray, image: np.ndarray, window: tuple[slice, slice]) -> np.ndarray:
    """:func:`apply` to a part of an image: rows and columns of `window`, (h, w) float32.

    image: (H, W, 3) uint8, the whole of it. One channel after the other: large ones have millions of pixels.
    """
    part = image[window]
    found = np.zeros(part.shape[:2], np.float32)
    for channel in range(4):
        layer = np.ascontiguousarray(model[..., channel])
        layer = cv2.resize(layer, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)[window]
        found += layer if channel == 3 else layer * (part[..., channel].astype(np.float32) / 255.0)
    return found


def guided_filter(guide: np.ndarray, probability: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """Smooth `probability` (H, W) along the edges of `guide` (H, W, 3) float32 in [0, 1]."""
    return apply(coefficients(guide, probability, radius, epsilon), guide)
