"""Edge-aware smoothing of a probability map by a colour image (He, Sun & Tang 2010; fast variant, He & Sun 2015)."""

from __future__ import annotations

import itertools

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
    # Plane by plane: numpy is five times as fast on planes as on channels that lie side by side.
    probability = probability.astype(np.float64)
    planes = [guide[..., channel].astype(np.float64) for channel in range(3)]
    means, mean_probability = [_mean(plane, radius) for plane in planes], _mean(probability, radius)
    cross = [
        _mean(plane * probability, radius) - mean * mean_probability for plane, mean in zip(planes, means, strict=True)
    ]
    pairs = itertools.combinations_with_replacement(range(3), 2)
    second = [_mean(planes[i] * planes[j], radius) - means[i] * means[j] for i, j in pairs]
    slopes = _solve_symmetric(second, cross, epsilon)
    offset = mean_probability - (slopes[0] * means[0] + slopes[1] * means[1] + slopes[2] * means[2])
    return cv2.merge([_mean(plane.astype(np.float32), radius) for plane in (*slopes, offset)])


def _solve_symmetric(second: list[np.ndarray], right: list[np.ndarray], epsilon: float) -> list[np.ndarray]:
    """Solve (S + epsilon I) x = right for every pixel; `second` holds S as (00, 01, 02, 11, 12, 22)."""
    s00, s01, s02, s11, s12, s22 = second
    s00, s11, s22 = s00 + epsilon, s11 + epsilon, s22 + epsilon
    c00, c01, c02 = s11 * s22 - s12 * s12, s02 * s12 - s01 * s22, s01 * s12 - s02 * s11
    c11, c12, c22 = s00 * s22 - s02 * s02, s01 * s02 - s00 * s12, s00 * s11 - s01 * s01
    inverse_determinant = 1.0 / (s00 * c00 + s01 * c01 + s02 * c02)
    r0, r1, r2 = right
    rows = (c00, c01, c02), (c01, c11, c12), (c02, c12, c22)
    return [(x * r0 + y * r1 + z * r2) * inverse_determinant for x, y, z in rows]


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
