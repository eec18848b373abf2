"""Clean a drawn layer: no specks, no pinholes, and along its outline no trace of what it was filmed against.

A painter that learns from frames cut out along a matte learns the rim of the old background with them. So colours of
the rim that lie on the way from those further inside to the old background are continued from inside, with a normalised
average in which the inside counts most (Knutsson and Westin, "normalized convolution", 1993). A nose or an ear at the
rim, whose colours lead elsewhere, keeps most of them.
"""

from __future__ import annotations

import cv2
import numpy as np

from retarget_cli.vision.regions import fill_holes, largest_components

_SPECK, _PINHOLE = 0.01, 0.002  # smaller parts than this share of the largest, and holes than this share of the area
_FAINT = 0.1  # alpha above which something is a part of its own
_RIM = 2.0  # depth, in widths of the outline, from which on colours are the object's own
_MIXED = 0.7  # share of that depth up to which nothing is kept of a colour that the background may be in
_ASTRAY = (0.2, 0.5)  # cosines of the way a colour goes from those inside with the way to the background: off it, on it
# How far it goes, on the scale from inside to the background: no mixture goes farther than 1, but painters exaggerate
# the contrast along outlines.
_BEYOND = (1.5, 1.8)
_EDGE = 1.5  # depth, in widths of the outline, from which on what leads elsewhere is kept whole; less, nearer to it
_STEADY = 0.4  # widths of the outline over which it is decided which colours are kept
_COARSE = 4  # pixels that the rim is deep where colours are gathered: they are smooth, and so it is quick
_SPREADS = ((0.6, 1.0), (2.4, 1e-3))
"""How far colours are gathered, in depths of the rim, and what that counts: the wider only where the narrower fail."""


def clean_layer(layer: np.ndarray, edge: float, background: np.ndarray) -> np.ndarray:
    """The layer without its background's colours at the rim, and alpha without specks and pinholes.

    layer: (h, w, 4) uint8, RGB and straight alpha. edge: width of its outline in its own pixels. background: (h, w, 3)
    float32, what it was filmed against. What is transparent gets colours too, continued from the outline, so that the
    layer may be resampled.
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
    step, way = colours - inside, background - inside
    along, length = (step * way).sum(axis=2), np.linalg.norm(way, axis=2)
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
    total = 1e-9 * small.mean(axis=(0, 1)) + np.zeros_like(small)
    for reach, counts in _SPREADS:
        total += counts * cv2.GaussianBlur(small, (0, 0), reach * rim / coarse)
    inside: np.ndarray = cv2.resize(total[..., :3] / total[..., 3:], (width, height), interpolation=cv2.INTER_LINEAR)
    return inside
