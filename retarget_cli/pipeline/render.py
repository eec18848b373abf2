"""`retarget render`: what is planned for each direction, and handing over what it made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from retarget_cli.config import FLIPS
from retarget_cli.errors import UsageError
from retarget_cli.events import Notice, Reporter, silent
from retarget_cli.media.playback import Playing, Tempo, parse_smooth
from retarget_cli.media.shots.transitions import Cut
from retarget_cli.methods.base import BOTH, Look
from retarget_cli.motion.files import is_motion_file
from retarget_cli.pipeline import outputs
from retarget_cli.pipeline.direction import (
    Direction,
    followed,
    new_driver_direction,
    open_driver,
    pair_direction,
    read_driver,
    wanted_run,
)
from retarget_cli.pipeline.mattes import warn
from retarget_cli.pipeline.options import RenderOptions
from retarget_cli.pipeline.report import write_report
from retarget_cli.pipeline.reproduce import row_of
from retarget_cli.pipeline.results.formats import Wanted, wanted_kind, written_as
from retarget_cli.pipeline.results.handover import check_out, hand_over, target_of
from retarget_cli.pipeline.runs import TrainedRun, add_results
from retarget_cli.pipeline.settings import check_limit
from retarget_cli.stages.clip import SourceClip, facts
from retarget_cli.stages.compare import compare
from retarget_cli.stages.compose import compose, trajectory_report
from retarget_cli.stages.layers import compose_layers
from retarget_cli.stages.matte_views import OVERLAY
from retarget_cli.stages.scene import footage, plate
from retarget_cli.stages.schedule import run
from retarget_cli.stages.stage import Stage, Stop, Tools, never
from retarget_cli.stages.transfer import Drawing, Driver, report, transfer
from retarget_cli.store.engine import Store


@dataclass(frozen=True)
class Rendered:
    """One look, drawn.

    look: whose, ``a`` or ``b``. video: the file, or the folder of pictures. report: all that the method says about the
    drawing, JSON-ready. still: one frame, where browsers do not play the video; sheet, comparison: driver and result
    side by side as a picture and as a video, where that was asked for.
    """

    look: str
    video: Path
    report: Mapping[str, Any]
    still: Path | None = None
    sheet: Path | None = None
    comparison: Path | None = None

    @property
    def affine(self) -> str:
        """The mode by which the driver's pose was fitted."""
        return str(self.report.get("affine", ""))

    @property
    def reason(self) -> str:
        """Why that one, in words."""
        return str(self.report.get("reason", ""))

    @property
    def candidates(self) -> Mapping[str, Mapping[str, Any]]:
        """The candidates of ``auto``: the scores of each mode by name. Empty where nothing was to be chosen."""
        return self.report.get("candidates") or {}

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what may be wrong with the driver."""
        return tuple(self.report.get("warnings", ()))


@dataclass(frozen=True)
class RenderResult:
    """The looks that were drawn, A's first, with the networks of the run `run_id`.

    motion: the file with an edited motion that was drawn, if any.
    """

    looks: tuple[Rendered, ...] = ()
    motion: Path | None = None
    run_id: str = ""

    @property
    def videos(self) -> list[Path]:
        """The result of each look."""
        return [one.video for one in self.looks]

    @property
    def sheets(self) -> list[Path]:
        """Comparisons with the driver: for each look a picture and a video, where they were asked for."""
        return [path for one in self.looks for path in (one.sheet, one.comparison) if path is not None]

    @property
    def reports(self) -> list[dict[str, Any]]:
        """The method's report on each, as the JSON document of the command has it."""
        return [{"look": one.look, "video": str(one.video), **one.report} for one in self.looks]


_BACKWARDS = "if that travels through its scene, the result goes backwards there."
_FITTED_ALREADY = (
    "--affine changes nothing: this motion is fitted to the subject already; "
    "`retarget keypoints export --raw` writes one that is not."
)
_MOSTLY_THERE = 0.1  # of the frames an object may be mostly out of the picture, as when it comes and goes


def plan_render(
    trained: TrainedRun,
    direction: Direction,
    options: RenderOptions,
    wanted: Wanted,
    tempo: Tempo,
    smooth: float | Literal["auto"],
) -> list[Stage]:
    """Draw, find the background, put both together. UsageError when the driver cannot be played or written so."""
    subject, driver, playing = direction.subject, direction.driver, direction.playing(tempo)
    drawing = plan_drawing(trained, direction, options, playing, smooth)
    plan = [drawing]
    seen = _pictured(driver, "--background driver") if options.background == "driver" else subject
    if options.background in ("subject", "driver"):
        plan.append(plate(seen))
    plan.append(footage(seen))
    written = written_as(wanted, options, trained, direction, playing)
    put_together = compose_layers if written.in_layers else compose
    plan.append(put_together(subject, driver, drawing.id, options.background, written, playing, options.trajectory))
    if options.compare:
        plan.append(compare(subject, _pictured(driver, "--compare"), drawing.id, playing))
    return plan


def plan_drawing(
    trained: TrainedRun, direction: Direction, options: RenderOptions, playing: Playing, smooth: float | Literal["auto"]
) -> Stage:
    """The stage that draws; it decides the keypoints."""
    drawing = Drawing(direction.look, options.pose, smooth, options.flip, followed(trained, options.follow))
    return transfer(trained.config, trained.clips, drawing, direction.driver, playing)


def render(options: RenderOptions, store: Store, reporter: Reporter = silent, stop: Stop = never) -> RenderResult:
    """Render a trained pair to ``retargeted/<pair>/`` or `options.out`.

    Raises UsageError when the pair was not trained, the options make no sense, or `options.out` is one of its clips;
    InputError when its clips changed or the driver cannot be used, EnvironmentProblem when `options.out` cannot be
    written, WorkspaceError when its results were pruned, Interrupted when `stop` turned true.
    """
    wanted, looks = wanted_kind(options, reporter), _looks(options)
    check_flip(options)
    tempo = Tempo.parse(options.start, options.stop, options.fps, options.slow, options.loop)
    smooth = parse_smooth(options.smooth)
    trained = limited(wanted_run(options, store), options.max_memory)
    check_out(options, wanted, inputs(trained, options), store)
    tools = Tools(store, reporter, stop)
    directions = open_directions(trained, looks, options, tools)
    targets = {direction.name: target_of(trained, direction, options, wanted, store) for direction in directions}
    plan = [
        stage for direction in directions for stage in plan_render(trained, direction, options, wanted, tempo, smooth)
    ]
    _notice_lost_sound(directions, wanted, options, tempo, reporter)
    known = {name: entry for direction in directions for name, entry in direction.entries.items()}
    done = run(plan, tools, known)
    made = {name: entry for name, entry in done.items() if name not in trained.entries}
    unusual = {direction.name: options.unusual for direction in directions}
    home = (outputs.RESULTS / trained.pair).resolve()
    named = {name: path.name for name, path in targets.items() if path.resolve().parent == home}
    add_results(store, trained.id, made, unusual, named)
    rendered = []
    for direction in directions:
        said = report(done[f"transfer:{direction.name}"])
        if options.trajectory:
            said |= trajectory_report(done[f"compose:{direction.name}"])
        _notice_doubts(direction, said, options, reporter)
        target = targets[direction.name]
        rendered.append(Rendered(direction.look, target, said, **hand_over(done, direction, target, options, tools)))
    rows = [row_of(targets[each.name], each.look, options) for each in directions]
    add_results(store, trained.id, {}, renders=rows)
    write_report(store, trained.id, reporter)
    return RenderResult(tuple(rendered), run_id=trained.id)


def open_directions(
    trained: TrainedRun, looks: Sequence[Look], options: RenderOptions, tools: Tools
) -> list[Direction]:
    """Every direction that was asked for. A new driver's object is found now, and its matte is shown.

    Raises UsageError for keypoints that cannot follow before it looks for the object.
    """
    followed(trained, options.follow)
    if options.driver is None:
        return [pair_direction(trained, look) for look in looks]
    driver = open_driver(trained, options.driver, tools)
    if driver in trained.clips and options.flip != "auto":
        raise _decided_in_training(options.flip)
    entries = read_driver(trained, driver, tools)
    directions = [new_driver_direction(trained, look, driver, entries) for look in looks]
    if isinstance(driver, SourceClip):
        _notice_cuts(driver, facts(entries[f"ingest:{driver.name}"]).cuts, tools.reporter)
    shown = entries.get(f"overlay:{driver.name}")
    if shown is not None and f"overlay:{driver.name}" not in trained.entries:
        target = outputs.RESULTS / trained.pair / f"{driver.name}_overlay.mp4"
        outputs.deliver(shown.file(OVERLAY), target, "overlay", tools.reporter)
        if isinstance(driver, SourceClip):
            warn(driver, entries, target, tools.reporter)
    return directions


def _notice_cuts(driver: SourceClip, cuts: Sequence[Cut], reporter: Reporter) -> None:
    if cuts:
        named = ", ".join(cut.shown(driver.number) for cut in cuts)
        what = f"{driver.path.name} has cuts, on frames {named}: choose one shot of it with --from and --to"
        reporter(Notice(what, "warning"))


def check_flip(options: RenderOptions) -> None:
    """UsageError when it is no way to flip a clip, or there is none to be flipped."""
    if options.flip not in FLIPS:
        fix = f"Choose one of: {', '.join(FLIPS)}."
        raise UsageError(f"'{options.flip}' does not say whether to flip a clip", where="--flip", fix=fix)
    if options.flip == "auto":
        return
    if options.driver is None:
        raise _decided_in_training(options.flip)
    if is_motion_file(options.driver.path):
        fix = "Leave it out here; `retarget keypoints export --driver CLIP` takes it."
        raise UsageError("a motion file has no pictures to be mirrored", where="--flip", fix=fix)


def _decided_in_training(flip: str) -> UsageError:
    fix = f"Run `retarget train A B --flip {flip}`, then render."
    return UsageError("which way the clips of the pair face is decided in training", where="--flip", fix=fix)


def _pictured(driver: Driver, option: str) -> SourceClip:
    if isinstance(driver, SourceClip):
        return driver
    raise UsageError("a motion file has no pictures", where=option, fix="Leave it out.")


def inputs(trained: TrainedRun, options: RenderOptions) -> list[Path | None]:
    """The user's files, which must not be written over."""
    given = [] if options.driver is None else [options.driver.path, options.driver.matte]
    return [*given, *(path for clip in trained.clips for path in (clip.path, clip.matte))]


def limited(trained: TrainedRun, max_memory: str | None) -> TrainedRun:
    """The run, to be drawn with no more GPU memory than `max_memory`; None leaves the limit of the training."""
    if max_memory is None:
        return trained
    check_limit(max_memory, trained.config.device)
    return replace(trained, config=replace(trained.config, max_memory=max_memory))


def _notice_lost_sound(
    directions: Sequence[Direction], wanted: Wanted, options: RenderOptions, tempo: Tempo, reporter: Reporter
) -> None:
    if not any(direction.sounds for direction in directions):
        return
    if not wanted.form.holds_sound:
        suffix = wanted.form.suffix
        kind = f"{suffix} files are written without" if suffix else "pictures have none"
        reporter(Notice(f"the driver's sound is left out: {kind}."))
    elif not tempo.keeps_sound:
        reason = "it takes another time than its sound" if tempo.slow != 1 else "it is looped"
        reporter(Notice(f"the driver's sound is left out: {reason}."))


def _notice_doubts(direction: Direction, said: Mapping[str, Any], options: RenderOptions, reporter: Reporter) -> None:
    """Tell what the user may not have expected of a drawing; said: the method's report on it."""
    for warning in said.get("warnings", ()):
        reporter(Notice(warning, "warning"))
    if said.get("affine") == "given" and options.affine != "auto":
        reporter(Notice(_FITTED_ALREADY))
    if options.background == "driver" and said.get("opposite"):
        reporter(Notice(f"{direction.subject.name} faces the other way than {direction.driver.name}: {_BACKWARDS}"))
    if said.get("lost", 0.0) > _MOSTLY_THERE:
        what = f"{direction.subject.name}, on the trajectory of {direction.driver.name}, is mostly outside the picture"
        reporter(Notice(f"{what} in {said['lost']:.0%} of the frames; `--background driver` has room for it."))


def _looks(options: RenderOptions) -> tuple[Look, ...]:
    if options.look == "both" and options.out is not None:
        raise UsageError(
            "two videos cannot go to one file", where="--out", fix="Choose --look a or b, or leave out --out."
        )
    looks: dict[str, tuple[Look, ...]] = {"a": ("a",), "b": ("b",), "both": BOTH}
    if options.look not in looks:
        raise UsageError(f"there is no look '{options.look}'", where="--look", fix="Choose a, b or both.")
    return looks[options.look]
