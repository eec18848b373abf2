"""A first video, as soon as there are silhouettes: the motion is there, the look has hardly begun to be learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from retarget_cli.config import TrainConfig
from retarget_cli.media.outputs import OutputFormat
from retarget_cli.media.playback import Tempo, play
from retarget_cli.methods import get_method
from retarget_cli.methods.base import Look
from retarget_cli.pipeline import outputs
from retarget_cli.stages.clip import SourceClip, facts
from retarget_cli.stages.compose import compose
from retarget_cli.stages.fit import fit
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.stages.transfer import Drawing, transfer
from retarget_cli.stages.written import Written
from retarget_cli.store.engine import Entry
from retarget_cli.utils.hardware import device_class

FIRST = "first "  # with which the ids of these stages begin
_SUFFIX = ".mp4"
_LONGEST = 120  # frames of the driver, its first: training waits while they are drawn


def plan_first_video(
    clips: tuple[SourceClip, SourceClip],
    look: Look,
    config: TrainConfig,
    done: Mapping[str, Entry],
    folder: Path,
) -> list[Stage]:
    """Stages that draw and compose a look with what the first phase learned; none where they would hardly be earlier.

    done: the results about both clips, by stage id; folder: of the pair's results, which gets the video at once.
    """
    method = get_method(config.method)
    sketched = method.sketch(config.method_config)
    if sketched is None or device_class(config.device) != "cpu":  # elsewhere, training is over before one has looked
        return []
    quick = replace(config, method_config=sketched)
    phases = method.phases(sketched)
    begun = {phase: FIRST + phase for phase in phases[1:]}
    subject, driver = clips if look == "a" else clips[::-1]
    timing = facts(done[f"ingest:{driver.name}"]).timing
    part = Tempo.parse(stop=f"{_LONGEST}f") if timing.frames > _LONGEST else Tempo()
    playing = play(part, timing, driver.path.name)
    learned = [_first(fit(quick, phase, *clips), "Beginning the look, for a first video", begun) for phase in begun]
    drawn = _first(transfer(quick, clips, Drawing(look), driver, playing), "Drawing a first video", begun)
    made = _first(
        compose(subject, driver, drawn.id, "subject", Written(OutputFormat(_SUFFIX)), playing),
        "Composing a first video",
        {},
    )
    target = folder / outputs.TRAINING / f"first-{subject.name}-as-{driver.name}{_SUFFIX}"
    owners = clips[0].digest, clips[1].digest
    return [*learned, drawn, replace(made, work=partial(_show, made, target, owners))]


def _first(stage: Stage, label: str, begun: Mapping[str, str]) -> Stage:
    """The stage under another name, so that it stands beside the usual one, on the phases in `begun`."""
    needs = {role: begun.get(name, name) for role, name in stage.needs.items()}
    return replace(stage, id=FIRST + stage.id, label=label, needs=needs)


def _show(stage: Stage, target: Path, owners: tuple[str, str], job: Job) -> None:
    stage.work(job)
    outputs.claim(target.parent.parent, owners)
    outputs.deliver(job.path / f"result{_SUFFIX}", target)
    job.notice(f"a first video, whose look is hardly learned yet: {target}")
