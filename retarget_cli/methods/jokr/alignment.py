"""Aligning the driver's keypoints to the subject: moments, proportions, relative motion and what lies between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np

from retarget_cli.methods.jokr.config import ALIGNER, FIRST_FRAME

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
    return over_time + _LEANS**2 * np.outer(leaning, leaning)


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
    return np.exp(-squared / (2 * _ALIKE**2))


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
    return (subject.var(axis=0) + body_ratio(subject, driver) ** 2 * driver.var(axis=0)) / 2


def covariances(points: np.ndarray) -> np.ndarray:
    """(K, 2, 2) covariance over time of each keypoint's place, and some more for what is noise."""
    offsets = points - points.mean(axis=0)
    return np.einsum("nki,nkj->kij", offsets, offsets) / len(points) + NOISE**2 * np.eye(2)


def root(matrices: np.ndarray) -> np.ndarray:
    """Square roots of symmetric positive definite (K, 2, 2) matrices, in closed form (Cayley-Hamilton)."""
    determinant = np.sqrt(np.linalg.det(matrices))[:, None, None]
    trace = np.trace(matrices, axis1=1, axis2=2)[:, None, None]
    return (matrices + determinant * np.eye(2)) / np.sqrt(trace + 2 * determinant)


def lean(pose: np.ndarray, difference: np.ndarray) -> np.ndarray:
    """The part of `difference` (K, 2) that is a leaning to one side, (K, 2): more, the higher a point of `pose` is."""
    height = pose[:, 1] - pose[:, 1].mean()
    slope = (height * difference[:, 0]).sum() / max(float((height**2).sum()), 1e-9)
    return np.stack([slope * height, np.zeros_like(height)], axis=1)


def credible(pose: np.ndarray, difference: np.ndarray) -> np.ndarray:
    """The part of `difference` (K, 2) from `pose` that may be pose, (K, 2): less of what is too great for that."""
    limit = _LIMIT * np.maximum(np.ptp(pose, axis=0), 1e-3) / 2
    return difference / (1 + (difference / limit) ** 2)


MODES = ("balanced", "relative", "matched", "proportions", "learned", "moments", "none")
VARIANTS = ("balanced-relative", "balanced-matched", "proportions-matched")  # that move wholly as the second one does
# Of the difference between two mean poses, what is pose and what is build? On drawn pairs, where the truth is known, a
# point's mean pose follows its movement, and this much of a difference that is not explained by it is build.
_BUILD = 0.08
_LEAN = 0.8  # of the difference in leaning, which is nearly all pose
_SHARES = {  # of `matched`, in the movement
    "balanced": 0.5,
    "balanced-relative": 0.0,
    "balanced-matched": 1.0,
    "proportions": 0.5,
    "proportions-matched": 1.0,
}
_LEVEL = 0.05  # least spread of a point when the mean poses are laid over each other


class Alignment(Protocol):
    """A map of keypoints."""

    @property
    def name(self) -> str:
        """The mode, or a variant of one, or ``numbers``."""
        ...

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Map (N, K, 2) keypoints of the driver to the subject's space, float32."""
        ...

    def numbers(self) -> dict[str, Any]:
        """Its numbers as JSON: ``linear`` and ``offsets``, null where it has none."""
        ...


@dataclass(frozen=True)
class LinearAlignment:
    """A linear map of each keypoint. linear: (K, 2, 2); offsets: (K, 2); K may be 1 when all points share one."""

    name: str
    linear: np.ndarray
    offsets: np.ndarray

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Map (N, K, 2) keypoints."""
        return ((self.linear @ points[..., None])[..., 0] + self.offsets).astype(np.float32)

    def numbers(self) -> dict[str, Any]:
        """Matrices and offsets as lists."""
        return {"linear": self.linear.tolist(), "offsets": self.offsets.tolist()}


Move = Callable[[np.ndarray], np.ndarray]
"""Keypoints of the driver (N, K, 2) to the subject's space."""


class Aligner(NamedTuple):
    """What the base learned about aligning bodies of a kind.

    between: all keypoints of the subject (N, K, 2) and of the driver (M, K, 2) to what moves the latter.
    error: how far off that usually is, in half crops.
    """

    between: Callable[[np.ndarray, np.ndarray], Move]
    error: float


@dataclass(frozen=True)
class LearnedAlignment:
    """A map that a network learned, of whole poses; it has no numbers."""

    name: str
    move: Move

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Map (N, K, 2) keypoints."""
        return self.move(points).astype(np.float32)

    def numbers(self) -> dict[str, Any]:
        """None."""
        return {"linear": None, "offsets": None}


def from_affine(name: str, affine: np.ndarray) -> LinearAlignment:
    """An alignment from a (2, 3) map on the column (x, y, 1)."""
    affine = np.asarray(affine, np.float64).reshape(1, 2, 3)
    return LinearAlignment(name, affine[:, :, :2], affine[:, :, 2])


def from_moments(subject: np.ndarray, driver: np.ndarray) -> LinearAlignment:
    """Match mean and spread, per axis, of all keypoints of the two clips. subject: (N, K, 2); driver: (M, K, 2)."""
    scale = spread(subject) / spread(driver)
    shift = subject.mean(axis=(0, 1)) - scale * driver.mean(axis=(0, 1))
    return LinearAlignment("moments", np.diag(scale)[None], shift[None])


def from_rest_pose(subject: np.ndarray, driver: np.ndarray) -> LinearAlignment:
    """Keep the subject's mean pose; add the driver's motion around its own, scaled by the ratio of body sizes."""
    linear = body_ratio(subject, driver) * np.eye(2)[None]
    return _around("relative", linear, subject.mean(axis=0), driver)


def from_first_frame(subject: np.ndarray, driver: np.ndarray) -> LinearAlignment:
    """Add to one pose of the subject how the driver has moved since one frame of its own.

    The relative motion of the First Order Motion Model (Siarohin et al., 2019), scaled by the square root of the ratio
    of the convex hulls of the keypoints. The subject's pose is the one nearest to its mean pose; the driver's frame is
    the one most like it, since the first one may show any pose.
    """
    own = subject[np.square(subject - subject.mean(axis=0)).sum(axis=(1, 2)).argmin()].astype(np.float64)
    scale = np.sqrt(_hull(own) / _hull(driver.mean(axis=0)))
    centred = scale * (driver - driver.mean(axis=1, keepdims=True))
    first = driver[np.square(centred - (own - own.mean(axis=0))).sum(axis=(1, 2)).argmin()]
    return LinearAlignment(FIRST_FRAME, scale * np.eye(2)[None], own - scale * first)


def _hull(pose: np.ndarray) -> float:
    """Area of the convex hull of (K, 2) points, never zero."""
    return max(float(cv2.contourArea(cv2.convexHull(pose.astype(np.float32)))), 1e-4)


def matched(subject: np.ndarray, driver: np.ndarray) -> LinearAlignment:
    """Like :func:`from_rest_pose`, with the movement of each keypoint turned and scaled to what the subject's own does.

    Optimal transport between the Gaussians of a point's places in the two clips (Peyré and Cuturi, 2019, remark 2.31).
    """
    scale = body_ratio(subject, driver)
    own, brought = covariances(subject), scale**2 * covariances(driver)
    half = root(brought)
    inverse = np.linalg.inv(half)
    linear = scale * (inverse @ root(half @ own @ half) @ inverse)
    return _around("matched", linear, subject.mean(axis=0), driver)


def balanced(name: str, subject: np.ndarray, driver: np.ndarray, share: float) -> LinearAlignment:
    """Between :func:`from_rest_pose` and :func:`matched`, around a mean pose that is partly the driver's.

    share: of `matched` in the movement. The two mean poses differ in build and in pose: the one is to be kept, the
    other to be taken over. How the body leans as a whole is pose; of the rest, the more a point moves, the more.
    """
    one, other = from_rest_pose(subject, driver), matched(subject, driver)
    linear = (1 - share) * one.linear + share * other.linear
    own, brought = subject.mean(axis=0), _laid_over(subject, driver)
    variance = mean_variance(subject, driver)
    leaning = _LEAN * lean(own, brought - own)
    difference = credible(own, brought - own - leaning)
    return _around(name, linear, own + leaning + variance / (variance + _BUILD**2) * difference, driver)


def in_proportion(name: str, subject: np.ndarray, driver: np.ndarray, share: float) -> LinearAlignment:
    """The driver's pose in the subject's proportions, as :func:`split` tells the two apart.

    share: of :func:`matched` in the movement; the rest moves as much as its part of the body is large.
    """
    pose, scales = split(subject, driver)
    scaled = body_ratio(subject, driver) * scales[:, :, None] * np.eye(2)
    linear = (1 - share) * scaled + share * matched(subject, driver).linear
    return _around(name, linear, pose, driver)


def _around(name: str, linear: np.ndarray, centre: np.ndarray, driver: np.ndarray) -> LinearAlignment:
    """`linear` (K or 1, 2, 2) around the driver's mean pose, which goes to `centre` (K, 2)."""
    return LinearAlignment(name, linear, centre - (linear @ driver.mean(axis=0)[..., None])[..., 0])


def _laid_over(subject: np.ndarray, driver: np.ndarray) -> np.ndarray:
    """(K, 2) the driver's mean pose brought onto the subject's by the best scale and shift of each axis.

    Points weigh by how surely their mean is known.
    """
    weights = 1 / (_LEVEL**2 + mean_variance(subject, driver))
    here, there = subject.mean(axis=0), driver.mean(axis=0)
    total = weights.sum(axis=0)
    middle, other = (weights * here).sum(axis=0) / total, (weights * there).sum(axis=0) / total
    scale = (weights * (here - middle) * (there - other)).sum(axis=0)
    scale = scale / np.maximum((weights * (there - other) ** 2).sum(axis=0), 1e-9)
    return middle + scale * (there - other)


def with_aligner(aligner: Aligner, subject: np.ndarray, driver: np.ndarray) -> LearnedAlignment:
    """Between what the base learned and :func:`balanced`.

    What the base cannot know of a body is how it holds itself: a small difference between the two mean poses is mostly
    its error. Its share of the mean pose is that of a signal in the noise of its errors (Wiener). Of the movement it
    has at least half; that of `balanced` makes good that a network which is unsure moves too little.
    """
    move = aligner.between(subject, driver)
    plain = balanced("balanced", subject, driver, _SHARES["balanced"])
    difference = (move(driver) - plain.apply(driver)).mean(axis=0)
    signal = float(np.square(difference).sum(axis=-1).mean())
    share = signal / (signal + aligner.error**2 + 1e-9)
    moving = (1 + share) / 2

    def mixed(points: np.ndarray) -> np.ndarray:
        return moving * move(points) + (1 - moving) * plain.apply(points) + (share - moving) * difference

    return LearnedAlignment(ALIGNER, mixed)


def align(mode: str, subject: np.ndarray, driver: np.ndarray, learned: np.ndarray) -> Alignment:
    """The alignment called `mode`, one of MODES, VARIANTS or FIRST_FRAME; `auto` chooses among the former two.

    `moments` keeps most of the motion, those around the rest pose keep most of the subject's build.
    learned: the (2, 3) map from the driver's space to the subject's.
    """
    if mode == "learned":
        return from_affine("learned", learned)
    if mode == "moments":
        return from_moments(subject, driver)
    if mode == "relative":
        return from_rest_pose(subject, driver)
    if mode == FIRST_FRAME:
        return from_first_frame(subject, driver)
    if mode == "matched":
        return matched(subject, driver)
    if mode in _SHARES:
        made = balanced if mode.startswith("balanced") else in_proportion
        return made(mode, subject, driver, _SHARES[mode])
    if mode == "none":
        return from_affine("none", np.eye(2, 3))
    raise ValueError(f"unknown alignment {mode!r}")
