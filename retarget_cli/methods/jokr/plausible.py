"""Are these poses ones that the subject could have? Told from keypoints alone, without drawing anything."""

from __future__ import annotations

import numpy as np

from retarget_cli.methods.jokr.statistics import covariances

_FAR = 3.0  # standard deviations; of the subject's own keypoints about 0.3 % are further away


def strange(points: np.ndarray, subject: np.ndarray) -> float:
    """The share of keypoints (N, K, 2) that are far from where the subject, (M, K, 2), has the same ones.

    Far is a Mahalanobis distance above 3 under the Gaussian of that keypoint's places, widened by the noise of
    keypoints.
    """
    offsets = points - subject.mean(axis=0)
    squared = np.einsum("nki,kij,nkj->nk", offsets, np.linalg.inv(covariances(subject)), offsets)
    return float((squared > _FAR**2).mean())


def outside(points: np.ndarray) -> float:
    """The share of keypoints (N, K, 2) that are outside the crop, [-1, 1], where they can draw nothing."""
    return float((np.abs(points) > 1).any(axis=-1).mean())
