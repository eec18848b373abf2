"""Which frames of a long clip are trained on: a minute of it, spread over the poses that it shows."""

from __future__ import annotations

import cv2
import numpy as np

from retarget_cli.training.clips import ClipArray
from retarget_cli.utils.sampling import evenly

MOST_PAIRS = 1800
"""Pairs of neighbouring frames: a minute at 30 frames a second."""
_SIDE = 16  # pixels of the mattes by which poses are told apart
_DIRECTIONS, _LEVELS = 3, 6
_LOOKED_AT = 2000  # mattes by which those directions are found


def worth_seeing(clip: ClipArray, starts: np.ndarray) -> np.ndarray:
    """Those of the pairs, given by their first frames (N,), that a training looks at: at most MOST_PAIRS.

    Poses that are rare in the clip are all taken, of those that it shows for minutes an even choice.
    """
    if len(starts) <= MOST_PAIRS:
        return starts
    poses = _cells(np.stack([_small(clip.frames[start, ..., 3]) for start in starts]))
    members = [np.flatnonzero(poses == pose) for pose in np.unique(poses)]
    taken = [each[evenly(len(each), share)] for each, share in zip(members, _shares(members), strict=True) if share]
    return starts[np.sort(np.concatenate(taken))]


def _small(matte: np.ndarray) -> np.ndarray:
    small = cv2.resize(np.ascontiguousarray(matte), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return small.ravel().astype(np.float32) / 255


def _cells(mattes: np.ndarray) -> np.ndarray:
    """The number of the cell (N,) that each of (N, P) mattes is in, in a grid over the directions they vary in most."""
    apart = mattes - mattes.mean(axis=0)
    _, _, directions = np.linalg.svd(apart[evenly(len(apart), _LOOKED_AT)], full_matrices=False)
    along = apart @ directions[:_DIRECTIONS].T
    low, high = np.quantile(along, (0.02, 0.98), axis=0)
    levels = ((along - low) / np.maximum(high - low, 1e-6) * _LEVELS).astype(int).clip(0, _LEVELS - 1)
    cells: np.ndarray = np.ravel_multi_index(tuple(levels.T), (_LEVELS,) * levels.shape[1])
    return cells


def _shares(members: list[np.ndarray]) -> list[int]:
    """How many of each group are taken: all of the small ones, and as many of each of the others."""
    left, shares = MOST_PAIRS, [0] * len(members)
    order = sorted(range(len(members)), key=lambda number: len(members[number]))
    for done, number in enumerate(order):
        shares[number] = min(len(members[number]), left // (len(order) - done))
        left -= shares[number]
    return shares
