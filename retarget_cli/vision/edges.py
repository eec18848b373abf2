"""How soft the outline of a matte is, and how to give one matte the softness of another."""

from __future__ import annotations

import cv2
import numpy as np

_NEAR_HALF = 0.15  # alpha this near to a half lies on the outline
_FEWEST = 20  # pixels of outline that a width is read from
_FAINTEST = 0.02  # less alpha than this is a speck
_CLEAREST = 2.5  # an outline that must be narrowed by more was drawn in doubt, and stays a little soft
_RAMP = 2.0
"""Width by :func:`edge_width` of a step under a Gaussian of sigma 1: 0.8 over the slope at its middle."""


def edge_width(alpha: np.ndarray) -> float | None:
    """Pixels between alpha 0.1 and 0.9 across the outline, the median along it; None when there is hardly any.

    alpha: (H, W) float32 in [0, 1]. It is taken from the slope where alpha is a half, as if it went on straight. A
    hard step, which pixels cannot tell from a narrow ramp, counts 1.6.
    """
    on_outline = np.abs(alpha - 0.5) < _NEAR_HALF
    slope = np.hypot(*(cv2.Sobel(alpha, cv2.CV_32F, dx, 1 - dx, scale=1 / 8)[on_outline] for dx in (1, 0)))
    if slope.size < _FEWEST:
        return None
    return float(np.median(0.8 / np.maximum(slope, 1e-3)))


def with_edges(placed: np.ndarray, own: float, wanted: float) -> np.ndarray:
    """A layer whose outline is `own` pixels wide with one `wanted` pixels wide; where alpha was a half it stays so.

    placed: (H, W, 4) float32 in [0, 1], colour premultiplied. Wide outlines are narrowed by contrast, which also makes
    the inside opaque; narrow ones are blurred.
    """
    if own < wanted:
        blurred: np.ndarray = cv2.GaussianBlur(placed, (0, 0), max(0.1, np.sqrt(wanted**2 - own**2) / _RAMP))
        return blurred
    before = placed[..., 3:]
    after = np.clip(0.5 + (before - 0.5) * min(own / wanted, _CLEAREST), 0.0, 1.0) * (before > _FAINTEST)
    return np.concatenate([placed[..., :3] * (after / np.maximum(before, _FAINTEST)), after], axis=2)
