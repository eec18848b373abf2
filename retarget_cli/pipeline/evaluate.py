"""`retarget evaluate`: draw both looks of a trained pair and score them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from retarget_cli.events import Reporter, silent
from retarget_cli.media.playback import Tempo
from retarget_cli.methods import get_method
from retarget_cli.methods.base import BOTH, Look
from retarget_cli.pipeline.direction import pair_direction
from retarget_cli.pipeline.options import Affine
from retarget_cli.pipeline.report import write_report
from retarget_cli.pipeline.runs import TrainedRun, add_results, find_run
from retarget_cli.stages.fit import held_out
from retarget_cli.stages.schedule import run
from retarget_cli.stages.score import Truth, score, scores, truth_score
from retarget_cli.stages.stage import Stage, Stop, Tools, never
from retarget_cli.stages.transfer import Drawing, transfer
from retarget_cli.store.engine import Store


@dataclass(frozen=True)
class Scores:
    """Scores of one look. None for what could not be measured.

    motion: it follows the driver's; 0 is chance, the true answer has 0.6 to 0.9
    shape: it keeps the subject's, 0 to 1
    appearance: distance from the subject's texture at the size of the crops; two halves of one clip have 2 to 5
    appearance_native: the same at the size at which the result is delivered
    jitter: trembling over the driver's
    affine: the mode it was drawn with
    """

    motion: float | None
    shape: float | None
    appearance: float | None
    appearance_native: float | None
    jitter: float | None
    affine: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Scores:
        """Read them from what the scoring of a look wrote down."""
        known: dict[str, Any] = {item.name: found.get(item.name) for item in fields(cls)}
        return cls(**known)


@dataclass(frozen=True)
class EvaluateResult:
    """Scores of both looks, and on frames that were not trained on, by phase."""

    pair: str
    run_id: str
    a: Scores
    b: Scores
    held_out: Mapping[str, Mapping[str, float]]


def plan_score(
    trained: TrainedRun, look: Look, truth: Truth | None, store: Store, affine: Affine = "auto"
) -> list[Stage]:
    """Draw, and judge what was drawn: every frame of the driver, for what is between them has nothing to compare to."""
    subject, driver = trained.roles(look)
    playing = pair_direction(trained, look).playing(Tempo())
    drawing = transfer(trained.config, trained.clips, Drawing(look, affine), driver, playing)
    plan = [drawing, score(subject, driver, drawing.id)]
    if truth is not None:
        files = {"matte": truth.matte, "colour": truth.colour}
        digests = {role: store.digests.digest(path) for role, path in files.items() if path is not None}
        plan.append(truth_score(subject, driver, drawing.id, truth, digests))
    return plan


def evaluate(
    pair: tuple[Path, Path] | None,
    store: Store,
    reporter: Reporter = silent,
    stop: Stop = never,
    truth: Mapping[str, Truth] | None = None,
    run_id: str | None = None,
) -> dict[str, Any]:
    """Score both looks of a trained pair; what was not drawn yet is drawn first.

    truth: the true answers by look (``a``, ``b``), if known; scores against them are under "truth".
    run_id: an older run of the pair, None for the newest.
    Returns {"pair", "run", "a": scores, "b": scores, "held_out": scores by phase}.
    """
    trained = find_run(store, pair, run=run_id)
    truth = truth or {}
    plan = [stage for look in BOTH for stage in plan_score(trained, look, truth.get(look), store)]
    done = run(plan, Tools(store, reporter, stop), trained.entries)
    add_results(store, trained.id, {stage.id: done[stage.id] for stage in plan})
    answer: dict[str, Any] = {"pair": trained.pair, "run": trained.id}
    for look in BOTH:
        name = trained.direction(look)
        answer[look] = scores(done[f"score:{name}"])
        if look in truth:
            answer[look]["truth"] = scores(done[f"truth:{name}"])
    phases = get_method(trained.config.method).phases(trained.config.method_config)
    answer["held_out"] = {phase: held_out(trained.entries[phase]) for phase in phases}
    if run_id is None:  # pictures and videos in the folder are those of the newest run
        write_report(store, trained.id, reporter)
    return answer
