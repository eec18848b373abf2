"""What the keypoints of two clips say of body, pose and movement; what the fits in alignment.py are made of.

subject: (N, K, 2); driver: (M, K, 2).
"""

from __future__ import annotations

import numpy as np

NOISE = 0.04  # normalised units, added to every movement: points that hardly move keep the scale of the body
_LIMIT = 0.12  # of half the body's extent along an axis; mean poses that differ by much more differ in build


def spread(points: np.ndarray) -> np.ndarray:
    """Standard deviation along x and y, never zero."""
    return np.maximum(points.reshape(-1, 2).std(axis=0), 1e-3)


def body_ratio(subject: np.ndarray, driver: np.ndarray) -> float:
    """Size of the subject's mean pose over the driver's."""
    ratio = (spread(subject.mean(axis=0)) ** 2).sum() / (spread(driver.mean(axis=0)) ** 2).sum()
    return float(np.sqrt(ratio))


def mean_variance(subject: np.ndarray, driver: np.ndarray) -> np.ndarray:
    """(K, 2) variance of each keypoint over time, mean of the subject's and of the driver's at the subject's size."""
    variance: np.ndarray = (subject.var(axis=0) + body_ratio(subject, driver) ** 2 * driver.var(axis=0)) / 2
    return variance


def covariances(points: np.ndarray) -> np.ndarray:
    """(K, 2, 2) covariance over time of each keypoint's place, and some more for what is noise."""
    offsets = points - points.mean(axis=0)
    return np.einsum("nki,nkj->kij", offsets, offsets) / len(points) + NOISE**2 * np.eye(2)


def root(matrices: np.ndarray) -> np.ndarray:
    """Square roots of symmetric positive definite (K, 2, 2) matrices, in closed form (Cayley-Hamilton)."""
    determinant = np.sqrt(np.linalg.det(matrices))[:, None, None]
    trace = np.trace(matrices, axis1=1, axis2=2)[:, None, None]
    result: np.ndarray = (matrices + determinant * np.eye(2)) / np.sqrt(trace + 2 * determinant)
    return result


def lean(pose: np.ndarray, difference: np.ndarray) -> np.ndarray:
    """(K, 2) the part of `difference` (K, 2) that is a leaning to one side: more, the higher a point of `pose` is."""
    height = pose[:, 1] - pose[:, 1].mean()
    slope = (height * difference[:, 0]).sum() / max(float((height**2).sum()), 1e-9)
    return np.stack([slope * height, np.zeros_like(height)], axis=1)


def credible(pose: np.ndarray, difference: np.ndarray) -> np.ndarray:
    """(K, 2) what of `difference` (K, 2) from `pose` may be pose: less and less of what is too great for it."""
    limit = _LIMIT * np.maximum(np.ptp(pose, axis=0), 1e-3) / 2
    result: np.ndarray = difference / (1 + (difference / limit) ** 2)
    return result
