"""The training loop: every phase of every method runs through :func:`fit`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from retarget_cli.errors import EnvironmentProblem, Interrupted
from retarget_cli.events import Metric, Notice, Progress, Reporter
from retarget_cli.training import checkpoint
from retarget_cli.training.device import on_device
from retarget_cli.training.engine import Engine
from retarget_cli.training.phase import Phase, PreviewRow
from retarget_cli.training.precision import arithmetic, without_trials
from retarget_cli.utils.atomic import crash_point

METRICS_EVERY = 25  # steps; losses are summed on the device and read this often
SAVE_EVERY = 20.0  # seconds; what a kill can cost
HELD_OUT_TIMES = 10  # through a phase; each costs less than a step
PREVIEWS = 5  # through a phase

Show = Callable[[int, Sequence[PreviewRow]], None]


def fit(
    phase: Phase,
    *,
    work: Path,
    out: Path,
    digest: str,
    stage: str,
    reporter: Reporter,
    stop: Callable[[], bool],
    show: Show | None = None,
    shown: Callable[[], None] = lambda: None,
    engine: str = "auto",
) -> None:
    """Train `phase` to its end, going on from the newest checkpoint in `work`.

    work: the folder of its checkpoints.
    out: gets ``state.safetensors`` (the modules) and ``fit.json`` (losses and held-out scores through time).
    digest: what the checkpoints must belong to.
    stage, reporter: whom the events are of, and who is told.
    stop: turns true when the user has enough.
    show: gets a step and the phase's preview, now and then and at the end, again when a step is repeated after a kill.
    shown: waits until all that was given to `show` is on the disk: a checkpoint is saved only then.
    engine: ``eager`` does without a CUDA graph where one could be had.
    Raises Interrupted after saving when `stop()` turns true, and EnvironmentProblem when the losses are no longer
    numbers.
    """
    with arithmetic(phase.precision), on_device(phase.generator.device):
        # Go on from the newest checkpoint.
        trainer = Engine(phase, engine, lambda message: reporter(Notice(message)))
        record = checkpoint.restore(trainer, work, digest)
        saved = time.monotonic()
        for message in phase.notices:
            reporter(Notice(message))
        reporter(Progress(stage, record.step, phase.steps, "steps"))
        while record.step < phase.steps:
            # One step.
            phase.before_step(record.step)
            trainer.step(record.step / phase.steps)
            record.step += 1
            crash_point("train-step")
            # Losses, held-out scores and previews, each at its own steps.
            _read_losses(trainer, record, stage, reporter)
            if record.step < phase.steps:
                _score_and_show(phase, record, stage, reporter, show)
            # A checkpoint, at times and before stopping.
            stopped = stop() and record.step < phase.steps
            if stopped or time.monotonic() - saved > SAVE_EVERY:
                shown()
                checkpoint.save(trainer, work, digest, record)
                saved = time.monotonic()
                crash_point("train-saved")
            if stopped:
                raise Interrupted(
                    f"stopped after {record.step} of {phase.steps} steps of {stage}; the state is saved",
                    fix="Run the same command again to go on from there.",
                    signal=getattr(stop, "signal", None) or 2,
                )
        # The result.
        phase.finish()
        _score_and_show(phase, record, stage, reporter, show)
        checkpoint.write_result(phase, out, record.step, record.held_out, record.history)


def _read_losses(trainer: Engine, record: checkpoint.Record, stage: str, reporter: Reporter) -> None:
    steps = trainer.phase.steps
    if record.step % METRICS_EVERY == 0 or record.step == steps:
        means = trainer.meter.read()
        if not all(math.isfinite(value) for value in means.values()):
            raise EnvironmentProblem(
                f"training diverged in {stage}: a loss is not a number",
                fix="Train with --precision fp32 or with another --seed; if it stays so, please report the pair.",
            )
        record.history.append({"step": record.step, **means})
        reporter(Metric(stage, record.step, means))
    reporter(Progress(stage, record.step, steps, "steps"))


def _score_and_show(phase: Phase, record: checkpoint.Record, stage: str, reporter: Reporter, show: Show | None) -> None:
    """Judge and show what the phase can do by now, if this step is one at which to do so."""
    if _due(record.step, phase.steps, HELD_OUT_TIMES):
        with without_trials():
            scores = phase.held_out()
        record.held_out.append({"step": record.step, **scores})
        reporter(Metric(stage, record.step, scores, held_out=True))
    if show is not None and _due(record.step, phase.steps, PREVIEWS):
        with without_trials():
            rows = phase.preview()
        if rows:
            show(record.step, rows)


def _due(step: int, steps: int, times: int) -> bool:
    """True when `step` ends one of `times` equal parts of `steps`; the last step does."""
    return step == steps or step * times // steps > (step - 1) * times // steps
