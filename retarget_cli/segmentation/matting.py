"""Soft alpha from a crisp matte."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from retarget_cli.segmentation import guided_filter
from retarget_cli.vision.regions import fill_holes, largest_components, window_around

_BAND = 0.023
"""Reach of the band to either side of the outline, as a share of the square root of the object's area."""
_LEAST_REACH = 3
_THIN = 0.7
"""What lies this far from its nearest edge, compared to its surroundings, counts as its core, however thin it is."""
_SPREAD = 1.4
"""How far colours are gathered, in reaches of the band."""
_ALIKE = 0.03
"""Squared distance of F and B, in RGB of [0, 1], at which colours and outline have equal say."""
_SATURATION = 0.12
"""Mixtures this near to pure F or B count as pure: texture and compression look like a little of the other."""
_EPSILON = 1e-4
_HALVED_FROM = 4
"""From this reach on, half the resolution tells as well how alpha follows the colours, in a quarter of the time."""
_SPECK, _PINHOLE = 0.002, 0.0005
"""Regions smaller than this share of the largest, and holes smaller than this share of the area, are no shape."""


@dataclass(frozen=True)
class _Trimap:
    """inside, outside: (h, w) bool, surely object and surely background; signed: pixels from the outline, > 0 inside.

    reach: of the band between the two, in pixels.
    """

    inside: np.ndarray
    outside: np.ndarray
    signed: np.ndarray
    reach: int


def soft_alpha(image: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """The share of the object in every pixel: (H, W) uint8, 0 to 255.

    image: (H, W, 3) uint8 RGB; matte: (H, W) uint8 {0, 255}. Values between are found only in a band along the
    outline that is as wide as 2 % of the object's size to either side. Specks and pinholes of the matte are cleaned.
    """
    alpha = np.zeros(matte.shape, np.uint8)
    if not matte.any():
        return alpha
    clean = fill_holes(largest_components(matte, _SPECK), _PINHOLE)
    reach = max(_LEAST_REACH, round(_BAND * float(np.sqrt(np.count_nonzero(clean)))))
    window = window_around(clean, 4 * reach)
    assert window is not None
    trimap = _trimap(clean[window], reach)
    guide = image[window].astype(np.float32) / 255.0
    found = _along_edges(guide, _unmixed(guide, trimap), reach)
    alpha[window] = np.clip(np.rint(_pinned(found, trimap) * 255.0), 0, 255).astype(np.uint8)
    return alpha


def object_colours(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The object's own colours, with the background taken out of the edge (Forte, "blur fusion", 2021, two passes).

    image: (H, W, 3) uint8 RGB; alpha: (H, W) uint8. Returns (H, W, 3) uint8, equal to `image` wherever alpha is
    0 or 255.
    """
    mixed = (alpha > 0) & (alpha < 255)
    if not mixed.any():
        return image.copy()
    reach = max(_LEAST_REACH, round(_BAND * float(np.sqrt(np.count_nonzero(alpha)))))
    window = window_around(mixed, 4 * reach)
    assert window is not None
    observed, share = image[window].astype(np.float32), alpha[window].astype(np.float32)[..., None] / 255.0
    front, back = observed, observed
    for spread in (4 * reach, reach):
        near = _average(front, share[..., 0], spread)
        back = _average(back, 1.0 - share[..., 0], spread)
        front = np.clip(near + share * (observed - share * near - (1.0 - share) * back), 0.0, 255.0)
    colours = image.copy()
    colours[mixed] = np.rint(front[mixed[window]]).astype(np.uint8)
    return colours


def _trimap(matte: np.ndarray, reach: int) -> _Trimap:
    within = cv2.distanceTransform(matte, cv2.DIST_L2, 3)
    beyond = cv2.distanceTransform(255 - matte, cv2.DIST_L2, 3)
    window = np.ones((2 * reach + 1,) * 2, np.uint8)
    inside, outside = (
        (distance > 0) & (distance >= np.minimum(reach, _THIN * cv2.dilate(distance, window)))
        for distance in (within, beyond)
    )
    return _Trimap(inside, outside, within - beyond, reach)


def _unmixed(guide: np.ndarray, trimap: _Trimap) -> np.ndarray:
    """Alpha from colours, (h, w) float32 in [0, 1]; guide: (h, w, 3) float32 in [0, 1]."""
    spread = _SPREAD * trimap.reach
    front = _average(guide, trimap.inside.astype(np.float32), spread)
    back = _average(guide, trimap.outside.astype(np.float32), spread)
    apart = front - back
    distance = (apart * apart).sum(axis=2)
    share = ((guide - back) * apart).sum(axis=2) / (distance + 1e-4)
    share = np.clip((share - _SATURATION) / (1.0 - 2.0 * _SATURATION), 0.0, 1.0)
    outline = np.clip(trimap.signed / 2.0 + 0.5, 0.0, 1.0)
    confidence = distance / (distance + _ALIKE)
    return _pinned(confidence * share + (1.0 - confidence) * outline, trimap)


def _along_edges(guide: np.ndarray, alpha: np.ndarray, reach: int) -> np.ndarray:
    """`alpha` (h, w) float32 smoothed within half the reach of the band, along the edges of the guide."""
    coarse = 2 if reach >= _HALVED_FROM else 1
    height, width = alpha.shape
    size = -(-width // coarse), -(-height // coarse)
    small_guide, small_alpha = (cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in (guide, alpha))
    model = guided_filter.coefficients(small_guide, small_alpha, max(1, round(reach / 2 / coarse)), _EPSILON)
    return guided_filter.apply(model, guide)


def _pinned(alpha: np.ndarray, trimap: _Trimap) -> np.ndarray:
    """`alpha` with 1 and 0 where nothing is open."""
    return np.where(trimap.inside, np.float32(1), np.where(trimap.outside, np.float32(0), alpha)).astype(np.float32)


def _average(colours: np.ndarray, weight: np.ndarray, spread: float) -> np.ndarray:
    """Weighted mean of the colours (h, w, 3) about every pixel, Gaussian of `spread` pixels.

    It is computed on a smaller picture. Far from any weight the mean of a wider circle is taken.
    """
    height, width = weight.shape
    shrink = max(1.0, spread / 2.0)
    size = max(1, round(width / shrink)), max(1, round(height / shrink))
    stack = np.dstack([colours * weight[..., None], weight])
    small = cv2.resize(stack, size, interpolation=cv2.INTER_AREA)
    near = cv2.GaussianBlur(small, (0, 0), spread / shrink)
    wide = cv2.GaussianBlur(small, (0, 0), 4.0 * spread / shrink)
    mixed = near + 1e-3 * wide + 1e-7 * small.mean(axis=(0, 1)) + 1e-12
    return cv2.resize(mixed[..., :3] / mixed[..., 3:], (width, height), interpolation=cv2.INTER_LINEAR)
