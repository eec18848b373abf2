"""Motion of the camera between two frames, and along a clip.

Corners spread over the frame are tracked with pyramidal Lucas-Kanade (Bouguet, 2001), checked by tracking them back
(Kalal et al., 2010), and fitted with RANSAC. The fit is believed only when it explains the background better than
standing still does, so a moving object on a plain backdrop is not taken for a moving camera.

Matrices are (2, 3) float64 acting on column (x, y, 1), where (0, 0) is the centre of the top left pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

_WORK_SIZE = 640  # longer side, in pixels, of the frames in which corners are tracked
_CELLS = (9, 12)  # rows and columns of the grid that spreads the corners
_PER_CELL = 6
_MIN_CORNER = 2e-5  # smallest eigenvalue (grey values in 0..1) worth tracking; noise of one grey level stays below
_ROUND_TRIP = 0.5  # pixels a corner may miss its start by after being tracked there and back
_RANSAC_PIXELS = 0.8
_RING = 0.12  # width of the border ring, as a share of each side
_VISIBLE = 0.01
_WORTH = 0.97  # a motion must bring the background's error below this share of the error of standing still


@dataclass(frozen=True)
class Motion:
    """One camera motion.

    matrix: (2, 3) float64, pixels of the previous frame to pixels of the next one.
    inliers: share of the tracked corners that follow it, 0 when nothing could be tracked.
    known: False when `matrix` is the identity for want of anything to see.
    """

    matrix: np.ndarray
    inliers: float
    known: bool


def identity() -> np.ndarray:
    """The (2, 3) matrix that moves nothing."""
    return np.eye(2, 3)


def compose(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The (2, 3) matrix that applies `first`, then `second`."""
    return (_square(second) @ _square(first))[:2]


def invert(matrix: np.ndarray) -> np.ndarray:
    """The (2, 3) inverse of a (2, 3) affine matrix."""
    return np.linalg.inv(_square(matrix))[:2]


def moves(matrix: np.ndarray) -> bool:
    """Tell whether a motion (2, 3) moves anything that can be seen."""
    return bool(np.abs(matrix - identity()).max() > _VISIBLE)


def displacement(matrix: np.ndarray, size: tuple[int, int]) -> float:
    """The farthest, in pixels, that `matrix` moves a corner of a frame of `size` (width, height)."""
    w, h = size[0] - 1, size[1] - 1
    corners = np.array([(0, 0), (w, 0), (0, h), (w, h)], np.float64)
    return float(np.linalg.norm(_apply(matrix, corners) - corners, axis=1).max())


def view(image: np.ndarray, matrix: np.ndarray, shape: tuple[int, ...], border: int = 0) -> np.ndarray:
    """`image` as seen from where `matrix` (2, 3) leads from: output pixel p shows image pixel `matrix` p."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix, (shape[1], shape[0]), flags=flags, borderValue=(border,) * 4)


def camera_motion(prev_gray: np.ndarray, next_gray: np.ndarray, keep: np.ndarray | None = None) -> np.ndarray:
    """Camera motion between two frames as a (2, 3) float64 matrix, pixels of `prev_gray` to pixels of `next_gray`.

    prev_gray, next_gray: (H, W) uint8.
    keep: (H, W) bool, True where `prev_gray` shows background; without it the motion that the frame's border agrees
    with is preferred.
    The identity when nothing can be told.
    """
    return estimate_motion(prev_gray, next_gray, keep).matrix


def estimate_motion(prev_gray: np.ndarray, next_gray: np.ndarray, keep: np.ndarray | None = None) -> Motion:
    """Like :func:`camera_motion`, with a figure of how far to trust it."""
    h, w = prev_gray.shape
    scale = min(1.0, _WORK_SIZE / max(h, w))
    if scale < 1.0:
        size = (round(w * scale), round(h * scale))
        prev_gray, next_gray = (cv2.resize(g, size, interpolation=cv2.INTER_AREA) for g in (prev_gray, next_gray))
        keep = None if keep is None else cv2.resize(keep.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    found = _estimate(prev_gray, next_gray, keep)
    ratio = np.array([w / prev_gray.shape[1], h / prev_gray.shape[0]])
    return Motion(_rescale(found.matrix, ratio), found.inliers, found.known)


def _estimate(prev_gray: np.ndarray, next_gray: np.ndarray, keep: np.ndarray | None) -> Motion:
    start, end = _track(prev_gray, next_gray, keep)
    ring = _ring(prev_gray.shape)
    judged = ring if keep is None else keep
    if len(start) < 3 or not judged.any():
        return Motion(identity(), 0.0, False)
    groups = [np.ones(len(start), bool)]
    if keep is None:  # the border alone may be the only part that a big object leaves to see
        groups.append(ring[start[:, 1].astype(int), start[:, 0].astype(int)])
    views = [cv2.GaussianBlur(g, (0, 0), 1.5).astype(np.float32) for g in (prev_gray, next_gray)]
    best, still = identity(), _errors(views, identity(), judged)
    best_error = np.nanmean(still) * _WORTH
    for group in groups:
        for matrix in _fits(start[group], end[group]):
            errors = _errors(views, matrix, judged)
            if np.nanmean(errors) < best_error and (keep is not None or _all_round(errors, still)):
                best, best_error = matrix, np.nanmean(errors)
    agree = np.linalg.norm(_apply(best, start) - end, axis=1) < 2 * _RANSAC_PIXELS
    return Motion(best, float(agree.mean()), True)


def _track(prev_gray: np.ndarray, next_gray: np.ndarray, keep: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Corners of the previous frame and where they went, two (P, 2) float64 arrays."""
    start = _corners(prev_gray, keep)
    if not len(start):
        return np.zeros((0, 2)), np.zeros((0, 2))
    end, seen = _follow(prev_gray, next_gray, start)
    back, seen_back = _follow(next_gray, prev_gray, end)
    miss = np.linalg.norm(back - start, axis=2).ravel()
    good = seen & seen_back & (miss < _ROUND_TRIP)
    return start[good, 0].astype(np.float64), end[good, 0].astype(np.float64)


def _follow(first: np.ndarray, second: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lucas-Kanade over four pyramid levels: where the points (P, 1, 2) went, and which were found."""
    guess = np.zeros_like(points)
    end, seen, _ = cv2.calcOpticalFlowPyrLK(first, second, points, guess, winSize=(17, 17), maxLevel=4)
    return end, seen.ravel() > 0


def _corners(gray: np.ndarray, keep: np.ndarray | None) -> np.ndarray:
    """The strongest corners of each grid cell, (P, 1, 2) float32."""
    strength = cv2.cornerMinEigenVal(gray, 5)
    peak = (strength >= cv2.dilate(strength, np.ones((7, 7), np.uint8))) & (strength > _MIN_CORNER)
    peak[:4], peak[-4:], peak[:, :4], peak[:, -4:] = False, False, False, False
    if keep is not None:  # the tracking window must not reach into the object
        peak &= cv2.erode(keep.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    ys, xs = np.nonzero(peak)
    order = np.argsort(-strength[ys, xs], kind="stable")
    ys, xs = ys[order], xs[order]
    h, w = gray.shape
    cell = (ys * _CELLS[0] // h) * _CELLS[1] + xs * _CELLS[1] // w
    by_cell = np.argsort(cell, kind="stable")
    first = np.searchsorted(cell[by_cell], cell[by_cell])
    chosen = by_cell[np.arange(len(cell)) - first < _PER_CELL]
    return np.stack([xs[chosen], ys[chosen]], axis=1).astype(np.float32)[:, None]


def _fits(start: np.ndarray, end: np.ndarray) -> list[np.ndarray]:
    """Plausible motions for tracked corners, most general first: affine, similarity, translation."""
    fits: list[np.ndarray | None] = []
    if len(start) >= 12:
        fits.append(cv2.estimateAffine2D(start, end, method=cv2.RANSAC, ransacReprojThreshold=_RANSAC_PIXELS)[0])
    if len(start) >= 6:
        fits.append(cv2.estimateAffinePartial2D(start, end, method=cv2.RANSAC, ransacReprojThreshold=_RANSAC_PIXELS)[0])
    if len(start) >= 3:
        step = np.median(end - start, axis=0)
        fits.append(np.column_stack([np.eye(2), step]))
    return [fit for fit in fits if fit is not None and _plausible(fit)]


def _plausible(matrix: np.ndarray) -> bool:
    """Tell whether a camera could have moved so between two frames: some zoom and turn, hardly any shear."""
    (a, b), (c, d) = matrix[:, :2]
    shear = max(abs(a - d), abs(b + c))
    return bool(np.isfinite(matrix).all() and shear < 0.04 and np.abs(matrix[:, :2] - np.eye(2)).max() < 0.25)


def _errors(views: Sequence[np.ndarray], matrix: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """Return what the motion leaves unexplained: absolute difference, cut off at 24 grey levels, of the judged pixels.

    Averaged over the blocks of a coarse grid, (M,) float, for the blocks that are judged at all; infinite when the
    motion takes most of the judged pixels out of the frame.
    """
    h, w = judged.shape
    moved = view(views[1], matrix, judged.shape, border=-1000)
    use = judged & (moved >= 0)
    if use.sum() < 0.3 * judged.sum():
        return np.array([np.inf])
    error = np.where(use, np.minimum(np.abs(moved - views[0]), 24.0), 0.0)
    total, share, counted = _block_sums(error), _block_sums(use), _block_sums(judged)
    return np.where(share > 0, total / np.maximum(share, 1), np.nan)[counted > 0.02 * h * w / (_CELLS[0] * _CELLS[1])]


def _block_sums(values: np.ndarray) -> np.ndarray:
    """Sums of an (H, W) array over the blocks of the grid."""
    h, w = values.shape
    rows, columns = (-(-np.arange(n) * length // n) for n, length in zip(_CELLS, (h, w), strict=True))
    by_row = np.add.reduceat(values.astype(np.float32), rows, axis=0)
    return np.add.reduceat(by_row, columns, axis=1)


def _all_round(errors: np.ndarray, still: np.ndarray) -> bool:
    """Tell whether moving beats standing still along much of the border, not just where an object reaches it."""
    if errors.shape != still.shape:
        return False
    better, worse = (errors < still * _WORTH).mean(), (errors * _WORTH > still).mean()
    return bool(better >= 0.3 and better > 2 * worse)


def _ring(shape: tuple[int, ...]) -> np.ndarray:
    h, w = shape
    ring = np.ones((h, w), bool)
    ring[round(h * _RING) : h - round(h * _RING), round(w * _RING) : w - round(w * _RING)] = False
    return ring


def _square(matrix: np.ndarray) -> np.ndarray:
    return np.vstack([np.asarray(matrix, np.float64), (0.0, 0.0, 1.0)])


def _apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:, :2].T + matrix[:, 2]


def _rescale(matrix: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """A motion between shrunk frames as one between frames `ratio` (x, y) times as big, about pixel corners."""
    grow = np.array([[ratio[0], 0, (ratio[0] - 1) / 2], [0, ratio[1], (ratio[1] - 1) / 2]])
    return compose(grow, compose(matrix, invert(grow)))


class CameraPath:
    """The camera's path along a clip, gathered step by step."""

    def __init__(self) -> None:
        self._from_first = [np.eye(3)]

    def __len__(self) -> int:
        """Number of frames, one more than steps."""
        return len(self._from_first)

    def step(self, matrix: np.ndarray) -> None:
        """Add the motion (2, 3) from the last frame to the one after it."""
        self._from_first.append(_square(matrix) @ self._from_first[-1])

    def between(self, source: int, target: int) -> np.ndarray:
        """The (2, 3) matrix from pixels of frame `source` to pixels of frame `target`; IndexError beyond the path."""
        return (self._from_first[target] @ np.linalg.inv(self._from_first[source]))[:2]
