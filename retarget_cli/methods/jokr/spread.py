"""Poses that are spread out: a few that stand for all that a clip shows."""

from __future__ import annotations

import numpy as np


def spread_out(poses: np.ndarray, count: int) -> np.ndarray:
    """Indices (count,) of poses (N, K, 2): the one nearest to the mean, then always that farthest from all before.

    Of fewer poses than `count` some are taken twice.
    """
    chosen = [int(distances(poses.mean(axis=0), poses).argmin())]
    nearest = distances(poses[chosen[0]], poses)
    while len(chosen) < count:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, distances(poses[chosen[-1]], poses))
    return np.array(chosen)


def distances(pose: np.ndarray, poses: np.ndarray) -> np.ndarray:
    """(N,) mean squared distances of the keypoints of a pose (K, 2) to those of poses (N, K, 2)."""
    return np.square(poses - pose).sum(axis=2).mean(axis=1)
