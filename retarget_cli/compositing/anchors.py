"""Background behind the object, from the frames of a clip that show it.

A few frames spread over the clip are kept ("anchors"). Each pixel that the object hides in one of them is the median of
the same place in the other anchors, those that show it and are nearest in time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from retarget_cli.utils.sampling import evenly
from retarget_cli.vision.camera import CameraPath, compose, displacement, estimate_motion, identity, invert, view

_MEMORY = 256 << 20  # bytes that the anchors may take
_MOST, _FEWEST = 25, 7
_SAMPLES = 9  # anchors that a pixel's median is taken over when the camera moves
_STEP_STILL, _CLIP_STILL = 0.3, 0.6  # pixels: how far a still camera may seem to move in a frame, and over the clip


@dataclass
class Anchor:
    """A kept frame.

    image: (H, W, 3) uint8, whose hidden pixels are filled in later.
    hole: (H, W) bool, the object and its rim.
    solid: (H, W) bool, the object alone.
    """

    index: int
    image: np.ndarray
    hole: np.ndarray
    solid: np.ndarray

    @property
    def gray(self) -> np.ndarray:
        """(H, W) uint8 luma."""
        return cv2.cvtColor(self.image, cv2.COLOR_RGB2GRAY)


def object_hole(matte: np.ndarray) -> np.ndarray:
    """(H, W) bool: the object, a rim for soft edges and motion blur, and more room below it for its shadow.

    matte: (H, W) uint8, above 127 where the object is.
    """
    solid = matte > 127
    if not solid.any():
        return solid
    h, w = solid.shape
    rim = max(2.0, 0.008 * max(h, w))
    hole = np.asarray(cv2.distanceTransform((~solid).astype(np.uint8), cv2.DIST_L2, 3) <= rim)
    rows = np.flatnonzero(solid.any(axis=1))
    top, height = rows[0], rows[-1] - rows[0] + 1
    small = cv2.resize(solid.astype(np.uint8), (max(1, w // 4), max(1, h // 4)), interpolation=cv2.INTER_AREA)
    small[: int(top + 0.7 * height) // 4] = 0
    reach_x, reach_y = max(1, round(0.05 * height / 4)), max(1, round(0.03 * height / 4))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach_x + 1, 4 * reach_y + 1))
    # the kernel's anchor lies near its lower end, so that the mask grows downwards
    shadow = cv2.dilate(small, kernel, anchor=(reach_x, 3 * reach_y))
    return hole | (cv2.resize(shadow, (w, h), interpolation=cv2.INTER_NEAREST) > 0)


def choose_anchors(count: int, frame_bytes: int) -> list[int]:
    """Indices of the frames to keep, spread evenly over `count` frames of `frame_bytes` bytes each."""
    most = int(np.clip(_MEMORY // max(1, frame_bytes), _FEWEST, _MOST))
    return evenly(count, most)


def register(anchors: Sequence[Anchor], path: CameraPath) -> tuple[list[np.ndarray], bool]:
    """Place every frame in the first one: per-frame (2, 3) matrices, first frame's pixels to frame i's, and stillness.

    Steps from frame to frame add up their errors; so the anchors are also compared with each other, and what that
    shows is shared out among the frames between them.
    """
    size = (anchors[0].image.shape[1], anchors[0].image.shape[0])
    steps = [path.between(i, i + 1) for i in range(len(path) - 1)]
    if all(displacement(step, size) < _STEP_STILL for step in steps):
        picked = [anchors[k] for k in sorted({len(anchors) // 3, 2 * len(anchors) // 3, len(anchors) - 1} - {0})]
        if all(displacement(_residual(anchors[0], other, identity()), size) < _CLIP_STILL for other in picked):
            return [identity()] * len(path), True
    matrices = [identity()]
    for a, b in pairwise(anchors):
        start, rest = matrices[-1], _residual(a, b, path.between(a.index, b.index))
        for i in range(a.index + 1, b.index + 1):
            part = (i - a.index) / (b.index - a.index)
            matrices.append(compose(path.between(a.index, i), compose(identity() + part * (rest - identity()), start)))
    last = anchors[-1].index
    matrices += [compose(path.between(last, i), matrices[last]) for i in range(last + 1, len(path))]
    return matrices, False


def balance(anchors: Sequence[Anchor], matrices: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Exposure of each anchor relative to the first, (3,) factors, followed from one anchor to the next."""
    gains = [np.ones(3)]
    for a, b in pairwise(anchors):
        matrix = between(matrices, a.index, b.index)
        seen = view(b.image, matrix, a.hole.shape)
        both = ~a.hole & (view((~b.hole).astype(np.uint8), matrix, a.hole.shape) > 0)
        gains.append(gains[-1] * gain(a.image, seen, both))
    return gains


def gain(reference: np.ndarray, image: np.ndarray, use: np.ndarray) -> np.ndarray:
    """(3,) factors that `image` is brighter by than `reference`, (H, W, 3) uint8 each, over `use` (H, W) bool."""
    use = use[::3, ::3]
    if use.sum() < 50:
        return np.ones(3)
    first, second = (np.asarray(x[::3, ::3][use], np.float32) + 4.0 for x in (reference, image))
    factors = np.exp(np.median(np.log(second / first), axis=0)).astype(np.float64)
    return np.clip(np.where(np.abs(factors - 1) < 0.004, 1.0, factors), 0.5, 2.0)


def uncover(
    target: int, anchors: Sequence[Anchor], matrices: Sequence[np.ndarray], gains: Sequence[np.ndarray]
) -> np.ndarray:
    """Fill the hole of anchor number `target` from the other anchors, in place.

    Returns (H, W) bool, False where no anchor shows what lies there.
    """
    own = anchors[target]
    ys, xs = np.nonzero(own.hole)
    samples = np.zeros((_SAMPLES, len(ys), 3), np.uint8)
    count = np.zeros(len(ys), np.int64)
    for k in sorted(range(len(anchors)), key=lambda k: abs(k - target)):
        open_ = count < _SAMPLES
        if k == target or not open_.any():
            continue
        other = anchors[k]
        matrix = between(matrices, own.index, other.index)
        px, py = xs[open_], ys[open_]
        x, y = (row[0] * px + row[1] * py + row[2] for row in matrix)
        shows = _shows(other, x, y)
        use = np.flatnonzero(open_)[shows]
        colour = _sample(other.image, x[shows], y[shows])
        samples[count[use], use] = _scaled(colour, gains[target] / gains[k])
        count[use] += 1
    found = count > 0
    own.image[ys[found], xs[found]] = masked_median(samples[:, found], count[found])
    known = ~own.hole
    known[ys[found], xs[found]] = True
    return known


def whole_median(anchors: Sequence[Anchor]) -> tuple[np.ndarray, np.ndarray]:
    """The plate of a still camera, (H, W, 3) uint8, and where it is known, (H, W) bool."""
    plate = anchors[len(anchors) // 2].image.copy()
    known = np.zeros(plate.shape[:2], bool)
    gains = balance(anchors, [identity()] * (anchors[-1].index + 1))
    scale = [gains[len(anchors) // 2] / g for g in gains]
    rows = max(1, (1 << 16) // plate.shape[1])
    for top in range(0, plate.shape[0], rows):
        part = np.s_[top : top + rows]
        shows = np.stack([~a.hole[part].ravel() for a in anchors])
        colours = np.stack([_scaled(a.image[part].reshape(-1, 3), s) for a, s in zip(anchors, scale, strict=True)])
        count = shows.sum(axis=0)
        order = np.argsort(~shows, axis=0, kind="stable")  # the anchors that show a pixel first
        median = masked_median(np.take_along_axis(colours, order[..., None], axis=0), count)
        known[part] = (count > 0).reshape(known[part].shape)
        plate[part] = np.where(known[part][..., None], median.reshape(plate[part].shape), plate[part])
    return plate, known


def masked_median(samples: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Median over the first `count` (n,) of the samples (K, n, 3) uint8 of every pixel, (n, 3) uint8; 0 where none."""
    depth = len(samples)
    unused = np.arange(depth)[:, None] >= count
    ordered = np.sort(np.where(unused[..., None], np.uint8(255), samples).transpose(1, 2, 0), axis=2)
    low = np.maximum(count - 1, 0) // 2
    pick = np.broadcast_to(np.stack([low, count // 2], axis=1)[:, None], (*ordered.shape[:2], 2))
    pair = np.take_along_axis(ordered, np.minimum(pick, depth - 1), axis=2)
    return np.where((count > 0)[:, None], (pair.sum(axis=2, dtype=np.uint16) + 1) // 2, 0).astype(np.uint8)


def between(matrices: Sequence[np.ndarray] | Mapping[int, np.ndarray], source: int, target: int) -> np.ndarray:
    """The (2, 3) matrix from pixels of frame `source` to pixels of frame `target`, given all frames' matrices."""
    return compose(matrices[target], invert(matrices[source]))


def _residual(a: Anchor, b: Anchor, guess: np.ndarray) -> np.ndarray:
    """Return the motion that must go before `guess` for it to lead exactly from anchor `a` to anchor `b`, (2, 3)."""
    shown = ~a.hole & (view((~b.hole).astype(np.uint8), guess, a.hole.shape) > 0)
    found = estimate_motion(a.gray, view(b.gray, guess, a.hole.shape), shown)
    small = displacement(found.matrix, (a.hole.shape[1], a.hole.shape[0])) < 0.03 * max(a.hole.shape)
    return found.matrix if found.inliers > 0.3 and small else identity()


def _shows(anchor: Anchor, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Tell whether an anchor shows the background at float positions (n,)."""
    h, w = anchor.hole.shape
    inside = (x >= 0) & (x <= w - 1) & (y >= 0) & (y <= h - 1)
    columns, rows = (np.clip(np.rint(v), 0, n - 1).astype(np.intp) for v, n in ((x, w), (y, h)))
    return inside & ~anchor.hole[rows, columns]


def _sample(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Colours (n, 3) of an image at float positions (n,)."""
    n, columns = len(x), 1024  # remap takes no more than 32767 rows or columns
    maps = np.zeros((2, -(-n // columns) * columns), np.float32)
    maps[0, :n], maps[1, :n] = x, y
    if not n:
        return np.zeros((0, 3), np.uint8)
    grid = maps.reshape(2, -1, columns)
    colour = cv2.remap(image, grid[0], grid[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return colour.reshape(-1, 3)[:n]


def _scaled(colours: np.ndarray, factors: np.ndarray) -> np.ndarray:
    if (factors == 1.0).all():
        return colours
    return np.clip(np.rint(colours * factors), 0, 255).astype(np.uint8)
