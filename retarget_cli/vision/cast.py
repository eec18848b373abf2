"""The shadow that a thing standing on level ground casts on it, told from its silhouette.

Light from far away draws a standing outline on the ground as the same outline, flattened and leaning, that begins where
it stands. How flat, how far it leans, how soft and how dark it is holds for a whole scene.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np

_SMALL = 240  # longer side, in pixels, of the copy on which shadows are drawn
_FAINTEST = 0.01  # logarithm of a darkening that nobody sees
_DARKEST = 1.2  # logarithm: no shadow leaves less than a third of the light
_HIDING = 0.03  # how much darker than without it a place is that counts as shadowed


@dataclass(frozen=True)
class CastShadow:
    """How a scene's light casts shadows.

    flat: height of the shadow over that of the thing, positive where it falls away from the camera (upwards in the
    picture), negative where it falls towards it. lean: how far to the right it goes, in heights of the thing. soft:
    sigma of its blur, in the same. strength: minus the logarithm of the share of light that is left where it is whole.
    """

    flat: float
    lean: float
    soft: float
    strength: float

    def to_json(self) -> dict[str, float]:
        """A plain dict of numbers."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> CastShadow:
        """The shadow that :meth:`to_json` wrote."""
        return cls(**{name: float(value[name]) for name in ("flat", "lean", "soft", "strength")})

    def light(self, alpha: np.ndarray, ground: float | None = None) -> np.ndarray:
        """(H, W) float32 share of light that the shadow leaves, 1 where there is none.

        alpha: (H, W) float32 in [0, 1], of what stands there; ground: the row it stands on, None for its lowest one.
        """
        shape = alpha.shape
        depth = cv2.resize(silhouette_on_ground(shrunk(alpha), self, _row(ground, shape)), shape[::-1])
        dark = np.minimum(self.strength * depth, _DARKEST)
        return np.exp(-np.where(dark < _FAINTEST, 0.0, dark)).astype(np.float32)

    def covers(self, solid: np.ndarray) -> np.ndarray:
        """(H, W) bool: where a thing that is at `solid` (H, W) bool darkens what is behind it."""
        return self.light(solid.astype(np.float32)) < 1.0 - _HIDING


def shrunk(image: np.ndarray, longer: int = _SMALL) -> np.ndarray:
    """An image (H, W) or (H, W, C) whose longer side is at most `longer`, each pixel the mean of what it covers."""
    h, w = image.shape[:2]
    by = min(1.0, longer / max(h, w))
    return cv2.resize(image, (max(1, round(w * by)), max(1, round(h * by))), interpolation=cv2.INTER_AREA)


def silhouette_on_ground(alpha: np.ndarray, cast: CastShadow, ground: float | None = None) -> np.ndarray:
    """How much of the light a silhouette (h, w) float32 in [0, 1] takes from each place, (h, w) float32 in [0, 1].

    ground: where it stands as a share of the picture's height, None for its lowest row.
    """
    rows = np.flatnonzero((alpha > 0.5).any(axis=1))
    if not rows.size:
        return np.zeros_like(alpha)
    h, w = alpha.shape
    base = float(rows[-1]) if ground is None else ground * h - 0.5
    height = float(rows[-1] - rows[0] + 1)
    steps = np.array([[1.0, -cast.lean, cast.lean * base], [0.0, cast.flat, base * (1.0 - cast.flat)]])
    laid: np.ndarray = cv2.warpAffine(alpha, steps, (w, h), flags=cv2.INTER_LINEAR)
    return cv2.GaussianBlur(laid, (0, 0), max(0.5, cast.soft * height))


def _row(ground: float | None, shape: tuple[int, ...]) -> float | None:
    return None if ground is None else (ground + 0.5) / shape[0]
