"""The recipe of training, top to bottom, and one place to find what the other commands call."""

from __future__ import annotations

from dataclasses import replace

from retarget_cli import results
from retarget_cli.config import TrainConfig
from retarget_cli.delivery import deliver_training, showing
from retarget_cli.evaluation import evaluate
from retarget_cli.events import Reporter, silent
from retarget_cli.hardware import device_class
from retarget_cli.mattes import preview, segment
from retarget_cli.methods import get_method
from retarget_cli.records import find_start, save_run
from retarget_cli.rendering import render
from retarget_cli.reporting import make_report, write_report
from retarget_cli.requests import (
    ClipInput,
    PreviewResult,
    Rendered,
    RenderOptions,
    RenderResult,
    SegmentResult,
    TrainResult,
    Truth,
)
from retarget_cli.sources import open_pair, plan_clip
from retarget_cli.stages.adopt import Foreign, adopt
from retarget_cli.stages.curves import curves
from retarget_cli.stages.fit import crop_of, fit, held_out
from retarget_cli.stages.plan import Stop, never, run
from retarget_cli.stages.sheet import sheet
from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Stage, Tools
from retarget_cli.stages.start import Start
from retarget_cli.stages.verdict import findings, verdict
from retarget_cli.store.engine import Store

__all__ = [
    "ClipInput", "PreviewResult", "RenderOptions", "RenderResult", "Rendered", "SegmentResult", "TrainResult", "Truth",
    "evaluate", "make_report", "preview", "render", "run", "segment", "train",
]  # fmt: skip

Pair = tuple[SourceClip, SourceClip]


def plan_train(
    clips: Pair, config: TrainConfig, store: Store, foreign: Foreign | None = None, start: Start | None = None
) -> list[Stage]:
    """Find the object in both clips, crop it, train the method's phases, say how that went.

    Phases that `foreign` holds are taken over; a pair that came trained is not judged. The others begin with `start`.
    """
    phases = get_method(config.method).phases(config.method_config)
    crops = {"crop": config.crop.size, **dict(crop_of(config, phase) for phase in phases)}
    plan = [stage for clip in clips for stage in plan_clip(clip, config, store, crops)]
    plan.append(sheet(*clips))
    for phase in phases:
        if foreign is not None and phase in foreign.states:
            plan.append(adopt(config, phase, *clips, foreign))
        else:
            plan.append(fit(config, phase, *clips, start))
    plan.append(curves(phases))
    # A verdict is about what to try in training, and takes long where networks that came trained are large.
    return plan if foreign else [*plan, verdict(config, *clips)]


def train(
    a: ClipInput,
    b: ClipInput,
    config: TrainConfig,
    store: Store,
    reporter: Reporter = silent,
    stop: Stop = never,
    foreign: Foreign | None = None,
) -> TrainResult:
    """Train a pair, or find it trained. Previews of the mattes and of the training and a report go to the
    pair's folder.

    foreign: networks that another program trained; phases it lacks are trained.
    Raises UsageError when both clips are the same or the run to start from does not fit, InputError for clips that
    cannot be used, EnvironmentProblem when the device or disk space is missing, and Interrupted when `stop` turned
    true; what was finished is kept.
    """
    device_class(config.device)
    start = find_start(store, config)
    if start is not None:
        config = replace(config, start=start.run)
    clips = open_pair(a, b, store)
    pair = results.pair_name((clips[0].name, clips[1].name))
    folder = results.RESULTS / pair
    done = run(plan_train(clips, config, store, foreign, start), Tools(store, showing(reporter, folder), stop))
    phases = get_method(config.method).phases(config.method_config)
    deliver_training(done, (clips[0].name, clips[1].name), phases, folder, reporter)
    run_id = save_run(store, pair, clips, config, done)
    write_report(store, run_id, reporter)
    scored = {phase: held_out(done[phase]) for phase in phases}
    judged = tuple(findings(done["verdict"])) if "verdict" in done else ()
    return TrainResult(run_id, pair, folder, done, scored, judged)
