"""Stage 4: train one phase of the method, or import it; with less memory, a smaller batch. Curves of all phases."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retarget_cli.config import TrainConfig
from retarget_cli.errors import EnvironmentProblem
from retarget_cli.events import Notice, Preview, Reporter
from retarget_cli.media.images import write_png
from retarget_cli.methods import get_method
from retarget_cli.methods.base import PairContext
from retarget_cli.motion.names import point_names
from retarget_cli.stages.clip import SourceClip
from retarget_cli.stages.crop import crops_of_pair
from retarget_cli.stages.kind import KIND, known_kind, recognised
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.stages.warm_start import Start, begin
from retarget_cli.store.engine import Entry
from retarget_cli.utils.atomic import write_json_atomic
from retarget_cli.utils.fields import change_fields
from retarget_cli.utils.hardware import device_class
from retarget_cli.utils.memory import attempted
from retarget_cli.utils.sampling import evenly
from retarget_cli.utils.threads import Beside
from retarget_cli.viz.sheet import contact_sheet, dotted
from retarget_cli.weights.base import BaseFile

if TYPE_CHECKING:
    from torch import Tensor

    from retarget_cli.training.phase import Phase, PreviewRow

_KEPT = "batch.json"  # in the work folder
FIT_VERSION = 3
_PREVIEWS = "previews"
_COLUMNS, _CELL = 8, 128  # of a preview, frames and pixels
_FACTS = "fit.json"
CURVES_VERSION = 1
CURVES = "curves.png"


@dataclasses.dataclass(frozen=True)
class Foreign:
    """Networks out of a checkpoint. kind: its format; digest: sha256 of the file; states: phase → module → tensors."""

    kind: str
    digest: str
    states: Mapping[str, Mapping[str, Mapping[str, Tensor]]]


def fit(config: TrainConfig, phase: str, a: SourceClip, b: SourceClip, start: Start | BaseFile | None = None) -> Stage:
    """The stage that trains `phase` on both clips. It writes ``state.safetensors``, ``fit.json`` and ``previews/``.

    start: the base, or the run, whose networks the phase begins with, where the method allows it and they are there;
    None for fresh ones. With the base it needs the stage that recognises the kind of body.
    The pictures in ``previews/`` are named by their steps; a Preview event tells of each as soon as it is written.
    """
    method = get_method(config.method)
    phases = method.phases(config.method_config)
    earlier = phases[: phases.index(phase)]
    crop, _ = crop_of(config, phase)
    start = _beginning(config, phase, start)
    base = start if isinstance(start, BaseFile) else None
    return Stage(
        id=phase,
        name=phase,
        version=FIT_VERSION,
        label=f"Training {phase}",
        work=lambda job: _train(job, config, phase, start),
        exclusive=True,
        params={
            "method": method.trained_as or method.key,
            "method_version": method.version,
            "config": method.phase_config(config.method_config, phase),
            "seed": config.seed,
            "device": device_class(config.device),
            "precision": config.precision,
        },
        files={} if base is None else {"base": base.path},
        digests=_start_digest(phase, start),
        needs={
            "a": f"{crop}:{a.name}",
            "b": f"{crop}:{b.name}",
            **{name: name for name in earlier},
            **({} if base is None else {KIND: KIND}),
        },
    )


def _beginning(config: TrainConfig, phase: str, start: Start | BaseFile | None) -> Start | BaseFile | None:
    """`start`, if `phase` can begin with it."""
    method = get_method(config.method)
    if isinstance(start, BaseFile):
        fits = phase in method.based
    else:
        startable = method.startable(config.method_config, phase).modules
        fits = bool(startable) and start is not None and phase in start.results
    return start if fits else None


def _start_digest(phase: str, start: Start | BaseFile | None) -> dict[str, str]:
    if isinstance(start, BaseFile):
        return {"base": start.digest}
    return {} if start is None else {"start": start.results[phase]["digest"]}


def adopt(config: TrainConfig, phase: str, a: SourceClip, b: SourceClip, foreign: Foreign) -> Stage:
    """The stage that writes what :func:`~retarget_cli.stages.fit.fit` would, with the networks of `foreign`."""
    trained = fit(config, phase, a, b)
    return dataclasses.replace(
        trained,
        label=f"Importing {phase}",
        work=lambda job: _take_over(job, config, phase, foreign),
        params={**trained.params, "imported": foreign.kind},
        digests={"checkpoint": foreign.digest},
    )


def curves(phases: Sequence[str]) -> Stage:
    """The stage that writes ``curves.png``: losses and held-out scores against steps, a row for each of `phases`."""
    return Stage(
        id="curves",
        name="curves",
        version=CURVES_VERSION,
        label="Drawing the curves",
        work=lambda job: _draw_curves(job, phases),
        params={"phases": list(phases)},
        needs={phase: phase for phase in phases},
    )


def crop_of(config: TrainConfig, phase: str) -> tuple[str, int]:
    """Name and size of the crops that `phase` trains on: ``crop``, or ``crop512`` for a size that it alone wants."""
    size = get_method(config.method).crop_size(config.method_config, phase) or config.crop.size
    return ("crop" if size == config.crop.size else f"crop{size}"), size


def held_out(entry: Entry) -> dict[str, float]:
    """Scores of a trained phase on frames that it was not trained on."""
    data: dict[str, float] = training_curves(entry)["held_out"]
    return data


def training_curves(entry: Entry) -> dict[str, Any]:
    """A trained phase in numbers: ``steps``, ``history`` (losses) and ``held_out_history`` by step, ``held_out``.

    ``batch`` is the one that fitted into the memory, None for a phase that has none. ``begins_with_base``: there, and
    true, where it does. The first phase tells also the ``kind`` of body, the names of its ``keypoints``, and ``base``,
    the sha256 of the base that knows it; null where it is not known.
    """
    return entry.json(_FACTS)


def training_cost(entry: Entry) -> dict[str, Any]:
    """What the training of a phase took: ``seconds``, and ``memory`` in bytes, None where it was not measured.

    Trainings of before memory was measured tell the time since they were started last.
    """
    known: dict[str, Any] = entry.receipt["notes"].get("cost") or {}
    return {"seconds": entry.receipt["timings"].get("seconds"), "memory": None, **known}


def keypoint_names(entry: Entry) -> tuple[str, ...]:
    """The names of the keypoints that a method's first phase found, in their order; empty where they have only numbers.

    They stand under ``keypoints`` in ``fit.json``. Objects of a kind that is not known have none.
    """
    names = tuple(_said(entry, "keypoints") or ())
    return () if names == point_names(len(names)) else names


def object_kind(entry: Entry) -> str | None:
    """What both objects are, ``quadruped`` say, as far as a method's first phase was told; None when it was not."""
    kind: str | None = _said(entry, "kind")
    return kind


def _said(entry: Entry, name: str) -> Any:
    """A fact of ``fit.json`` that not every phase has."""
    return training_curves(entry).get(name) if _FACTS in entry.receipt["files"] else None


def previews(folder: Path) -> list[Path]:
    """The previews in an entry's folder or in that of a training at work, the earliest first."""
    return sorted(path for path in (folder / _PREVIEWS).glob("*.png") if path.stem.isdigit())


def stored_previews(entry: Entry) -> list[Path]:
    """The previews of a trained phase, the earliest first."""
    return entry.files(_PREVIEWS)


def states(job: Job, config: TrainConfig) -> Mapping[str, Path]:
    """Folders of the phases that a job needs, by phase."""
    return {name: job.entries[name].path for name in get_method(config.method).phase_names if name in job.entries}


def built_phase(job: Job, config: TrainConfig, phase: str) -> Phase:
    """The phase on the clips and earlier results of a job, ready to train."""
    from retarget_cli.training.device import pick_device
    from retarget_cli.training.precision import pick_precision

    device = pick_device(config.device, config.max_memory)
    clips = crops_of_pair(job)
    kind = known_kind(job.entries.get(KIND))
    pair = PairContext(config.method_config, clips, states(job, config), device, kind)
    built = get_method(config.method).build_phase(phase, pair, config.seed)
    built.precision = pick_precision(device, config.precision)
    return built


def train_within_memory(
    config: TrainConfig, phase: str, work: Path, reporter: Reporter, train: Callable[[TrainConfig], object]
) -> int | None:
    """Call `train`, with half the batch of `phase` each time memory runs out; returns the batch that was small enough.

    `train` builds the phase anew and goes on from the newest checkpoint in `work`, as after a kill. There the batch is
    kept too: a training that is killed goes on with the one it had. None for a phase that has no batch.
    Raises EnvironmentProblem when a batch of one is too large, or there is none to make smaller.
    """
    settings = get_method(config.method).phase_config(config.method_config, phase)
    asked: int | None = settings.get("batch")
    batch = asked if asked is None else min(asked, _kept(work, asked))
    memory = "GPU memory" if device_class(config.device) == "cuda" else "memory"
    if batch != asked:
        reporter(Notice(f"{phase} goes on with a batch of {batch}: {memory} ran out with {asked}"))
    while not attempted(partial(train, _with_batch(config, phase, batch))):
        if batch is None or batch == 1:
            raise _too_little(memory, phase, settings)
        smaller = batch // 2
        reporter(Notice(f"{memory} ran out in {phase} with a batch of {batch}; it goes on with {smaller}", "warning"))
        batch = smaller
        write_json_atomic(work / _KEPT, {"batch": batch})
    return batch


def _kept(work: Path, asked: int) -> int:
    path = work / _KEPT
    return int(json.loads(path.read_text(encoding="utf-8"))["batch"]) if path.exists() else asked


def _with_batch(config: TrainConfig, phase: str, batch: int | None) -> TrainConfig:
    if batch is None:
        return config
    changed = change_fields(config.method_config, (f"{phase}.batch={batch}",))
    return dataclasses.replace(config, method_config=changed)


def _too_little(memory: str, phase: str, settings: Any) -> EnvironmentProblem:
    size = settings.get("size")
    ways = [f"smaller pictures (--set {phase}.size={size // 2})"] if isinstance(size, int) else []
    ways += ["--preset draft", *(["--device cpu"] if memory.startswith("GPU") else [])]
    alone = ", even with a batch of one" if "batch" in settings else ""
    return EnvironmentProblem(f"not enough {memory} for {phase}{alone}", fix=f"Use {' or '.join(ways)}.")


def _train(job: Job, config: TrainConfig, phase: str, start: Start | BaseFile | None) -> None:
    from retarget_cli.training.cost import Cost
    from retarget_cli.training.device import pick_device
    from retarget_cli.training.loop import fit as train

    work = job.tools.store.work(job.stage.name, job.key)
    run = start if isinstance(start, Start) else None
    trained = None if run is None else run.folder(job.tools.store, phase)
    if run is not None:
        job.notice(f"{phase} begins with the networks of run {run.run}")

    def attempt(config: TrainConfig) -> None:
        built = built_phase(job, config, phase)
        if run is not None and trained is not None:
            begin(built, run, trained)
        with Beside(partial(_show, job, work)) as show:
            train(
                built,
                work=work,
                out=job.path,
                digest=job.key,
                stage=job.stage.id,
                reporter=cost.watched(job.tools.reporter),
                stop=job.tools.stop,
                show=show,
                shown=show.wait,
            )

    with Cost(work, pick_device(config.device, config.max_memory)) as cost:
        batch = train_within_memory(config, phase, work, job.tools.reporter, attempt)
    job.draft.note(cost=cost.facts())
    known = _known(job, phase, trained) if phase == get_method(config.method).phase_names[0] else {}
    if known_kind(job.entries.get(KIND)) is not None:
        known["begins_with_base"] = True
    facts = {"batch": batch, **known, **_facts(job.path)}
    (job.path / _FACTS).write_text(json.dumps(facts, indent=1), encoding="utf-8")
    (job.path / _PREVIEWS).mkdir()
    for path in previews(work):
        shutil.copyfile(path, job.path / _PREVIEWS / path.name)


def _facts(folder: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
    return facts


def _known(job: Job, phase: str, begun: Path | None) -> dict[str, Any]:
    """What ``fit.json`` of the first phase says of the kind of body.

    ``kind``, ``keypoints`` (their names) and ``base`` (the sha256 of the base that knows it), all null where it is not
    known. begun: the folder of a result that it began with, whose kind it has.
    """
    facts: dict[str, Any] = {} if begun is None else _facts(begun)
    if known_kind(job.entries.get(KIND)) is not None:
        facts = {**recognised(job.entries[KIND]), "base": job.stage.digests["base"]}
    return {name: facts.get(name) for name in ("kind", "keypoints", "base")}


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


def _take_over(job: Job, config: TrainConfig, phase: str, foreign: Foreign) -> None:
    from retarget_cli.training.checkpoint import adopt as take_over

    take_over(built_phase(job, config, phase), foreign.states[phase], job.path)


def _draw_curves(job: Job, phases: Sequence[str]) -> None:
    from retarget_cli.viz.curves import draw_curves

    write_png(job.path / CURVES, draw_curves({phase: training_curves(job.entries[phase]) for phase in phases}))
