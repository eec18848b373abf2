"""Do both clips' keypoints live in one space, and is T a sensible way from one to the other?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from retarget_cli.findings import Finding, graded, judged
from retarget_cli.methods.jokr.diagnosis.evidence import Side
from retarget_cli.methods.jokr.geometry import mean_box

# D's loss, as a share of that of guessing (2 ln 2 for both clips). At 0.4 it is right nine times in ten.
GUESSING = 2 * math.log(2)
GOOD_GUESS, WEAK_GUESS = 0.7, 0.4
# Distance of the mean poses after T, in sizes of the body. A quarter of it is a long against a short leg.
GOOD_GAP, WEAK_GAP = 0.25, 0.5
# How many times larger or smaller, in either direction, T makes things than the objects' boxes say.
GOOD_RATIO, WEAK_RATIO = 1.5, 2.5
# Degrees. Clips seen from the same side need next to none.
GOOD_TURN, WEAK_TURN = 15.0, 40.0

_INSTEAD = "`retarget render --affine moments` and `--affine relative` do without T; train again with `--seed 1`."


def findings(sides: Sequence[Side], learned: np.ndarray, geometry: Mapping[str, Any]) -> list[Finding]:
    """T, the distance of the mean poses after it, and who won between E and D where there is a D.

    learned: T, (2, 3), from B to A; geometry: the numbers of its phase.
    """
    return [affine(sides, learned), gap(sides, learned), *discriminator(geometry["history"])]


def discriminator(history: Sequence[Mapping[str, float]]) -> list[Finding]:
    """How well D told the clips apart in the last tenth of the steps; nothing when no D was trained.

    history: losses by step; ``discriminator`` is D's cross-entropy summed over both clips.
    """
    last = [entry for entry in history if entry["step"] > 0.9 * history[-1]["step"]]
    if not last or "discriminator" not in last[-1]:
        return []
    loss = float(np.mean([entry["discriminator"] for entry in last]))
    severity = graded(loss / GUESSING, GOOD_GUESS, WEAK_GUESS)
    says = f"D, which guesses whose keypoints it sees, ends at a loss of {loss:.2f}; blind guessing is {GUESSING:.2f}"
    if severity == "good":
        return [Finding("one language", severity, f"{says}: the clips' keypoints speak one language.")]
    if "confusion" in last[-1]:
        says += f", and E's loss against it ended at {np.mean([entry['confusion'] for entry in last]):.2f}"
    advice = "strengthen E against it, `--set geometry.confusion=1`, or begin elsewhere, `--seed 1`."
    name = "D won" if severity == "bad" else "D ahead"
    return [Finding(name, severity, f"{says}: each clip has keypoints of its own.", advice)]


def gap(sides: Sequence[Side], learned: np.ndarray) -> Finding:
    """The distance between A's mean pose and B's after T."""
    mean_a, mean_b = (side.points.mean(axis=0) for side in sides)
    moved = mean_b @ learned[:, :2].T + learned[:, 2]
    body = float(np.linalg.norm(mean_a - mean_a.mean(axis=0), axis=1).mean()) or 1.0
    distance = float(np.linalg.norm(mean_a - moved, axis=1).mean()) / body
    severity = graded(distance, GOOD_GAP, WEAK_GAP)
    says = f"after T a keypoint is, on average, {distance:.2f} body sizes from where the other clip has it."
    return judged("one space" if severity == "good" else "two spaces", severity, says, _INSTEAD)


def affine(sides: Sequence[Side], learned: np.ndarray) -> Finding:
    """T against the map that brings the mean box of B onto that of A."""
    boxes = [mean_box(torch.from_numpy(side.mattes))[1].numpy() for side in sides]
    ratio, turn, flipped = against_boxes(learned[:, :2], boxes[0] / boxes[1])
    order = ("good", "weak", "bad")
    severity = max(graded(ratio, GOOD_RATIO, WEAK_RATIO), graded(turn, GOOD_TURN, WEAK_TURN), key=order.index)
    says = f"T is {ratio:.1f} times off the ratio of the objects' boxes and turns by {turn:.0f} degrees"
    if flipped:
        return Finding("T degenerate", "bad", f"{says}, and it turns the pose inside out.", _INSTEAD)
    if severity == "good":
        return Finding("T", severity, f"{says}: a sensible map.")
    return Finding("T degenerate", severity, f"{says}.", _INSTEAD)


def against_boxes(linear: np.ndarray, scale: np.ndarray) -> tuple[float, float, bool]:
    """How far a (2, 2) map is from scaling by `scale` (2,): the larger ratio along any direction, degrees, mirrored."""
    rest = linear / scale[None, :]
    left, stretch, right = np.linalg.svd(rest)
    ratio = float(np.exp(np.abs(np.log(np.maximum(stretch, 1e-6))).max()))
    rotation = left @ right
    turn = abs(math.degrees(math.atan2(rotation[1, 0], rotation[0, 0])))
    return ratio, turn, bool(np.linalg.det(rest) <= 0)
