"""Checks of the training: how the curves of each phase end, and who won between extractor and discriminator."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from retarget_cli.findings import Finding, graded, judged

# Held-out scores by phase, with the loss that should fall as they rise, and what counts as a change of the score.
SCORES = {"geometry": ("iou", "silhouette", 0.015), "texture": ("psnr", "colour_a", 0.4)}
LEARNED = {"iou": 0.85, "psnr": 21.0}  # held-out scores below which a training was too short, however level its curve
LATE = 0.8  # of the steps; with a rate that falls to nothing, what is still gained after it was not finished
FALL = 2.0  # changes below the best score are more than noise
APART = 6.0  # changes below it, with the loss up too: training diverged
# dB on the object. Published and trial results lie at 23 to 25; under 20 a face is a smear.
GOOD_PICTURE, WEAK_PICTURE = 22.0, 19.0


def picture(numbers: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """Compare the generated object with held-out frames; nothing when that was not measured."""
    scores = numbers.get("texture", {}).get("held_out", {})
    values = [scores[name] for name in ("psnr_a", "psnr_b") if name in scores]
    if not values:
        return []
    severity = graded(min(values), GOOD_PICTURE, WEAK_PICTURE)
    says = f"the generated object matches held-out frames with {' and '.join(f'{v:.1f}' for v in values)} dB (A and B)."
    advice = f"train the texture longer, {twice('texture', numbers['texture'])}."
    return [judged("picture", severity, says, advice)]


def steps_setting(phase: str, facts: Mapping[str, Any]) -> str:
    """The setting that said how long a phase was trained."""
    return f"{phase}.base_steps" if facts.get("begins_with_base") else f"{phase}.steps"


def twice(phase: str, facts: Mapping[str, Any]) -> str:
    """The option that trains a phase twice as long."""
    return f"`--set {steps_setting(phase, facts)}={2 * facts['steps']}`"


def ending(phase: str, facts: Mapping[str, Any]) -> list[Finding]:
    """Judge how the curves of a phase end; nothing when they are too short to say, or it is not in SCORES."""
    if phase not in SCORES:
        return []
    kind, loss, change = SCORES[phase]
    curve = _mean_curve(facts["held_out_history"], kind)
    if len(curve) < 5:
        return []
    (best_step, best), (last_step, last) = max(curve, key=lambda point: point[1]), curve[-1]
    late = next(value for step, value in curve if step >= LATE * last_step)
    unit = " dB" if kind == "psnr" else ""
    rose = _loss_at(facts["history"], loss, last_step) > _loss_at(facts["history"], loss, best_step)
    if best - last > APART * change and rose:
        says = f"the held-out {kind} fell from {best:.2f} to {last:.2f}{unit} and the loss rose."
        advice = f"another `--seed 1`, or `--set {phase}.learning_rate=1e-3`."
        return [Finding(f"{phase} diverged", "bad", says, advice)]
    if best - last > FALL * change and not rose:
        says = f"the held-out {kind} was best at step {best_step}, {best:.2f}{unit}, and fell to {last:.2f}{unit}."
        earlier = f"`--set {steps_setting(phase, facts)}={best_step}`"
        advice = f"it only memorises the clips: stop earlier, {earlier}, or use longer clips."
        return [Finding(f"{phase} overfits", "weak", says, advice)]
    if last - late > change:
        says = f"the held-out {kind} was still rising at the end, by {last - late:.2f}{unit} over the last fifth."
        advice = f"train longer: {twice(phase, facts)}."
        return [Finding(f"{phase} unfinished", "weak", says, advice)]
    says = f"the held-out {kind} had levelled off at {last:.2f}{unit} when training ended."
    if last < LEARNED[kind]:
        # The rate falls to nothing at the end of every training, however short: a level curve alone proves nothing.
        advice = f"train longer: {twice(phase, facts)}."
        return [Finding(f"{phase} too short", "weak", f"{says} That is little, after {facts['steps']} steps.", advice)]
    return [Finding(f"{phase} converged", "good", says)]


def _mean_curve(entries: Sequence[Mapping[str, float]], kind: str) -> list[tuple[int, float]]:
    """Step and mean over the clips of a held-out score."""
    names = (f"{kind}_a", f"{kind}_b")
    return [
        (int(entry["step"]), sum(entry[name] for name in names) / 2)
        for entry in entries
        if all(name in entry for name in names)
    ]


def _loss_at(history: Sequence[Mapping[str, float]], name: str, step: int) -> float:
    """The loss of the entry nearest to a step; 0 where it is not recorded."""
    entries = [entry for entry in history if name in entry]
    return min(entries, key=lambda entry: abs(entry["step"] - step))[name] if entries else 0.0


# D's loss, as a share of that of guessing (2 ln 2 for both clips). At 0.4 it is right nine times in ten.
GUESSING = 2 * math.log(2)
GOOD_GUESS, WEAK_GUESS = 0.7, 0.4


def discriminator(history: Sequence[Mapping[str, float]]) -> list[Finding]:
    """Judge how well D told the clips apart in the last tenth of the steps; nothing when no D was trained.

    history: losses by step; ``discriminator`` is D's cross-entropy summed over both clips.
    """
    last = [entry for entry in history if entry["step"] > 0.9 * history[-1]["step"]]
    if not last or "discriminator" not in last[-1]:
        return []
    loss = float(np.mean([entry["discriminator"] for entry in last]))
    severity = graded(loss / GUESSING, GOOD_GUESS, WEAK_GUESS)
    says = f"the discriminator, which tells the clips apart by their keypoints, ended at a loss of {loss:.2f}"
    says += f" (random guessing: {GUESSING:.2f})"
    if severity == "good":
        return [Finding("domain confusion", severity, f"{says}: keypoints look alike in both clips.")]
    if "confusion" in last[-1]:
        says += f", the confusion loss at {np.mean([entry['confusion'] for entry in last]):.2f}"
    advice = "raise the weight of the confusion loss, `--set geometry.confusion=1`, or try another `--seed 1`."
    name = "discriminator won" if severity == "bad" else "discriminator ahead"
    return [Finding(name, severity, f"{says}: keypoints mean different things in the two clips.", advice)]
