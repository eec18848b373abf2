"""Stage 4: train one phase of the method. A stage each, so that changing a late phase keeps the early ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retarget_cli.config import TrainConfig
from retarget_cli.events import Preview
from retarget_cli.hardware import device_class
from retarget_cli.media.stills import write_png
from retarget_cli.methods import get_method
from retarget_cli.sampling import evenly
from retarget_cli.stages.smaller_batch import train_within_memory
from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.stages.start import Start, begin
from retarget_cli.store.engine import Entry
from retarget_cli.viz.sheet import contact_sheet, dotted

if TYPE_CHECKING:
    from retarget_cli.train.phase import Phase, PreviewRow

VERSION = 3
_PREVIEWS = "previews"
_COLUMNS, _CELL = 8, 128  # of a preview, frames and pixels
_FACTS = "fit.json"


def fit(config: TrainConfig, phase: str, a: SourceClip, b: SourceClip, start: Start | None = None) -> Stage:
    """The stage that trains `phase` on both clips. It writes ``state.safetensors``, ``fit.json`` and ``previews/``.

    start: the run whose networks the phase begins with, where the method allows it and the run has them; None for
    fresh ones.
    The pictures in ``previews/`` are named by their steps; a Preview event tells of each as soon as it is written.
    """
    method = get_method(config.method)
    phases = method.phases(config.method_config)
    earlier = phases[: phases.index(phase)]
    kind, _ = crop_of(config, phase)
    if not method.startable(config.method_config, phase).modules or (start and phase not in start.results):
        start = None
    return Stage(
        id=phase,
        name=phase,
        version=VERSION,
        label=f"Training {phase}",
        work=lambda job: _work(job, config, phase, start),
        params={
            "method": method.name,
            "method_version": method.version,
            "config": method.phase_config(config.method_config, phase),
            "seed": config.seed,
            "device": device_class(config.device),
            "precision": config.precision,
        },
        digests={} if start is None else {"start": start.results[phase]["digest"]},
        needs={"a": f"{kind}:{a.name}", "b": f"{kind}:{b.name}", **{name: name for name in earlier}},
    )


def crop_of(config: TrainConfig, phase: str) -> tuple[str, int]:
    """Name and size of the crops that `phase` trains on: ``crop``, or ``crop512`` for a size that it alone wants."""
    size = get_method(config.method).crop_size(config.method_config, phase) or config.crop.size
    return ("crop" if size == config.crop.size else f"crop{size}"), size


def held_out(entry: Entry) -> dict[str, float]:
    """Scores of a trained phase on frames that it was not trained on."""
    data: dict[str, float] = curves(entry)["held_out"]
    return data


def curves(entry: Entry) -> dict[str, Any]:
    """A trained phase in numbers: ``steps``, ``history`` (losses) and ``held_out_history`` by step, ``held_out``.

    ``batch`` is the one that fitted into the memory, None for a phase that has none.
    """
    data: dict[str, Any] = json.loads(entry.file(_FACTS).read_text(encoding="utf-8"))
    return data


def previews(folder: Path) -> list[Path]:
    """The previews in an entry's folder or in that of a training at work, the earliest first."""
    return sorted(path for path in (folder / _PREVIEWS).glob("*.png") if path.stem.isdigit())


def states(job: Job, config: TrainConfig) -> Mapping[str, Path]:
    """Folders of the phases that a job needs, by phase."""
    return {name: job.entries[name].path for name in get_method(config.method).phase_names if name in job.entries}


def built_phase(job: Job, config: TrainConfig, phase: str) -> Phase:
    """The phase on the clips and earlier results of a job, ready to train."""
    from retarget_cli.train.clips import ClipArray
    from retarget_cli.train.device import pick_device
    from retarget_cli.train.precision import pick_precision

    device = pick_device(config.device, config.max_memory)
    clips = ClipArray.open(job.entries["a"].file("clip.npy")), ClipArray.open(job.entries["b"].file("clip.npy"))
    method = get_method(config.method)
    built = method.build_phase(phase, config.method_config, clips, states(job, config), device, config.seed)
    built.precision = pick_precision(device, config.precision)
    return built


def _work(job: Job, config: TrainConfig, phase: str, start: Start | None) -> None:
    from retarget_cli.train.loop import fit as train

    work = job.tools.store.work(job.stage.name, job.key)
    trained = None if start is None else start.folder(job.tools.store, phase)
    if start is not None:
        job.notice(f"{phase} begins with the networks of run {start.run}")

    def attempt(config: TrainConfig) -> None:
        built = built_phase(job, config, phase)
        if start is not None and trained is not None:
            begin(built, start, trained)
        train(
            built,
            work=work,
            out=job.path,
            digest=job.key,
            stage=job.stage.id,
            reporter=job.tools.reporter,
            stop=job.tools.stop,
            show=lambda step, rows: _show(job, work, step, rows),
        )

    batch = train_within_memory(config, phase, work, job.tools.reporter, attempt)
    facts = json.loads((job.path / _FACTS).read_text(encoding="utf-8"))
    (job.path / _FACTS).write_text(json.dumps({"batch": batch, **facts}, indent=1), encoding="utf-8")
    (job.path / _PREVIEWS).mkdir()
    for path in previews(work):
        shutil.copyfile(path, job.path / _PREVIEWS / path.name)


def _show(job: Job, work: Path, step: int, rows: Sequence[PreviewRow]) -> None:
    sheet = contact_sheet({row.label: _pictures(row) for row in rows}, columns=_COLUMNS, cell=_CELL)
    path = work / _PREVIEWS / f"{step:05d}.png"
    write_png(path, sheet)
    job.tools.reporter(Preview(job.stage.id, step, path))


def _pictures(row: PreviewRow) -> list[np.ndarray]:
    chosen = evenly(len(row.frames), _COLUMNS)
    if row.keypoints is None:
        return list(row.frames[chosen])
    return dotted(row.frames[chosen], row.keypoints[chosen], _CELL)
