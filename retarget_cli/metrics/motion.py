"""Agreement of the result's motion with the driver's, by self-similarity, which ignores shape and place."""

from __future__ import annotations

import cv2
import numpy as np

from retarget_cli.metrics.shape import Masks, box_normalise_all

_SIZE = 64
_LOWER = 0.45  # the part of the box's height in which legs, stems and feet are
_BLUR = 1.0  # columns of _SIZE
_LONGEST = 600  # frames: the distance matrix grows with the square of them
_NEAR = 2  # neighbouring frames are alike in every clip and say nothing


def motion_score(driver_sil: Masks, output_sil: Masks) -> float:
    """Spearman correlation of the temporal self-similarity matrices of the driver and of the output, in [-1, 1].

    driver_sil, output_sil: (N, H, W) and (N, h, w) masks, frame i of one answering frame i of the other. Each frame is
    described by the column occupancy of the lower 45 % of its box-normalised silhouette; a matrix holds the Euclidean
    distances between those, and its upper triangle from |i - j| = 2 on is ranked. Unrelated clips score about 0.
    A clip in which nothing moves, or one of fewer than four frames, scores 0. Raises ValueError when lengths differ.
    """
    if len(driver_sil) != len(output_sil):
        raise ValueError(f"driver and output differ in length: {len(driver_sil)} and {len(output_sil)} frames")
    if len(driver_sil) < 4:
        return 0.0
    chosen = list(range(len(driver_sil)))
    if len(chosen) > _LONGEST:
        chosen = np.linspace(0, len(driver_sil) - 1, _LONGEST).round().astype(int).tolist()
    driver = _self_distances(leg_columns([driver_sil[i] for i in chosen]))
    output = _self_distances(leg_columns([output_sil[i] for i in chosen]))
    return spearman(driver, output)


def leg_columns(masks: Masks) -> np.ndarray:
    """Occupancy of each column of the lower 45 % of each box-normalised silhouette, (N, 64) float32 in [0, 1]."""
    squares = box_normalise_all(masks, _SIZE)
    columns = squares[:, round(_SIZE * (1 - _LOWER)) :].mean(axis=1)
    return cv2.GaussianBlur(columns, (0, 1), sigmaX=_BLUR, sigmaY=_BLUR, borderType=cv2.BORDER_REPLICATE)


def spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Rank correlation of two equally long vectors, ties sharing their average rank; 0 when either is constant."""
    one, two = _ranks(first), _ranks(second)
    one, two = one - one.mean(), two - two.mean()
    scale = float(np.sqrt((one @ one) * (two @ two)))
    return float(one @ two) / scale if scale > 0 else 0.0


def _self_distances(features: np.ndarray) -> np.ndarray:
    """Euclidean distances between all frames at least two apart, as one vector. features: (N, F)."""
    wide = features.astype(np.float64)
    squared = (wide**2).sum(1)
    square = np.maximum(squared[:, None] + squared[None] - 2 * wide @ wide.T, 0)
    # Rounding hides ties: without it, frames that are equal differ in the last bits and get ranks by chance.
    return np.sqrt(square)[np.triu_indices(len(wide), _NEAR)].round(6)


def _ranks(values: np.ndarray) -> np.ndarray:
    _, where, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[where]
