"""Ways to carry the driver's keypoints into the subject's space, as plain numpy on whole clips.

Every way has the same form, k' = L_p k + o_p: a linear part and an offset for each keypoint, or one for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MODES = ("learned", "moments", "relative", "none")
_BETWEEN = (0.33, 0.67)  # shares of the second part in the mixtures that `auto` considers
_LEAST, _MOST = 0.4, 2.5  # bounds of the ratio of two keypoints' movements, which is noise for points that hardly move


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
    scale = _spread(subject) / _spread(driver)
    shift = subject.mean(axis=(0, 1)) - scale * driver.mean(axis=(0, 1))
    return Alignment("moments", np.diag(scale)[None], shift[None])


def from_rest_pose(subject: np.ndarray, driver: np.ndarray) -> Alignment:
    """Keep the subject's mean pose; add the driver's motion around its own, scaled by the ratio of body sizes."""
    rest_subject, rest_driver = subject.mean(axis=0), driver.mean(axis=0)
    scale = np.sqrt((_spread(rest_subject) ** 2).sum() / (_spread(rest_driver) ** 2).sum())
    return _around_rest("relative", subject, driver, np.full((1, 2), scale))


def from_movement(subject: np.ndarray, driver: np.ndarray) -> Alignment:
    """Like :func:`from_rest_pose`, with motion scaled by how much the two move, all keypoints together."""
    ratio = _movement(subject).mean() ** 0.5 / _movement(driver).mean() ** 0.5
    return _around_rest("relative-movement", subject, driver, np.full((1, 2), ratio))


def standardised(subject: np.ndarray, driver: np.ndarray) -> Alignment:
    """Like :func:`from_rest_pose`, with the motion of every keypoint and axis scaled to what the subject's own does."""
    ratio = np.sqrt(_movement(subject) / _movement(driver)).clip(_LEAST, _MOST)
    return _around_rest("standardised", subject, driver, ratio)


def _around_rest(name: str, subject: np.ndarray, driver: np.ndarray, scale: np.ndarray) -> Alignment:
    """Mean poses onto each other, motion times `scale` (K, 2) or (1, 2)."""
    linear = scale[:, :, None] * np.eye(2)
    return Alignment(name, linear, subject.mean(axis=0) - scale * driver.mean(axis=0))


def align(mode: str, subject: np.ndarray, driver: np.ndarray, learned: np.ndarray) -> Alignment:
    """The alignment called `mode`, one of MODES. learned: the (2, 3) map from the driver's space to the subject's."""
    if mode == "learned":
        return from_affine("learned", learned)
    if mode == "moments":
        return from_moments(subject, driver)
    if mode == "relative":
        return from_rest_pose(subject, driver)
    if mode == "none":
        return from_affine("none", np.eye(2, 3))
    raise ValueError(f"unknown alignment {mode!r}")


def candidates(subject: np.ndarray, driver: np.ndarray, learned: np.ndarray) -> dict[str, Alignment]:
    """What `auto` chooses from, by name.

    `moments` keeps most of the motion, those around the rest pose keep most of the subject's build; how much of each a
    pair needs differs, so steps between them are considered too.
    """
    found = {mode: align(mode, subject, driver, learned) for mode in MODES}
    for made in (from_movement(subject, driver), standardised(subject, driver)):
        found[made.name] = made
    for end in ("relative", "standardised"):
        for share in _BETWEEN:
            name = f"moments-{end}-{round(100 * share)}"
            found[name] = mix(name, found["moments"], found[end], share)
    return found


def mix(name: str, first: Alignment, second: Alignment, share: float) -> Alignment:
    """(1 - share) of `first` and `share` of `second`."""
    linear = (1 - share) * first.linear + share * second.linear
    return Alignment(name, linear, (1 - share) * first.offsets + share * second.offsets)


def _spread(points: np.ndarray) -> np.ndarray:
    """Standard deviation along x and y, never zero."""
    return np.maximum(points.reshape(-1, 2).std(axis=0), 1e-3)


def _movement(points: np.ndarray) -> np.ndarray:
    """(K, 2) variance of each keypoint over time, never zero."""
    return np.maximum(points.var(axis=0), 1e-6)
