"""The driver's way through its picture, in the subject's: where and how large the object is, frame by frame."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from retarget_cli.media.playing import Playing
from retarget_cli.sampling import evenly
from retarget_cli.vision.framing import Framing

Matrices = Callable[[int], np.ndarray]

_LOOKED_AT = 100  # frames at most, evenly chosen, on which is measured how much is outside


def followed(subject: Framing, driver: Framing, opposite: bool) -> Framing:
    """The driver's squares, moved to the subject's mean place and scaled to its mean size.

    opposite: the two face opposite ways, so what goes to the right in one goes to the left in the other.
    """
    ratio = _mean_side(subject) / _mean_side(driver)
    steps = ratio * (driver.centres - driver.centres.mean(axis=0)) * ((-1, 1) if opposite else (1, 1))
    return Framing(ratio * driver.sides, subject.centres.mean(axis=0) + steps)


def _mean_side(path: Framing) -> float:
    """Geometric mean: twice the size and half of it are as far from it."""
    return float(np.exp(np.log(path.sides).mean()))


def along(path: Framing, playing: Playing, layer_size: int) -> Matrices:
    """For each frame of the result, the way from layer to native pixels, (2, 3), on a `path` of the driver's frames.

    Between two of the driver's frames it is between their two places.
    """
    shown, between = playing.shown, playing.between

    def matrix(index: int) -> np.ndarray:
        here, share = shown[index], between[index]
        way = path.matrix(here, layer_size)
        return (1 - share) * way + share * path.matrix(here + 1, layer_size) if share else way

    return matrix


def share_lost(silhouettes: np.ndarray, matrix: Matrices, size: tuple[int, int]) -> float:
    """The share of frames with more than half of the object outside a picture of `size` (w, h), in [0, 1].

    silhouettes: (N, S, S) uint8, what is drawn; matrix: the way from its pixels to those of the picture. Empty frames
    do not count.
    """
    middle, outside = (np.array(size)[:, None] - 1) / 2, []
    for index in evenly(len(silhouettes), _LOOKED_AT):
        rows, columns = np.nonzero(silhouettes[index])
        if rows.size:
            places = matrix(index) @ np.stack([columns, rows, np.ones(rows.size)])
            outside.append((np.abs(places - middle) > middle).any(axis=0).mean() > 0.5)
    return float(np.mean(outside)) if outside else 0.0
