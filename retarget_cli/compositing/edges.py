"""Outlines of a layer: their width, and edge decontamination, which takes the old background's colours out of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from retarget_cli.vision.regions import fill_holes, largest_components

_NEAR_HALF = 0.15  # alpha this near to a half lies on the outline
_FEWEST = 20  # pixels of outline that a width is read from
_FAINTEST = 0.02  # less alpha than this is a speck
_CLEAREST = 2.5  # an outline that must be narrowed by more was drawn in doubt, and stays a little soft
_RAMP = 2.0
"""Width by :func:`edge_width` of a step under a Gaussian of sigma 1: 0.8 over the slope at its middle."""

# The local background:
_CLEAR = 5  # pixels of the crop next to the matte that may be the object's own edge
_NEAR = 0.05  # of the crop's side: what is not farther from the object counts
_SMOOTH = ((0.06, 1.0), (0.3, 1e-3))  # of the crop's side: how far colours are gathered, and what that counts

# Edge decontamination:
_SPECK, _PINHOLE = 0.01, 0.002  # smaller parts than this share of the largest, and holes than this share of the area
_FAINT = 0.1  # alpha above which something is a part of its own
_RIM = 2.0  # depth, in widths of the outline, from which on colours are the object's own
_MIXED = 0.7  # share of that depth up to which nothing is kept of a colour that the background may be in
_ASTRAY = (0.2, 0.5)  # cosines of the direction from inside to a colour with that to the background: off it, on it
# How far it goes, on the scale from inside to the background: no mixture goes farther than 1, but texture generators
# exaggerate the contrast along outlines.
_BEYOND = (1.5, 1.8)
_EDGE = 1.5  # depth, in widths of the outline, from which on what leads elsewhere is kept whole; less, nearer to it
_STEADY = 0.4  # widths of the outline over which it is decided which colours are kept
_COARSE = 4  # pixels that the rim is deep where colours are gathered: they are smooth, and so it is quick
_SPREADS = ((0.6, 1.0), (2.4, 1e-3))
"""How far colours are gathered, in depths of the rim, and what that counts: the wider only where the narrower fail."""


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
    """Give a layer another width of its outline; where alpha was a half it stays so.

    placed: (H, W, 4) float32 in [0, 1], colour premultiplied.
    own, wanted: pixels that the outline is wide, and shall be.
    Wide outlines are narrowed by contrast, which also makes the inside opaque; narrow ones are blurred.
    """
    if own < wanted:
        blurred: np.ndarray = cv2.GaussianBlur(placed, (0, 0), max(0.1, np.sqrt(wanted**2 - own**2) / _RAMP))
        return blurred
    before = placed[..., 3:]
    after = np.clip(0.5 + (before - 0.5) * min(own / wanted, _CLEAREST), 0.0, 1.0) * (before > _FAINTEST)
    return np.concatenate([placed[..., :3] * (after / np.maximum(before, _FAINTEST)), after], axis=2)


def local_background(crops: Iterable[np.ndarray], size: int) -> np.ndarray:
    """Mean colour beside the object at each place of the crop: (size, size, 3) float32, 0 to 255.

    crops: (S, S, 4) uint8, RGB and matte, some frames of the clip; black is outside the picture.
    """
    total = np.zeros((size, size, 4), np.float32)
    for frame in crops:
        small = cv2.resize(np.asarray(frame), (size, size), interpolation=cv2.INTER_AREA)
        matte = small[..., 3]
        clear = (cv2.dilate(matte, np.ones((_CLEAR, _CLEAR), np.uint8)) < 8) & small[..., :3].any(axis=2)
        near = cv2.GaussianBlur(matte.astype(np.float32) / 255, (0, 0), _NEAR * size) * clear
        total += np.dstack([small[..., :3] * near[..., None], near])
    return _mean_colours(total, total.sum(axis=(0, 1)), _SMOOTH, size)


def decontaminate(layer: np.ndarray, edge: float, background: np.ndarray) -> np.ndarray:
    """Take its background's colours out of the rim of a layer, and specks and pinholes out of its alpha.

    layer: (h, w, 4) uint8, RGB and straight alpha.
    edge: width of its outline in its own pixels.
    background: (h, w, 3) float32, what it was filmed against.
    What is transparent gets colours too, continued from the outline, so that the layer may be resampled.
    """
    alpha = _without_specks(layer[..., 3])
    depth = cv2.distanceTransform((alpha > 127).astype(np.uint8), cv2.DIST_L2, 5)
    if not depth.any():
        return np.dstack([layer[..., :3], alpha])
    rim = _RIM * edge
    colours = layer[..., :3].astype(np.float32)
    inside = _from_inside(colours, depth, rim)
    deep = np.clip((depth / rim - _MIXED) / (1.0 - _MIXED), 0.0, 1.0)
    # A little smoothed: single pixels of a doubtful rim would flicker between the two.
    other = cv2.GaussianBlur(_away(colours, inside, background), (0, 0), _STEADY * edge)
    other *= np.clip(depth / (_EDGE * edge), 0.0, 1.0)
    own = np.maximum(deep, other)[..., None]
    mixed = own * colours + (1.0 - own) * inside
    return np.dstack([np.clip(np.rint(mixed), 0, 255).astype(np.uint8), alpha])


def _away(colours: np.ndarray, inside: np.ndarray, background: np.ndarray) -> np.ndarray:
    """(h, w) in [0, 1]: how surely a colour (h, w, 3) does not come from mixing `inside` with `background`."""
    step, direction = colours - inside, background - inside
    along, length = (step * direction).sum(axis=2), np.linalg.norm(direction, axis=2)
    cosine = along / np.maximum(np.linalg.norm(step, axis=2) * length, 1.0)
    astray = (_ASTRAY[1] - cosine) / (_ASTRAY[1] - _ASTRAY[0])
    beyond = (along / np.maximum(length**2, 100.0) - _BEYOND[0]) / (_BEYOND[1] - _BEYOND[0])
    return np.clip(np.maximum(astray, beyond), 0.0, 1.0)


def _without_specks(alpha: np.ndarray) -> np.ndarray:
    """`alpha` (h, w) uint8, 0 in small parts that stand apart, 255 in small holes."""
    closed = np.where((fill_holes(alpha > 127, _PINHOLE) > 0) & (alpha <= 127), 255, alpha)
    return np.where(largest_components(closed > 255 * _FAINT, _SPECK) > 0, closed, 0).astype(np.uint8)


def _from_inside(colours: np.ndarray, depth: np.ndarray, rim: float) -> np.ndarray:
    """The colours (h, w, 3) of what lies about `rim` deep, continued outwards: thin parts go by their middle."""
    weight = np.clip(depth / rim, 0.0, 1.0) ** 4
    stack = np.dstack([colours * weight[..., None], weight])
    coarse = max(1, int(rim / _COARSE))
    height, width = weight.shape
    small = cv2.resize(stack, (-(-width // coarse), -(-height // coarse)), interpolation=cv2.INTER_AREA)
    found = _mean_colours(small, small.mean(axis=(0, 1)), _SPREADS, rim / coarse)
    return cv2.resize(found, (width, height), interpolation=cv2.INTER_LINEAR)


def _mean_colours(
    weighted: np.ndarray, rest: np.ndarray, spreads: Sequence[tuple[float, float]], unit: float
) -> np.ndarray:
    """Mean colour (h, w, 3) about every pixel, by weights that change smoothly with the distance.

    weighted: (h, w, 4) colours times their weight, and the weight.
    rest: (4,) the same for the whole picture; it counts where nothing is near.
    spreads: (sigma in units, what it counts) of the Gaussians that are added up.
    unit: pixels.
    """
    total = 1e-9 * rest + np.zeros_like(weighted)
    for sigma, counts in spreads:
        total += counts * cv2.GaussianBlur(weighted, (0, 0), sigma * unit)
    return total[..., :3] / np.maximum(total[..., 3:], 1e-30)
