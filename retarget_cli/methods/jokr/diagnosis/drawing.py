"""Checks of what a trained pair draws: silhouettes, keypoints, the learned affine, each clip in the other's poses."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import torch

from retarget_cli.findings import Finding, graded, judged
from retarget_cli.methods.jokr import alignment
from retarget_cli.methods.jokr.diagnosis.evidence import Crossing, Side
from retarget_cli.methods.jokr.geometry import mean_box
from retarget_cli.metrics.image import iou

# Pairs that transfer well reach 0.92 to 0.95; under 0.8 even the trunk is off.
GOOD_OVERLAP, WEAK_OVERLAP = 0.9, 0.8
# Legs of a pixel or two lose their rim at the working size, so a perfect answer keeps some 0.9 of them.
GOOD_THIN, WEAK_THIN = 0.75, 0.5
# Of the silhouette's side: a walking animal fills the crop, and its legs are up to a tenth of it wide.
THIN_WIDTH = 0.11
# Below this share of the object's area there are no limbs to speak of, only rounded corners.
LEAST_THIN = 0.03


def overlap(sides: Sequence[Side], longer: str) -> Finding:
    """Judge the mean IoU on held-out frames; the worse clip decides."""
    values = [float(np.mean([iou(*pair) for pair in zip(s.held_drawn, s.held_mattes, strict=True)])) for s in sides]
    severity = graded(min(values), GOOD_OVERLAP, WEAK_OVERLAP)
    says = f"silhouettes drawn of held-out frames overlap the true ones by {values[0]:.2f} (A) and {values[1]:.2f} (B)."
    advice = f"{longer}; if it stays so, look at crops.png: mattes that jump from frame to frame cannot be learned."
    return judged("silhouettes", severity, says, advice)


def thin_parts(sides: Sequence[Side], longer: str) -> list[Finding]:
    """Judge the share of thin parts that is drawn, one finding for both clips; none when neither has any."""
    shares = {side.letter: thin_recall(side.held_mattes, side.held_drawn) for side in sides}
    known = {letter: share for letter, share in shares.items() if share is not None}
    if not known:
        return []
    severity = graded(min(known.values()), GOOD_THIN, WEAK_THIN)
    listed = " and ".join(f"{share:.0%} ({letter})" for letter, share in known.items())
    says = f"of thin parts such as legs, {listed} are drawn on held-out frames."
    advice = f"they blur until keypoints follow them: {longer}, or let points move more, `--set geometry.temporal=1`."
    return [judged("thin parts", severity, says, advice)]


def thin_recall(truth: np.ndarray, drawn: np.ndarray) -> float | None:
    """The share of the thin parts of `truth` that `drawn` covers, both (N, s, s) bool; None when there are too few.

    Thin is what a morphological opening with a disc of THIN_WIDTH removes.
    """
    width = max(3, round(THIN_WIDTH * truth.shape[-1]) | 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    thick = [cv2.morphologyEx(frame.astype(np.uint8), cv2.MORPH_OPEN, disc) for frame in truth]
    thin = truth & ~np.stack(thick).astype(bool)
    if not truth.any() or thin.sum() < LEAST_THIN * truth.sum():
        return None
    return float((thin & drawn).sum() / thin.sum())


# Two points within one cell of the 32 x 32 keypoint maps draw one dot: G cannot tell them apart.
TOGETHER = 2 / 31
ALWAYS = 0.95  # share of the frames
GOOD_DOUBLED, WEAK_DOUBLED = 0.0, 0.25  # share of the points; a few that meet cost little
# A third of a pixel at the working size: less than what E's own noise makes.
STANDS = 0.01
# Points of the trunk hardly move against the body, rightly; when nearly all points stand, limbs are not followed.
GOOD_STANDING, WEAK_STANDING = 0.7, 0.9
# A point at the rim may lie a little beside the matte, which is cut at a half.
RIM = 0.03  # of the silhouette's side
# A narrow object has too little room for points that must stay apart; it can still be drawn from those it holds.
GOOD_OFF, WEAK_OFF = 0.05, 0.35  # share of all points of all frames


def keypoint_findings(sides: Sequence[Side]) -> list[Finding]:
    """Return a finding for each fault of the keypoints, or one that says that there is none."""
    found = [each for each in (collapsed(sides), standing(sides), off_object(sides)) if each.severity != "good"]
    count = sides[0].points.shape[1]
    return found or [Finding("keypoints", "good", f"all {count} keypoints are apart, on the object and follow it.")]


def collapsed(sides: Sequence[Side]) -> Finding:
    """Count points that are nearly always at the same place as another one, in both clips."""
    distances = np.concatenate([_distances(side.points) for side in sides])
    usual = np.quantile(distances, ALWAYS, axis=0)
    np.fill_diagonal(usual, np.inf)
    doubled = int((usual < TOGETHER).any(axis=1).sum())
    count = len(usual)
    says = f"{doubled} of {count} keypoints always lie on top of another one."
    advice = (
        "fewer or freer points, `--set geometry.keypoints=10`, `--set geometry.separation=8`, or another `--seed 1`."
    )
    return Finding("collapsed keypoints", graded(doubled / count, GOOD_DOUBLED, WEAK_DOUBLED), says, advice)


def standing(sides: Sequence[Side]) -> Finding:
    """Count points that do not move against the body in either clip."""
    moves = [(side.points - side.points.mean(axis=1, keepdims=True)).std(axis=0) for side in sides]
    still = np.max([np.hypot(*move.T) for move in moves], axis=0) < STANDS
    says = f"{int(still.sum())} of {len(still)} keypoints hardly ever move within the body, in either clip."
    advice = "weaken the loss that holds them still, `--set geometry.temporal=0.5`, or use clips in which more moves."
    return Finding("frozen keypoints", graded(float(still.mean()), GOOD_STANDING, WEAK_STANDING), says, advice)


def off_object(sides: Sequence[Side]) -> Finding:
    """Count points beside the object; the worse clip decides."""
    shares = [share_off_object(side.points, side.mattes) for side in sides]
    says = f"{shares[0]:.0%} (A) and {shares[1]:.0%} (B) of the keypoints lie beside the object."
    advice = (
        "let them be closer, `--set geometry.separation_distance=0.06`, or keep them in, `--set geometry.inside=1`."
    )
    return Finding("keypoints off the object", graded(max(shares), GOOD_OFF, WEAK_OFF), says, advice)


def share_off_object(points: np.ndarray, mattes: np.ndarray) -> float:
    """The share of points (N, K, 2) beside their frames' mattes (N, s, s), widened by RIM; empty ones do not count."""
    size = mattes.shape[-1]
    reach = 2 * max(1, round(RIM * size)) + 1
    wide = np.stack([cv2.dilate(matte.astype(np.uint8), np.ones((reach, reach), np.uint8)) for matte in mattes])
    cells = ((points + 1) / 2 * (size - 1)).round().astype(int).clip(0, size - 1)
    on = wide[np.arange(len(points))[:, None], cells[..., 1], cells[..., 0]] > 0
    seen = mattes.any(axis=(1, 2))
    return float(1 - on[seen].mean()) if seen.any() else 0.0


def _distances(points: np.ndarray) -> np.ndarray:
    """(N, K, K) distances between the points of a frame."""
    return np.linalg.norm(points[:, :, None] - points[:, None, :], axis=-1)


# Distance of the mean poses after T, in sizes of the body. A quarter of it is a long against a short leg.
GOOD_GAP, WEAK_GAP = 0.25, 0.5
# How many times larger or smaller, in either direction, T makes things than the objects' boxes say.
GOOD_RATIO, WEAK_RATIO = 1.5, 2.5
# Degrees. Clips seen from the same side need next to none.
GOOD_TURN, WEAK_TURN = 15.0, 40.0

_INSTEAD = "`retarget render --affine moments` and `--affine relative` do without it; or train again with `--seed 1`."


def gap(sides: Sequence[Side], learned: np.ndarray) -> Finding:
    """Judge the distance between A's mean pose and B's after T."""
    mean_a, mean_b = (side.points.mean(axis=0) for side in sides)
    moved = mean_b @ learned[:, :2].T + learned[:, 2]
    body = float(np.linalg.norm(mean_a - mean_a.mean(axis=0), axis=1).mean()) or 1.0
    distance = float(np.linalg.norm(mean_a - moved, axis=1).mean()) / body
    severity = graded(distance, GOOD_GAP, WEAK_GAP)
    says = f"the learned affine leaves B's keypoints, on average, {distance:.2f} body sizes away from those of A."
    return judged("aligned poses" if severity == "good" else "misaligned poses", severity, says, _INSTEAD)


def affine(sides: Sequence[Side], learned: np.ndarray) -> Finding:
    """Compare T with the map that brings the mean box of B onto that of A."""
    boxes = [mean_box(torch.from_numpy(side.mattes))[1].numpy() for side in sides]
    ratio, turn, flipped = against_boxes(learned[:, :2], boxes[0] / boxes[1])
    order = ("good", "weak", "bad")
    severity = max(graded(ratio, GOOD_RATIO, WEAK_RATIO), graded(turn, GOOD_TURN, WEAK_TURN), key=order.index)
    says = f"its scale is {ratio:.1f} times off the ratio of the objects' boxes, and it rotates by {turn:.0f} degrees"
    if flipped:
        return Finding("degenerate affine", "bad", f"{says}, and it mirrors the pose.", _INSTEAD)
    if severity == "good":
        return Finding("learned affine", severity, f"{says}: a plausible map.")
    return Finding("degenerate affine", severity, f"{says}.", _INSTEAD)


def against_boxes(linear: np.ndarray, scale: np.ndarray) -> tuple[float, float, bool]:
    """Compare a (2, 2) map with scaling by `scale` (2,): the largest ratio in any direction, degrees, mirrored."""
    rest = linear / scale[None, :]
    left, stretch, right = np.linalg.svd(rest)
    ratio = float(np.exp(np.abs(np.log(np.maximum(stretch, 1e-6))).max()))
    rotation = left @ right
    turn = abs(math.degrees(math.atan2(rotation[1, 0], rotation[0, 0])))
    return ratio, turn, bool(np.linalg.det(rest) <= 0)


# The published results reach 0.53 to 0.62 on their best known pair, a perfect answer 0.6 to 0.9.
GOOD_MOTION, WEAK_MOTION = 0.6, 0.4
# The subject's own frames, apart in time, reach about 0.85; a driver drawn in its own build falls to 0.65.
GOOD_SHAPE, WEAK_SHAPE = 0.75, 0.65
# Distance of a pose to the subject's nearest one, over that between the subject's own. A pose halfway between two known
# ones is at one; G was taught no more than the augmentation's few percent around them.
GOOD_FAR, WEAK_FAR = 3.0, 6.0
NEIGHBOURS = 2  # frames; those are alike in every clip and say nothing of how closely poses are sampled
# Of the spread of the subject's poses: those of a motion that repeats exactly have no distance, yet cover it well.
LEAST_SPACING = 0.2
STILL = 1e-3  # normalised units, the spread of a subject in which nothing moves
_CALM = "relative"  # the alignment that stays closest to the subject's own poses


def motion(crossing: Crossing, longer: str) -> Finding:
    """Judge how well the silhouettes follow the driver."""
    severity = graded(crossing.motion, GOOD_MOTION, WEAK_MOTION)
    value, taken = crossing.motion, crossing.taken
    says = f"{_what(crossing)} follows it by {value:.2f} (0 chance, the true answer 0.6 to 0.9), affine {taken}."
    advice = f"{longer}, or give clips that show whole cycles of a motion from the side."
    return judged(f"motion {_direction(crossing)}", severity, says, _other(crossing, "motion", advice))


def shape(crossing: Crossing, longer: str) -> Finding:
    """Judge how like the subject the silhouettes are."""
    severity = graded(crossing.shape, GOOD_SHAPE, WEAK_SHAPE)
    says = f"{_what(crossing)} keeps its own shapes by {crossing.shape:.2f} (overlap with the nearest real one)."
    advice = f"the driver's build leaks through: {longer}, or give clips whose objects are built more alike."
    return judged(f"shape {_direction(crossing)}", severity, says, _other(crossing, "shape", advice))


def poses(crossing: Crossing) -> Finding:
    """Judge how far the driver's poses are from those that the subject's clip shows."""
    far = distance_ratio(crossing.poses, crossing.subject.points)
    severity = graded(far, GOOD_FAR, WEAK_FAR)
    subject, driver = crossing.subject.letter, crossing.driver.letter
    says = f"poses of {driver} are {far:.1f} times as far from those of {subject} as these are from each other."
    advice = f"{subject} never shows such poses: train with a longer clip of it that has more of its motion"
    if crossing.taken != _CALM:
        advice += f", or use smaller motion, `retarget render --look {subject.lower()} --affine {_CALM}`"
    name = f"{'known' if severity == 'good' else 'too few'} poses {_direction(crossing)}"
    return judged(name, severity, says, f"{advice}.")


def distance_ratio(poses: np.ndarray, known: np.ndarray) -> float:
    """Median distance of `poses` (N, K, 2) to the nearest of `known` (M, K, 2), over that among `known`.

    Where a pose is in the crop does not count.
    """
    own, spread = _between(known, known), float(np.median(_between(known, known.mean(axis=0, keepdims=True))))
    near = np.abs(np.subtract.outer(np.arange(len(known)), np.arange(len(known)))) <= NEIGHBOURS
    own[near] = np.inf
    nearest = own.min(axis=1)
    spacing = float(np.median(nearest[np.isfinite(nearest)])) if np.isfinite(nearest).any() else 0.0
    return float(np.median(_between(poses, known).min(axis=1))) / max(spacing, LEAST_SPACING * spread, STILL)


def _between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(N, M) root mean square distances of poses, each about its own centre."""
    one, two = (points - points.mean(axis=1, keepdims=True) for points in (first, second))
    return np.sqrt(np.square(one[:, None] - two[None]).sum(axis=-1).mean(axis=-1))


def _other(crossing: Crossing, score: str, otherwise: str) -> str:
    """Advice: an affine that does clearly better by one score, if there is one, else `otherwise`."""
    modes = (*alignment.MODES, alignment.ALIGNER)
    made = {name: values[score] for name, values in crossing.candidates.items() if name in modes}
    best = max(made, key=lambda name: made[name], default=None)
    if best is None or made[best] < getattr(crossing, score) + 0.05:
        return otherwise
    look = crossing.subject.letter.lower()
    return f"`retarget render --look {look} --affine {best}` has {score} {made[best]:.2f}, at the cost of the rest."


def _direction(crossing: Crossing) -> str:
    return f"{crossing.subject.letter} as {crossing.driver.letter}"


def _what(crossing: Crossing) -> str:
    return f"{crossing.subject.letter}, moving like {crossing.driver.letter},"
