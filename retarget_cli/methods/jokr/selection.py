"""Choosing among alignments by what they would draw: motion, shape, implausible keypoints, what leaves the crop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from retarget_cli.errors import UsageError
from retarget_cli.methods.jokr import alignment
from retarget_cli.methods.jokr.alignment import covariances
from retarget_cli.methods.jokr.model import PairModel
from retarget_cli.metrics.motion import motion_score
from retarget_cli.metrics.shape import shape_score
from retarget_cli.training.clips import ClipArray
from retarget_cli.utils.sampling import evenly

_FAR = 3.0  # standard deviations; of the subject's own keypoints about 0.3 % are further away


def implausible(points: np.ndarray, subject: np.ndarray) -> float:
    """The share of keypoints (N, K, 2) that are far from where the subject, (M, K, 2), has the same ones.

    Far is a Mahalanobis distance above 3 under the Gaussian of that keypoint's places, widened by the noise of
    keypoints.
    """
    offsets = points - subject.mean(axis=0)
    squared = np.einsum("nki,kij,nkj->nk", offsets, np.linalg.inv(covariances(subject)), offsets)
    return float((squared > _FAR**2).mean())


def out_of_crop(points: np.ndarray) -> float:
    """The share of keypoints (N, K, 2) that are outside the crop, [-1, 1], where they can draw nothing."""
    return float((np.abs(points) > 1).any(axis=-1).mean())


_REASON = "best motion and shape of its silhouettes, in plausible poses"
_KNOWN = "the base knows this kind of body"
_JUDGED = 200  # frames on which the candidates of `auto` are compared
# How `auto` weighs the scores of a candidate. A perfect answer has a motion of 0.6 to 0.9 and a shape above 0.7; what
# is lacking to that counts extra, that of the shape most: a stiff body looks better than a molten one.
_SHAPE_WEIGHT = 3.0
_ENOUGH_MOTION = 0.6
_ENOUGH_SHAPE = 0.7
_MOTION_LACK = 2.0
_SHAPE_LACK = 4.0
# Keypoints where the subject never has them, or where they draw nothing. Sensible candidates differ little in these
# (0.00 to 0.05); they are there for those that are broken.
_IMPLAUSIBLE_WEIGHT = 1.0
_OUT_OF_CROP_WEIGHT = 3.0
# No score sees whether a pose is one of the subject or of the driver; on drawn pairs, where the truth is known, these
# came nearer to it than their scores say. Which of the two comes nearer depends on the pair.
# The aligner has learned what a pose of the subject is. Where the clips show very different poses it is right, with
# gains of 0.26 to 0.38 on drawn bodies where the others have -0.10 to 0.07, and its silhouettes are unlike all that the
# subject has shown: their totals are lower by up to 3.3. Only one whose silhouettes break altogether is not taken.
_BONUS = {"balanced": 0.1, "proportions": 0.1, alignment.ALIGNER: 3.5}


def choose_alignment(
    model: PairModel, subject: ClipArray, driver: ClipArray, points: tuple[np.ndarray, np.ndarray], wanted: Any
) -> tuple[alignment.Alignment, dict[str, Any]]:
    """The alignment to use and a report of the choice. points: keypoints of the subject and of the driver.

    `auto` draws the silhouettes of every candidate and weighs their motion and shape (the scores of the evaluation,
    which need no truth): motion falls when limbs freeze, shape when the driver's build leaks through. Keypoints count
    too: the shares of them that are implausible for the subject or out of the crop, see above.
    """
    if not isinstance(wanted, str):
        taken: alignment.Alignment = alignment.from_affine("numbers", np.array(wanted))
        return taken, {"affine": "numbers", **taken.numbers()}
    known = _from_base(model, points)
    if wanted == alignment.ALIGNER:
        return _known(known)
    if wanted != "auto":
        taken = alignment.align(wanted, *points, model.to_subject)
        return taken, {"affine": wanted, **taken.numbers()}
    modes = (*alignment.MODES, *alignment.VARIANTS)
    made = {mode: alignment.align(mode, *points, model.to_subject) for mode in modes}
    if known is not None:
        made[known.name] = known
    scores = _judged(model, subject, driver, points, made)
    best = max(scores, key=lambda name: scores[name]["total"])
    reason = _KNOWN if best == alignment.ALIGNER else _REASON
    report = {"affine": best, "candidates": scores, "reason": reason}
    return made[best], {**report, **made[best].numbers()}


def _from_base(model: PairModel, points: tuple[np.ndarray, np.ndarray]) -> alignment.LearnedAlignment | None:
    """The alignment that the base learned for the pair's kind of body; None where there is none."""
    return None if model.aligner is None else alignment.with_aligner(model.aligner, *points)


def _known(known: alignment.Alignment | None) -> tuple[alignment.Alignment, dict[str, Any]]:
    """What :func:`choose_alignment` returns for the mode that asks for it; UsageError where there is none."""
    if known is None:
        fix = "Use --affine auto. Pairs trained with --init-from base have one if the base does."
        raise UsageError("there is no aligner for this pair", where="--affine", fix=fix)
    return known, {"affine": known.name, **known.numbers()}


def _judged(
    model: PairModel,
    subject: ClipArray,
    driver: ClipArray,
    points: tuple[np.ndarray, np.ndarray],
    made: Mapping[str, alignment.Alignment],
) -> dict[str, dict[str, float]]:
    """Scores of each candidate's poses and silhouettes, by its name."""
    chosen = evenly(driver.count, _JUDGED)
    real = [_matte(subject, i) for i in range(0, subject.count, max(1, subject.count // _JUDGED))]
    moved = [_matte(driver, i) for i in chosen]
    scores = {}
    for name, candidate in made.items():
        poses = candidate.apply(points[1][chosen])
        drawn = model.silhouettes(poses) > 0.5
        found = {  # stored reports call implausible keypoints strange, and those out of the crop outside
            "motion": motion_score(moved, drawn),
            "shape": shape_score(drawn, real),
            "strange": implausible(poses, points[0]),
            "outside": out_of_crop(poses),
        }
        scores[name] = {**found, "total": total(name, found)}
    return scores


def total(name: str, scores: Mapping[str, float]) -> float:
    """Sum up the scores of the candidate called `name`; the highest total is taken."""
    motion, shape = scores["motion"], scores["shape"]
    lack = _MOTION_LACK * max(0.0, _ENOUGH_MOTION - motion) + _SHAPE_LACK * max(0.0, _ENOUGH_SHAPE - shape)
    faults = _IMPLAUSIBLE_WEIGHT * scores["strange"] + _OUT_OF_CROP_WEIGHT * scores["outside"]
    return motion + _SHAPE_WEIGHT * shape - lack - faults + _BONUS.get(name.partition("-")[0], 0.0)


def _matte(clip: ClipArray, index: int) -> np.ndarray:
    return np.asarray(clip.frames[index, :, :, 3]) > 127
