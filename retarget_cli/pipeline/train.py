"""`retarget train` and `import`: the recipe of training, top to bottom."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from retarget_cli.config import TrainConfig
from retarget_cli.errors import UsageError
from retarget_cli.events import Event, Finished, Notice, Reporter, silent
from retarget_cli.findings import Finding
from retarget_cli.methods import get_format, get_method
from retarget_cli.pipeline import outputs
from retarget_cli.pipeline.before_training import Before
from retarget_cli.pipeline.beginning import find_beginning
from retarget_cli.pipeline.clips import ClipInput, plan_clip
from retarget_cli.pipeline.estimate import Speed
from retarget_cli.pipeline.first_video import FIRST
from retarget_cli.pipeline.footage.part import open_pair
from retarget_cli.pipeline.options import DRAWS, NOTHING, RenderOptions, choose
from retarget_cli.pipeline.render import render
from retarget_cli.pipeline.report import deliver_training, showing, write_report
from retarget_cli.pipeline.runs import save_run
from retarget_cli.stages.clip import SourceClip
from retarget_cli.stages.crop import sheet
from retarget_cli.stages.fit import Foreign, adopt, crop_of, curves, fit, held_out
from retarget_cli.stages.kind import KIND, kind
from retarget_cli.stages.scene import footage, plate
from retarget_cli.stages.schedule import run
from retarget_cli.stages.stage import Stage, Stop, Tools, never
from retarget_cli.stages.verdict import findings, verdict
from retarget_cli.stages.warm_start import Start
from retarget_cli.store.engine import Entry, Store
from retarget_cli.utils.hardware import device_class
from retarget_cli.weights.base import BaseFile


@dataclass(frozen=True)
class TrainResult:
    """A trained pair. run_id: by which older runs can be named; pair: ``cat--fox``; folder: where results go.

    stages: every result by stage id; held_out: scores on frames that were not trained on, by phase; verdict: what is
    good and what is not, worst first; drawn: the videos of the looks that were asked for, by look.
    """

    run_id: str
    pair: str
    folder: Path
    stages: Mapping[str, Entry]
    held_out: Mapping[str, Mapping[str, float]]
    verdict: tuple[Finding, ...] = ()
    drawn: Mapping[str, Path] = field(default_factory=dict)

    @property
    def videos(self) -> tuple[Path, ...]:
        """The video of each look."""
        return tuple(self.drawn.values())


Pair = tuple[SourceClip, SourceClip]


def plan_train(
    clips: Pair,
    config: TrainConfig,
    store: Store,
    foreign: Foreign | None = None,
    start: Start | BaseFile | None = None,
    draws: str = NOTHING,
) -> list[Stage]:
    """Find the object in both clips, crop it, train the method's phases, say how that went.

    Phases that `foreign` holds are taken over; a pair that came trained is not judged. The others begin with `start`;
    for the base, the kind of body is recognised before. The scenes of the looks that are to be drawn are prepared while
    the networks train.
    """
    phases = get_method(config.method).phases(config.method_config)
    crops = {"crop": config.crop.size, **dict(crop_of(config, phase) for phase in phases)}
    plan = [stage for clip in clips for stage in plan_clip(clip, config, store, crops)]
    plan.append(sheet(*clips))
    if isinstance(start, BaseFile):
        plan.append(kind(config, *clips, start))
    drawn = [clip for look, clip in zip("ab", clips, strict=True) if draws in (look, "both")]
    plan += [stage for clip in drawn for stage in (plate(clip), footage(clip))]
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
    draws: str = NOTHING,
    variant: str = "",
) -> TrainResult:
    """Train a pair, or find it trained. Previews of the mattes and of the training and a report go to the
    pair's folder.

    foreign: networks that another program trained; phases it lacks are trained. draws: the looks to end with videos of,
    one of :data:`~retarget_cli.pipeline.options.DRAWS`. variant: see
    :func:`~retarget_cli.pipeline.outputs.pair_folder`.
    Raises UsageError when both clips are the same or the run to start from does not fit, InputError for clips that
    cannot be used, EnvironmentProblem when the device or disk space is missing, and Interrupted when `stop` turned
    true; what was finished is kept.
    """
    device_class(config.device)
    choose(draws, DRAWS, "--render")
    begins = find_beginning(store, config)
    config = begins.config
    clips = open_pair(a, b, Tools(store, reporter, stop))
    names, digests = (clips[0].name, clips[1].name), (clips[0].digest, clips[1].digest)
    folder = outputs.pair_folder(names, digests, variant)
    speed, once = Speed(config, draws != NOTHING), Once(reporter)
    watched = speed.watch(once)
    plan = plan_train(clips, config, store, foreign, begins.start, draws)
    imported = foreign.states if foreign else ()
    ready = KIND if isinstance(begins.start, BaseFile) else sheet(*clips).id
    trains = [each for each in plan if each.id not in imported]
    before = Before(clips, config, store, folder, speed, watched, trains, begins.note, draws)
    phases = get_method(config.method).phases(config.method_config)
    tools = Tools(store, showing(watched, folder, digests), stop)
    done = run(plan, tools, shown=[stage.id for stage in plan], after=(ready, before))
    done = {name: entry for name, entry in done.items() if not name.startswith(FIRST)}
    outputs.claim(folder, digests)
    deliver_training(done, names, phases, folder, reporter)
    # Scenes belong to the videos: without them, the same training is the same run whatever it ends with.
    trained = {name: entry for name, entry in done.items() if entry.stage not in ("plate", "footage")}
    run_id = save_run(store, folder.name, clips, config, trained)
    write_report(store, run_id, reporter)
    drawn = {} if draws == NOTHING else _videos((a.path, b.path), draws, store, watched, stop)
    if before.trains:
        speed.remember({phase: _taken(done[phase]) for phase in before.trains})
    once.finish()
    scored = {phase: held_out(done[phase]) for phase in phases}
    judged = tuple(findings(done["verdict"])) if "verdict" in done else ()
    return TrainResult(run_id, folder.name, folder, done, scored, judged, drawn)


class Once:
    """A reporter that passes no notice on twice, and tells only at the end that everything is done."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter, self._seen = reporter, Finished(0.0, 0, 0)
        self._notices: set[Notice] = set()

    def __call__(self, event: Event) -> None:
        """Pass it on, or keep it."""
        if isinstance(event, Finished):
            seen = self._seen
            self._seen = Finished(seen.seconds + event.seconds, seen.ran + event.ran, seen.cached + event.cached)
            return
        if isinstance(event, Notice):
            if event in self._notices:
                return
            self._notices.add(event)
        self._reporter(event)

    def finish(self) -> None:
        """Tell it."""
        self._reporter(self._seen)


def _taken(trained: Entry) -> int:
    """Bytes that training a phase took: its result, and two checkpoints of networks with two moments each."""
    state = trained.receipt["files"].get("state.safetensors", {"size": 0})
    return trained.size + 6 * int(state["size"])


def _videos(pair: tuple[Path, Path], look: str, store: Store, reporter: Reporter, stop: Stop) -> dict[str, Path]:
    """The looks, drawn in the usual way; nothing where a file of the user has the name of one."""
    try:
        rendered = render(RenderOptions(pair, look=look), store, reporter, stop)
        return {one.look: one.video for one in rendered.looks}
    except UsageError as error:
        reporter(Notice(f"no video was drawn: {error}. `retarget render` draws it.", "warning"))
        return {}


def import_checkpoint(
    checkpoint: Path,
    kind: str,
    pair: tuple[ClipInput, ClipInput],
    config: TrainConfig,
    store: Store,
    reporter: Reporter = silent,
    stop: Stop = never,
) -> TrainResult:
    """Make a checkpoint of another program a trained pair of this workspace; phases that it lacks are trained.

    kind: one of :data:`retarget_cli.methods.FORMATS`; config: that of its preset. Raises InputError for a file that is
    no such checkpoint, and what :func:`~retarget_cli.pipeline.train.train` raises.
    """
    read = get_format(kind).read(checkpoint, config.method_config)
    config = dataclasses.replace(config, method_config=read.config)
    for phase in get_method(config.method).phases(config.method_config):
        if phase not in read.states:
            reporter(Notice(f"the checkpoint holds no {phase} networks; they are trained now"))
    foreign = Foreign(kind, store.digests.digest(checkpoint), read.states)
    return train(*pair, config, store, reporter, stop, foreign)
