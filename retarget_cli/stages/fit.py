"""Stage 4: train one phase of the method. A stage each, so that changing a late phase keeps the early ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from retarget_cli.config import TrainConfig
from retarget_cli.hardware import device_class
from retarget_cli.methods import get_method
from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.engine import Entry

if TYPE_CHECKING:
    from retarget_cli.train.phase import Phase

VERSION = 1


def fit(config: TrainConfig, phase: str, a: SourceClip, b: SourceClip) -> Stage:
    """The stage that trains `phase` on both clips. It writes ``state.safetensors`` and ``fit.json``."""
    method = get_method(config.method)
    earlier = method.phase_names[: method.phase_names.index(phase)]
    return Stage(
        id=phase,
        name=phase,
        version=VERSION,
        label=f"Training {phase}",
        work=lambda job: _work(job, config, phase),
        params={
            "method": method.name,
            "method_version": method.version,
            "config": method.phase_config(config.method_config, phase),
            "seed": config.seed,
            "device": device_class(config.device),
            "precision": config.precision,
        },
        needs={"a": f"crop:{a.name}", "b": f"crop:{b.name}", **{name: name for name in earlier}},
    )


def held_out(entry: Entry) -> dict[str, float]:
    """Scores of a trained phase on frames that it was not trained on."""
    data: dict[str, float] = json.loads(entry.file("fit.json").read_text(encoding="utf-8"))["held_out"]
    return data


def states(job: Job, config: TrainConfig) -> Mapping[str, Path]:
    """Folders of the phases that a job needs, by phase."""
    return {name: job.entries[name].path for name in get_method(config.method).phase_names if name in job.entries}


def built_phase(job: Job, config: TrainConfig, phase: str) -> Phase:
    """The phase on the clips and earlier results of a job, ready to train."""
    from retarget_cli.train.clips import ClipArray
    from retarget_cli.train.device import pick_device
    from retarget_cli.train.precision import uses_bf16

    device = pick_device(config.device)
    clips = ClipArray.open(job.entries["a"].file("clip.npy")), ClipArray.open(job.entries["b"].file("clip.npy"))
    method = get_method(config.method)
    built = method.build_phase(phase, config.method_config, clips, states(job, config), device, config.seed)
    built.bf16 = uses_bf16(device, config.precision)
    return built


def _work(job: Job, config: TrainConfig, phase: str) -> None:
    from retarget_cli.train.loop import fit as train

    train(
        built_phase(job, config, phase),
        work=job.tools.store.work(job.stage.name, job.key),
        out=job.path,
        digest=job.key,
        stage=job.stage.id,
        reporter=job.tools.reporter,
        stop=job.tools.stop,
    )
