"""Does G draw the silhouettes of frames that it was not trained on, thin parts too?"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from retarget_cli.findings import Finding, graded, judged
from retarget_cli.methods.jokr.diagnosis.evidence import Side
from retarget_cli.metrics.image import iou

# Pairs that transfer well reach 0.92 to 0.95; under 0.8 even the trunk is off.
GOOD_OVERLAP, WEAK_OVERLAP = 0.9, 0.8
# Legs of a pixel or two lose their rim at the working size, so a perfect answer keeps some 0.9 of them.
GOOD_THIN, WEAK_THIN = 0.75, 0.5
# Of the silhouette's side: a walking animal fills the crop, and its legs are up to a tenth of it wide.
THIN_WIDTH = 0.11
# Below this share of the object's area there are no limbs to speak of, only rounded corners.
LEAST_THIN = 0.03


def findings(sides: Sequence[Side], longer: str) -> list[Finding]:
    """The overlap with the true silhouettes, and how much of their thin parts is drawn. longer: how to train longer."""
    return [overlap(sides, longer), *thin_parts(sides, longer)]


def overlap(sides: Sequence[Side], longer: str) -> Finding:
    """Mean IoU on held-out frames; the worse clip decides."""
    values = [float(np.mean([iou(*pair) for pair in zip(s.held_drawn, s.held_mattes, strict=True)])) for s in sides]
    severity = graded(min(values), GOOD_OVERLAP, WEAK_OVERLAP)
    says = f"silhouettes drawn of held-out frames overlap the true ones by {values[0]:.2f} (A) and {values[1]:.2f} (B)."
    advice = f"{longer}; if it stays so, look at crops.png: mattes that jump cannot be learned."
    return judged("silhouettes", severity, says, advice)


def thin_parts(sides: Sequence[Side], longer: str) -> list[Finding]:
    """The share of thin parts that is drawn, one finding for both clips; none when neither has any."""
    shares = {side.letter: thin_recall(side.held_mattes, side.held_drawn) for side in sides}
    known = {letter: share for letter, share in shares.items() if share is not None}
    if not known:
        return []
    severity = graded(min(known.values()), GOOD_THIN, WEAK_THIN)
    listed = " and ".join(f"{share:.0%} ({letter})" for letter, share in known.items())
    says = f"of thin parts such as legs, {listed} are drawn on held-out frames."
    advice = (
        f"they blur while no keypoint follows them: {longer}, or let points move more, `--set geometry.temporal=1`."
    )
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
