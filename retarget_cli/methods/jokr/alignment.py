"""Ways to carry the driver's keypoints into the subject's space, as plain numpy on whole clips.

Every way has the same form, k' = L_p k + o_p: a linear part and an offset for each keypoint, or one for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retarget_cli.methods.jokr.proportions import split
from retarget_cli.methods.jokr.statistics import body_ratio, covariances, credible, lean, mean_variance, root, spread

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


@dataclass(frozen=True)
class Alignment:
    """How to move keypoints. linear: (K, 2, 2); offsets: (K, 2); K may be 1 when all points share one."""

    name: str
    linear: np.ndarray
    offsets: np.ndarray

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Map (N, K, 2) keypoints."""
        return ((self.linear @ points[..., None])[..., 0] + self.offsets).astype(np.float32)


def from_affine(name: str, affine: np.ndarray) -> Alignment:
    """An alignment from a (2, 3) map on the column (x, y, 1)."""
    affine = np.asarray(affine, np.float64).reshape(1, 2, 3)
    return Alignment(name, affine[:, :, :2], affine[:, :, 2])


def from_moments(subject: np.ndarray, driver: np.ndarray) -> Alignment:
    """Match mean and spread, per axis, of all keypoints of the two clips. subject: (N, K, 2); driver: (M, K, 2)."""
    scale = spread(subject) / spread(driver)
    shift = subject.mean(axis=(0, 1)) - scale * driver.mean(axis=(0, 1))
    return Alignment("moments", np.diag(scale)[None], shift[None])


def from_rest_pose(subject: np.ndarray, driver: np.ndarray) -> Alignment:
    """Keep the subject's mean pose; add the driver's motion around its own, scaled by the ratio of body sizes."""
    linear = body_ratio(subject, driver) * np.eye(2)[None]
    return _around("relative", linear, subject.mean(axis=0), driver)


def matched(subject: np.ndarray, driver: np.ndarray) -> Alignment:
    """Like :func:`from_rest_pose`, with the movement of each keypoint turned and scaled to what the subject's own does.

    Optimal transport between the Gaussians of a point's places in the two clips (Peyré and Cuturi, 2019, remark 2.31).
    """
    scale = body_ratio(subject, driver)
    own, brought = covariances(subject), scale**2 * covariances(driver)
    half = root(brought)
    inverse = np.linalg.inv(half)
    linear = scale * (inverse @ root(half @ own @ half) @ inverse)
    return _around("matched", linear, subject.mean(axis=0), driver)


def balanced(name: str, subject: np.ndarray, driver: np.ndarray, share: float) -> Alignment:
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


def in_proportion(name: str, subject: np.ndarray, driver: np.ndarray, share: float) -> Alignment:
    """The driver's pose in the subject's proportions, as proportions.py tells the two apart.

    share: of :func:`matched` in the movement; the rest moves as much as its part of the body is large.
    """
    pose, scales = split(subject, driver)
    scaled = body_ratio(subject, driver) * scales[:, :, None] * np.eye(2)
    linear = (1 - share) * scaled + share * matched(subject, driver).linear
    return _around(name, linear, pose, driver)


def _around(name: str, linear: np.ndarray, centre: np.ndarray, driver: np.ndarray) -> Alignment:
    """`linear` (K or 1, 2, 2) around the driver's mean pose, which goes to `centre` (K, 2)."""
    return Alignment(name, linear, centre - (linear @ driver.mean(axis=0)[..., None])[..., 0])


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
    result: np.ndarray = middle + scale * (there - other)
    return result


def align(mode: str, subject: np.ndarray, driver: np.ndarray, learned: np.ndarray) -> Alignment:
    """The alignment called `mode`, one of MODES or VARIANTS.

    learned: the (2, 3) map from the driver's space to the subject's.
    """
    if mode == "learned":
        return from_affine("learned", learned)
    if mode == "moments":
        return from_moments(subject, driver)
    if mode == "relative":
        return from_rest_pose(subject, driver)
    if mode == "matched":
        return matched(subject, driver)
    if mode in _SHARES:
        made = balanced if mode.startswith("balanced") else in_proportion
        return made(mode, subject, driver, _SHARES[mode])
    if mode == "none":
        return from_affine("none", np.eye(2, 3))
    raise ValueError(f"unknown alignment {mode!r}")


def candidates(subject: np.ndarray, driver: np.ndarray, learned: np.ndarray) -> dict[str, Alignment]:
    """What `auto` chooses from, by name.

    `moments` keeps most of the motion, those around the rest pose keep most of the subject's build.
    """
    return {mode: align(mode, subject, driver, learned) for mode in (*MODES, *VARIANTS)}
