"""The driver's pose in the subject's proportions: what differs between two mean poses, split into build and pose.

Build is modelled as random scaling of the body along each axis, nearly alike in neighbouring parts: a longer neck, a
flatter trunk. Pose differs as the clips' own poses differ over time. Both are Gaussian, so the most probable split is
a ridge regression in closed form: the limit of one trained on ever more random scalings of the subject's poses.
"""

from __future__ import annotations

import numpy as np

from retarget_cli.methods.jokr.statistics import body_ratio, credible, lean

# All measured on drawn pairs, whose truth is known, and flat: half or twice of each costs less than training anew.
_SCALES = 0.15  # standard deviation of a part's scale along an axis
_ALIKE = 1.0  # normalised units over which parts are scaled alike
_POINTS = 0.03  # standard deviation of what remains: two bodies' keypoints are not at quite the same places
_LEANS = 0.3  # standard deviation of the tangent of the angle by which one leans more than the other


def split(subject: np.ndarray, driver: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean pose to take, and how much larger the subject's parts are than the driver's at the same body size.

    subject: (N, K, 2); driver: (M, K, 2). Returns (K, 2) places and (K, 2) scales along x and y.
    """
    ratio, own = body_ratio(subject, driver), subject.mean(axis=0)
    parts = own - own.mean(axis=0)
    brought = ratio * (driver.mean(axis=0) - driver.mean(axis=(0, 1)))
    leaning = lean(own, brought - parts)
    difference = (leaning + credible(own, brought - parts - leaning)).reshape(-1)
    pose, build = _poses(subject, ratio * driver, parts), _builds(parts)
    noise = _POINTS**2 * np.eye(len(difference))
    explained = np.linalg.solve(pose + build + noise, difference)
    scales = 1 + _SCALES**2 * _likeness(parts) @ (parts * explained.reshape(parts.shape))
    return own + (pose @ explained).reshape(parts.shape), 1 / np.clip(scales, 0.5, 2)


def _poses(subject: np.ndarray, driver: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """(2K, 2K) covariance of poses: that over time, mean of both clips, and leaning."""
    leaning = np.zeros_like(parts)
    leaning[:, 0] = parts[:, 1]
    flat = [(points - points.mean(axis=0)).reshape(len(points), -1) for points in (subject, driver)]
    over_time = sum(poses.T @ poses / len(poses) for poses in flat) / 2
    return np.asarray(over_time + _LEANS**2 * np.outer(leaning, leaning))


def _builds(parts: np.ndarray) -> np.ndarray:
    """(2K, 2K) covariance of what random scales, the same law along both axes and independent, do to `parts`."""
    likeness = _SCALES**2 * _likeness(parts)
    covariance = np.zeros((parts.size, parts.size))
    for axis in (0, 1):
        covariance[axis::2, axis::2] = likeness * np.outer(parts[:, axis], parts[:, axis])
    return covariance


def _likeness(parts: np.ndarray) -> np.ndarray:
    """(K, K) correlation of the scales of two parts, by their distance."""
    squared = np.square(parts[:, None] - parts[None]).sum(axis=-1)
    result: np.ndarray = np.exp(-squared / (2 * _ALIKE**2))
    return result
