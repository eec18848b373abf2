"""Shadows: places that look like the surroundings known to be there, only darker.

In Lab, light falling by one factor scales (L + 16, a, b) by the cube root of that factor, so a shadow is the known
surroundings times one number that hardly changes from pixel to pixel. Plain grounds cannot tell a shadow from a darker
thing of the same hue; where the ground's own grain shows through, it is a shadow.
"""

from __future__ import annotations

import cv2
import numpy as np

_ORIGIN = np.array([-40.8, 128.0, 128.0], np.float32)
"""Black in OpenCV's Lab bytes, where L is 255/100 times itself."""
_WINDOW = (5, 5)
_DARKEST, _LIGHTEST = 0.5, 0.97
"""Cube roots of the share of light left: an eighth to nine tenths of it."""
_LEAST_GRAIN = 1.0
"""Variance of lightness, in bytes squared, that counts as grain."""
_LIKENESS = (0.45, 0.75)


def shadow(lab: np.ndarray, ground: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ground as it would look in the shadow seen here, and how sure it is that there is one.

    lab: (h, w, 3) uint8; ground: (h, w, 3) float32, the surroundings bare, in the same units. Returns (h, w, 3) float32
    and (h, w) float32 in [0, 1].
    """
    seen, bare = lab.astype(np.float32) - _ORIGIN, ground - _ORIGIN
    dimming = cv2.blur((seen * bare).sum(axis=2), _WINDOW) / np.maximum(cv2.blur((bare * bare).sum(axis=2), _WINDOW), 1)
    grain, ground_grain = (layer[..., 0] - cv2.blur(layer[..., 0], (3, 3)) for layer in (seen, bare))
    power, ground_power = (cv2.blur(layer * layer, _WINDOW) for layer in (grain, ground_grain))
    likeness = cv2.blur(grain * ground_grain, _WINDOW) / np.sqrt(np.maximum(power * ground_power, 1e-6))
    low, high = _LIKENESS
    sure = np.clip((likeness - low) / (high - low), 0.0, 1.0) * (ground_power > _LEAST_GRAIN)
    sure *= (dimming > _DARKEST) & (dimming < _LIGHTEST)
    return bare * dimming[..., None] + _ORIGIN, sure.astype(np.float32)
