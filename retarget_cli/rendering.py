"""Rendering a trained pair: what is planned for each direction, and what is handed over when it has run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from retarget_cli import results
from retarget_cli.config import check_limit
from retarget_cli.errors import UsageError
from retarget_cli.events import Artifact, Notice, Reporter, silent
from retarget_cli.media.playing import play
from retarget_cli.media.tempo import Tempo, parse_smooth
from retarget_cli.methods.base import BOTH, Look
from retarget_cli.records import TrainedRun, add_results, find_run
from retarget_cli.reporting import write_report
from retarget_cli.requests import RenderOptions, RenderResult
from retarget_cli.stages.compare import SHEET, VIDEO, compare
from retarget_cli.stages.compose import compose, trajectory_report
from retarget_cli.stages.plan import Stop, never, run
from retarget_cli.stages.plate import plate
from retarget_cli.stages.stage import Stage, Tools
from retarget_cli.stages.transfer import report, transfer
from retarget_cli.store.engine import Entry, Store

_MOSTLY_THERE = 0.1  # of the frames an object may be mostly out of the picture, as when it comes and goes


def plan_render(
    trained: TrainedRun, look: Look, options: RenderOptions, suffix: str, tempo: Tempo, smooth: float | Literal["auto"]
) -> list[Stage]:
    """Draw, find the background, put both together. UsageError when the driver cannot be played so."""
    subject, driver = trained.roles(look)
    playing = play(tempo, trained.clip_facts(driver).timing, driver.path.name)
    drawing = transfer(trained.config, look, options.pose, subject, driver, playing, smooth)
    plan = [drawing]
    if options.background in ("subject", "driver"):
        plan.append(plate(subject if options.background == "subject" else driver))
    plan.append(compose(subject, driver, drawing.id, options.background, suffix, playing, options.trajectory))
    if options.compare:
        plan.append(compare(subject, driver, drawing.id, playing))
    return plan


def render(options: RenderOptions, store: Store, reporter: Reporter = silent, stop: Stop = never) -> RenderResult:
    """Render a trained pair to ``retargeted/<pair>/`` or `options.out`.

    Raises UsageError when the pair was not trained, the options make no sense, or `options.out` is one of its clips;
    InputError when its clips changed, EnvironmentProblem when `options.out` cannot be written, WorkspaceError when its
    results were pruned, Interrupted when `stop` turned true.
    """
    suffix, looks = _suffix(options, reporter), _looks(options)
    tempo = Tempo.parse(options.start, options.stop, options.fps, options.slow, options.loop)
    smooth = parse_smooth(options.smooth)
    trained = _limited(find_run(store, options.pair, options.device), options.max_memory)
    if options.out is not None:
        targets = [options.out, *(_compared(options.out) if options.compare else ())]
        results.check_targets(targets, [path for clip in trained.clips for path in (clip.path, clip.matte)])
    plan = [stage for look in looks for stage in plan_render(trained, look, options, suffix, tempo, smooth)]
    _say_what_is_silent(trained, looks, options, tempo, reporter)
    done = run(plan, Tools(store, reporter, stop), trained.entries)
    rendered = {trained.direction(look): options.unusual for look in looks}
    add_results(store, trained.id, {stage.id: done[stage.id] for stage in plan}, rendered)
    result = RenderResult()
    for look in looks:
        name = trained.direction(look)
        target = options.out or results.RESULTS / trained.pair / f"{name}{suffix}"
        result.videos.append(results.deliver(done[f"compose:{name}"].file(f"result{suffix}"), target))
        reporter(Artifact("video", target))
        result.reports.append({"look": look, "video": str(target), **report(done[f"transfer:{name}"])})
        if options.trajectory:
            result.reports[-1] |= trajectory_report(done[f"compose:{name}"])
            _say_what_is_lost(trained, look, result.reports[-1]["lost"], reporter)
        if options.compare:
            _deliver_comparison(done[f"compare:{name}"], target, result, reporter)
    write_report(store, trained.id, reporter)
    return result


def _limited(trained: TrainedRun, max_memory: str | None) -> TrainedRun:
    """The run, to be drawn with no more GPU memory than `max_memory`; None leaves the limit of the training."""
    if max_memory is None:
        return trained
    check_limit(max_memory, trained.config.device)
    return replace(trained, config=replace(trained.config, max_memory=max_memory))


def _say_what_is_silent(
    trained: TrainedRun, looks: tuple[Look, ...], options: RenderOptions, tempo: Tempo, reporter: Reporter
) -> None:
    drivers = [trained.roles(look)[1] for look in looks]
    if tempo.keeps_sound or options.background == "alpha":
        return
    if any(trained.clip_facts(driver).sounds for driver in drivers):
        reason = "it takes another time than its sound" if tempo.slow != 1 else "it is looped"
        reporter(Notice(f"the driver's sound is left out: {reason}."))


def _say_what_is_lost(trained: TrainedRun, look: Look, share: float, reporter: Reporter) -> None:
    if share > _MOSTLY_THERE:
        subject, driver = trained.roles(look)
        what = f"{subject.name}, on the way of {driver.name}, is mostly outside the picture"
        reporter(Notice(f"{what} in {share:.0%} of the frames; `--background driver` has room for it."))


def _looks(options: RenderOptions) -> tuple[Look, ...]:
    if options.look == "both" and options.out is not None:
        raise UsageError(
            "two videos cannot go to one file", where="--out", fix="Choose --look a or b, or leave out --out."
        )
    looks: dict[str, tuple[Look, ...]] = {"a": ("a",), "b": ("b",), "both": BOTH}
    if options.look not in looks:
        raise UsageError(f"there is no look '{options.look}'", where="--look", fix="Choose a, b or both.")
    return looks[options.look]


def _suffix(options: RenderOptions, reporter: Reporter) -> str:
    """The container of the result: that of `out`, else one that can hold it."""
    alpha = options.background == "alpha"
    allowed = (".mkv",) if alpha else (".mp4", ".mov")
    suffix = allowed[0] if options.out is None else options.out.suffix.lower()
    if suffix not in allowed:
        what = (
            "MP4 cannot hold alpha" if alpha and suffix == ".mp4" else f"'{suffix}' is not a kind of video written here"
        )
        raise UsageError(what, where=options.out, fix=f"End the name in {' or '.join(allowed)}.")
    if alpha:
        reporter(Notice(f"MP4 cannot hold alpha: the result is a lossless {suffix} file (FFV1) without sound."))
    return suffix


def _compared(video: Path) -> tuple[Path, Path]:
    """The sheet and the video that compare a result with its driver."""
    return video.with_name(f"{video.stem}-compare.png"), video.with_name(f"{video.stem}-compare.mp4")


def _deliver_comparison(entry: Entry, video: Path, result: RenderResult, reporter: Reporter) -> None:
    sheet, side_by_side = _compared(video)
    results.deliver(entry.file(SHEET), sheet)
    results.deliver(entry.file(VIDEO), side_by_side)
    result.sheets.extend((sheet, side_by_side))
    reporter(Artifact("sheet", sheet))
    reporter(Artifact("video", side_by_side))
