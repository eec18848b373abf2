"""The cast shadow of a clip's object: found in the footage, removed with the object, cast again by what is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import cv2
import numpy as np

from retarget_cli.compositing.anchors import Anchor, between
from retarget_cli.utils.sampling import evenly
from retarget_cli.vision.camera import compose, invert, view

_DRAWN_SIDE = 240  # longer side, in pixels, of the copy on which shadows are drawn
_FAINTEST = 0.01  # logarithm of a darkening that nobody sees
_DARKEST = 1.2  # logarithm: no shadow leaves less than a third of the light
_HIDING = 0.03  # how much darker than without it a place is that counts as shadowed


@dataclass(frozen=True)
class CastShadow:
    """Shape and strength of the shadows that a scene's light casts.

    flat: height of the shadow over that of the thing, positive where it falls away from the camera (upwards in the
    picture), negative where it falls towards it.
    lean: how far to the right it goes, in heights of the thing.
    soft: sigma of its blur, in the same.
    strength: minus the logarithm of the share of light that is left where it is whole.
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


def shrunk(image: np.ndarray, longer: int = _DRAWN_SIDE) -> np.ndarray:
    """An image (H, W) or (H, W, C) whose longer side is at most `longer`, each pixel the mean of what it covers."""
    h, w = image.shape[:2]
    by = min(1.0, longer / max(h, w))
    return cv2.resize(image, (max(1, round(w * by)), max(1, round(h * by))), interpolation=cv2.INTER_AREA)


def silhouette_on_ground(alpha: np.ndarray, shadow: CastShadow, ground: float | None = None) -> np.ndarray:
    """Return the share of light that a silhouette (h, w) float32 in [0, 1] takes from each place, in the same form.

    ground: where it stands as a share of the picture's height, None for its lowest row.
    """
    rows = np.flatnonzero((alpha > 0.5).any(axis=1))
    if not rows.size:
        return np.zeros_like(alpha)
    h, w = alpha.shape
    base = float(rows[-1]) if ground is None else ground * h - 0.5
    height = float(rows[-1] - rows[0] + 1)
    steps = np.array([[1.0, -shadow.lean, shadow.lean * base], [0.0, shadow.flat, base * (1.0 - shadow.flat)]])
    laid: np.ndarray = cv2.warpAffine(alpha, steps, (w, h), flags=cv2.INTER_LINEAR)
    return cv2.GaussianBlur(laid, (0, 0), max(0.5, shadow.soft * height))


def _row(ground: float | None, shape: tuple[int, ...]) -> float | None:
    return None if ground is None else (ground + 0.5) / shape[0]


_LUMA = np.array([0.299, 0.587, 0.114])
_FRAMES, _OTHERS = 10, 9  # frames that are judged, and frames that each is compared with
_COMPARED_SIDE = 120  # longer side, in pixels, of the copies that are compared
_LEAST_GROUND = 60  # pixels of such a copy
_FEWEST = 3  # frames that must show a place for it to be known
_FLATS = (-0.6, -0.35, -0.2, -0.1, 0.05, 0.1, 0.2, 0.35, 0.6)
_LEANS = (-1.6, -0.8, -0.4, 0.0, 0.4, 0.8, 1.6)
_SOFTS = (0.02, 0.06, 0.12)
_REACH = 0.8  # heights of the object around it in which its shadow is looked for
_SHADED = 0.35  # heights of the object around it in which no frame counts as bare
_LIMIT = 1.2  # logarithm of a darkening: more is another thing
_OFFSET = 8.0  # grey levels added before dividing, so that dark places say little
_LIKENESS = 0.7  # correlation from which on it is a shadow: legs that a matte lacks reach 0.56
_AGREEING = 0.75  # share of the frames that must say so one by one
_FAINTEST_STRENGTH = 0.06  # strength that can be told from nothing


@dataclass(frozen=True)
class _Small:
    """A frame on a small raster, (h, w) each: luma in the first frame's exposure, share that is bare, object."""

    index: int
    luma: np.ndarray
    clear: np.ndarray
    silhouette: np.ndarray


@dataclass(frozen=True)
class _Darkening:
    """One frame: how much darker it is than bare, (h, w) float32 logarithm, where that is known; its silhouette."""

    darker: np.ndarray
    known: np.ndarray
    silhouette: np.ndarray


def find_shadow(
    anchors: Sequence[Anchor], matrices: Sequence[np.ndarray], gains: Sequence[np.ndarray]
) -> CastShadow | None:
    """The shadow of the object in a clip, None when there is none that can be told.

    anchors: frames as they were filmed; matrices: of all frames, see `register`; gains: see `balance`.
    """
    small = [_small(anchor, gain) for anchor, gain in zip(anchors, gains, strict=True)]
    by = small[0].luma.shape[1] / anchors[0].hole.shape[1], small[0].luma.shape[0] / anchors[0].hole.shape[0]
    moved = {anchor.index: _on_small(matrices[anchor.index], by) for anchor in anchors}
    frames = [frame for k in evenly(len(small), _FRAMES) if (frame := _darkening(small, moved, k)) is not None]
    if len(frames) < _FEWEST:
        return None
    found = [
        (*_agreement(frames, shadow), shadow)
        for shadow in (CastShadow(*shape, strength=1.0) for shape in product(_FLATS, _LEANS, _SOFTS))
    ]
    likeness, agreeing, strength, shadow = max(found, key=lambda one: one[0])
    if likeness < _LIKENESS or agreeing < _AGREEING or strength < _FAINTEST_STRENGTH:
        return None
    return replace(shadow, strength=round(strength, 3))


def _small(anchor: Anchor, gain: np.ndarray) -> _Small:
    weights = (_LUMA / gain).astype(np.float32)
    luma = cv2.transform(shrunk(anchor.image, _COMPARED_SIDE).astype(np.float32), weights[None])
    hole, silhouette = (shrunk(part.astype(np.float32), _COMPARED_SIDE) for part in (anchor.hole, anchor.solid))
    return _Small(anchor.index, luma, 1.0 - np.maximum(hole, _around(silhouette, _SHADED)), silhouette)


def _on_small(matrix: np.ndarray, by: tuple[float, float]) -> np.ndarray:
    """A matrix (2, 3) between frames as one between frames shrunk `by` so much in x and y."""
    x, y = by
    small = np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2]])
    return compose(compose(small, matrix), invert(small))


def _darkening(small: Sequence[_Small], matrices: Mapping[int, np.ndarray], k: int) -> _Darkening | None:
    own = small[k]
    near = _around(own.silhouette, _REACH)
    others = [small[j] for j in evenly(len(small), _OTHERS) if j != k]
    seen = [between(matrices, own.index, other.index) for other in others]
    lumas = np.stack([view(other.luma, matrix, near.shape) for other, matrix in zip(others, seen, strict=True)])
    clear = np.stack([view(other.clear, matrix, near.shape) > 0.99 for other, matrix in zip(others, seen, strict=True)])
    count = clear.sum(axis=0)
    bare = np.nanmedian(np.where(clear | (count == 0), lumas, np.nan), axis=0)
    darker = np.log((np.maximum(bare, 0) + _OFFSET) / (np.maximum(own.luma, 0) + _OFFSET))
    known = (count >= _FEWEST) & near & (own.silhouette == 0)
    if known.sum() < _LEAST_GROUND:
        return None
    darker = np.clip(darker - np.median(darker[known]), -_LIMIT, _LIMIT).astype(np.float32)
    return _Darkening(darker, known, own.silhouette)


def _agreement(frames: Sequence[_Darkening], shadow: CastShadow) -> tuple[float, float, float]:
    """Correlation of a shadow with the darkening, the share of frames where it fits alone, and its strength."""
    both, squares, darks, fits = 0.0, 0.0, 0.0, []
    for frame in frames:
        drawn = silhouette_on_ground(frame.silhouette, shadow)[frame.known]
        dark = frame.darker[frame.known]
        product_, square = float(drawn @ dark), float(drawn @ drawn)
        fits.append(product_ > 0.5 * _FAINTEST_STRENGTH * square and square > 0)
        both, squares, darks = both + product_, squares + square, darks + float(dark @ dark)
    if squares <= 0 or darks <= 0:
        return 0.0, 0.0, 0.0
    return both / np.sqrt(squares * darks), float(np.mean(fits)), both / squares


def _around(silhouette: np.ndarray, reach: float) -> np.ndarray:
    """(h, w) bool: what lies within `reach` heights of the feet of a silhouette."""
    rows, columns = (np.flatnonzero((silhouette > 0.5).any(axis=axis)) for axis in (1, 0))
    around = np.zeros(silhouette.shape, bool)
    if rows.size:
        far = round(reach * (rows[-1] - rows[0] + 1))
        sides = slice(max(0, columns[0] - far), columns[-1] + far + 1)
        around[max(0, rows[-1] - far) : rows[-1] + far + 1, sides] = True
    return around
