"""Was training long enough, too long, or did it come apart? Read from the curves of both phases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from retarget_cli.findings import Finding, graded, judged

# Held-out scores by phase, with the loss that should fall as they rise, and what counts as a change of the score.
SCORES = {"geometry": ("iou", "silhouette", 0.015), "texture": ("psnr", "colour_a", 0.4)}
LATE = 0.8  # of the steps; with a rate that falls to nothing, what is still gained after it was not finished
FALL = 2.0  # changes below the best score are more than noise
APART = 6.0  # changes below it, with the loss up too: training came apart
# dB on the object. Published and trial results lie at 23 to 25; under 20 a face is a smear.
GOOD_PICTURE, WEAK_PICTURE = 22.0, 19.0


def findings(numbers: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """How the training of every phase ended, and how good the painted picture is. numbers: the phases' ``fit.json``."""
    found = [ending(phase, facts) for phase, facts in numbers.items() if phase in SCORES]
    return [*[finding for finding in found if finding is not None], *picture(numbers)]


def picture(numbers: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """The painted object against held-out frames; nothing when that was not measured."""
    scores = numbers.get("texture", {}).get("held_out", {})
    values = [scores[name] for name in ("psnr_a", "psnr_b") if name in scores]
    if not values:
        return []
    severity = graded(min(values), GOOD_PICTURE, WEAK_PICTURE)
    says = f"the painted object matches held-out frames with {' and '.join(f'{v:.1f}' for v in values)} dB (A and B)."
    advice = f"train the painters longer, `--set texture.steps={2 * numbers['texture']['steps']}`."
    return [judged("picture", severity, says, advice)]


def ending(phase: str, facts: Mapping[str, Any]) -> Finding | None:
    """What the phase's curves end with; None when they are too short to say."""
    kind, loss, change = SCORES[phase]
    curve = _mean_curve(facts["held_out_history"], kind)
    if len(curve) < 5:
        return None
    (best_step, best), (last_step, last) = max(curve, key=lambda point: point[1]), curve[-1]
    late = next(value for step, value in curve if step >= LATE * last_step)
    unit = " dB" if kind == "psnr" else ""
    longer = f"`--set {phase}.steps={2 * facts['steps']}`"
    rose = _loss_at(facts["history"], loss, last_step) > _loss_at(facts["history"], loss, best_step)
    if best - last > APART * change and rose:
        says = f"the held-out {kind} fell from {best:.2f} to {last:.2f}{unit} and the loss rose."
        return Finding(
            f"{phase} came apart", "bad", says, f"another `--seed 1`, or `--set {phase}.learning_rate=1e-3`."
        )
    if best - last > FALL * change and not rose:
        says = f"the held-out {kind} was best at step {best_step}, {best:.2f}{unit}, and fell to {last:.2f}{unit}."
        advice = (
            f"the clips are learned by heart: stop earlier, `--set {phase}.steps={best_step}`, or use longer clips."
        )
        return Finding(f"{phase} overfits", "weak", says, advice)
    if last - late > change:
        says = f"the held-out {kind} was still rising at the end, by {last - late:.2f}{unit} over the last fifth."
        return Finding(f"{phase} unfinished", "weak", says, f"train longer: {longer}.")
    says = f"the held-out {kind} had levelled off at {last:.2f}{unit} when training ended."
    return Finding(f"{phase} settled", "good", says)


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
