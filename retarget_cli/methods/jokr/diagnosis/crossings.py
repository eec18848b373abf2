"""What comes out when one clip's look performs the other's motion."""

from __future__ import annotations

import numpy as np

from retarget_cli.findings import Finding, graded, judged
from retarget_cli.methods.jokr import alignment
from retarget_cli.methods.jokr.diagnosis.evidence import Crossing

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


def findings(crossing: Crossing, longer: str) -> list[Finding]:
    """Motion, shape, and whether the subject knows such poses. longer: how to train longer, said as advice."""
    return [motion(crossing, longer), shape(crossing, longer), poses(crossing)]


def motion(crossing: Crossing, longer: str) -> Finding:
    """How well the silhouettes follow the driver."""
    severity = graded(crossing.motion, GOOD_MOTION, WEAK_MOTION)
    value, taken = crossing.motion, crossing.taken
    says = f"{_what(crossing)} follows it by {value:.2f} (0 chance, 0.6 to 0.9 perfect), affine {taken}."
    advice = f"{longer}, or give clips that show whole cycles of a motion from the side."
    return judged(f"motion {_way(crossing)}", severity, says, _other(crossing, "motion", advice))


def shape(crossing: Crossing, longer: str) -> Finding:
    """How like the subject the silhouettes are."""
    severity = graded(crossing.shape, GOOD_SHAPE, WEAK_SHAPE)
    says = f"{_what(crossing)} keeps its own shapes by {crossing.shape:.2f} (overlap with the nearest real one)."
    advice = f"the driver's build leaks through: {longer}, or give clips whose objects are built more alike."
    return judged(f"shape {_way(crossing)}", severity, says, _other(crossing, "shape", advice))


def poses(crossing: Crossing) -> Finding:
    """How far the driver's poses are from those that the subject's clip shows."""
    far = distance_ratio(crossing.poses, crossing.subject.points)
    severity = graded(far, GOOD_FAR, WEAK_FAR)
    subject, driver = crossing.subject.letter, crossing.driver.letter
    says = f"poses of {driver} are {far:.1f} times as far from those of {subject} as these are from each other."
    advice = f"{subject} never shows such poses: train with a longer clip of it that has more of its motion"
    if crossing.taken != _CALM:
        advice += f", or calm them, `retarget render --look {subject.lower()} --affine {_CALM}`"
    name = f"{'known' if severity == 'good' else 'too few'} poses {_way(crossing)}"
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
    """Another affine that does clearly better by one score, if there is one."""
    made = {name: values[score] for name, values in crossing.candidates.items() if name in alignment.MODES}
    best = max(made, key=lambda name: made[name], default=None)
    if best is None or made[best] < getattr(crossing, score) + 0.05:
        return otherwise
    look = crossing.subject.letter.lower()
    return f"`retarget render --look {look} --affine {best}` has {score} {made[best]:.2f}, at the cost of the rest."


def _way(crossing: Crossing) -> str:
    return f"{crossing.subject.letter} as {crossing.driver.letter}"


def _what(crossing: Crossing) -> str:
    return f"{crossing.subject.letter}, moving like {crossing.driver.letter},"
