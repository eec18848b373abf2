"""The recipe, top to bottom: what each command plans, and what it hands over when the plan has run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from retarget_cli import results
from retarget_cli.config import TrainConfig, check_limit
from retarget_cli.delivery import deliver_training, showing
from retarget_cli.errors import UsageError
from retarget_cli.events import Artifact, Notice, Reporter, silent
from retarget_cli.hardware import device_class
from retarget_cli.mattes import preview, segment
from retarget_cli.media.playing import play
from retarget_cli.media.tempo import Tempo, parse_smooth
from retarget_cli.methods import get_method
from retarget_cli.methods.base import Look
from retarget_cli.records import TrainedRun, add_results, find_run, find_start, save_run
from retarget_cli.reporting import make_report, write_report
from retarget_cli.requests import (
    ClipInput,
    PreviewResult,
    RenderOptions,
    RenderResult,
    SegmentResult,
    TrainResult,
    Truth,
)
from retarget_cli.sources import open_pair
from retarget_cli.stages.adopt import Foreign, adopt
from retarget_cli.stages.compare import SHEET, VIDEO, compare
from retarget_cli.stages.compose import compose
from retarget_cli.stages.crop import crop
from retarget_cli.stages.curves import curves
from retarget_cli.stages.fit import fit, held_out
from retarget_cli.stages.ingest import facts, ingest
from retarget_cli.stages.matte import matte
from retarget_cli.stages.overlay import overlay
from retarget_cli.stages.plan import Stop, never, run
from retarget_cli.stages.plate import plate
from retarget_cli.stages.score import score, scores
from retarget_cli.stages.sheet import sheet
from retarget_cli.stages.source import ClipFacts, SourceClip
from retarget_cli.stages.stage import Stage, Tools
from retarget_cli.stages.start import Start
from retarget_cli.stages.transfer import report, transfer
from retarget_cli.stages.truth import truth_score
from retarget_cli.stages.verdict import findings, verdict
from retarget_cli.store.engine import Entry, Store

__all__ = [
    "ClipInput", "PreviewResult", "RenderOptions", "RenderResult", "SegmentResult", "TrainResult", "Truth",
    "evaluate", "make_report", "preview", "render", "run", "segment", "train",
]  # fmt: skip

Pair = tuple[SourceClip, SourceClip]
_BOTH: tuple[Look, ...] = ("a", "b")


def plan_train(
    clips: Pair, config: TrainConfig, store: Store, foreign: Foreign | None = None, start: Start | None = None
) -> list[Stage]:
    """Find the object in both clips, crop it, train the method's phases, say how that went.

    Phases that `foreign` holds are taken over; a pair that came trained is not judged. The others begin with `start`.
    """
    plan = []
    for clip in clips:
        plan += [
            ingest(clip),
            matte(clip, config.matte, store.digests.digest, config.device, config.max_memory),
            overlay(clip),
            crop(clip, config.crop.size),
        ]
    plan.append(sheet(*clips))
    phases = get_method(config.method).phase_names
    for phase in phases:
        if foreign is not None and phase in foreign.states:
            plan.append(adopt(config, phase, *clips, foreign))
        else:
            plan.append(fit(config, phase, *clips, start))
    plan.append(curves(phases))
    # A verdict is about what to try in training, and takes long where networks that came trained are large.
    return plan if foreign else [*plan, verdict(config, *clips)]


def plan_render(
    trained: TrainedRun, look: Look, options: RenderOptions, suffix: str, tempo: Tempo, smooth: float | Literal["auto"]
) -> list[Stage]:
    """Draw, find the background, put both together. UsageError when the driver cannot be played so."""
    subject, driver = _roles(trained, look)
    playing = play(tempo, _clip_facts(trained, driver).timing, driver.path.name)
    drawing = transfer(trained.config, look, options.affine, subject, driver, playing, smooth)
    plan = [drawing]
    if options.background in ("subject", "driver"):
        plan.append(plate(subject if options.background == "subject" else driver))
    plan.append(compose(subject, driver, drawing.id, options.background, suffix, playing))
    if options.compare:
        plan.append(compare(subject, driver, drawing.id, playing))
    return plan


def plan_score(trained: TrainedRun, look: Look, truth: Truth | None, store: Store) -> list[Stage]:
    """Draw, and judge what was drawn: every frame of the driver, for what is between them has nothing to compare to."""
    subject, driver = _roles(trained, look)
    playing = play(Tempo(), _clip_facts(trained, driver).timing, driver.path.name)
    drawing = transfer(trained.config, look, "auto", subject, driver, playing)
    plan = [drawing, score(subject, driver, drawing.id)]
    if truth is not None:
        files = {"matte": truth.matte, "colour": truth.colour}
        digests = {role: store.digests.digest(path) for role, path in files.items() if path is not None}
        plan.append(truth_score(subject, driver, drawing.id, truth, digests))
    return plan


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
    phases = get_method(config.method).phase_names
    deliver_training(done, (clips[0].name, clips[1].name), phases, folder, reporter)
    run_id = save_run(store, pair, clips, config, done)
    write_report(store, run_id, reporter)
    scored = {phase: held_out(done[phase]) for phase in phases}
    judged = tuple(findings(done["verdict"])) if "verdict" in done else ()
    return TrainResult(run_id, pair, folder, done, scored, judged)


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
    rendered = {_direction(trained, look): options.unusual for look in looks}
    add_results(store, trained.id, {stage.id: done[stage.id] for stage in plan}, rendered)
    result = RenderResult()
    for look in looks:
        name = _direction(trained, look)
        target = options.out or results.RESULTS / trained.pair / f"{name}{suffix}"
        result.videos.append(results.deliver(done[f"compose:{name}"].file(f"result{suffix}"), target))
        reporter(Artifact("video", target))
        result.reports.append({"look": look, "video": str(target), **report(done[f"transfer:{name}"])})
        if options.compare:
            _deliver_comparison(done[f"compare:{name}"], target, result, reporter)
    write_report(store, trained.id, reporter)
    return result


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
    plan = [stage for look in _BOTH for stage in plan_score(trained, look, truth.get(look), store)]
    done = run(plan, Tools(store, reporter, stop), trained.entries)
    add_results(store, trained.id, {stage.id: done[stage.id] for stage in plan})
    answer: dict[str, Any] = {"pair": trained.pair, "run": trained.id}
    for look in _BOTH:
        name = _direction(trained, look)
        answer[look] = scores(done[f"score:{name}"])
        if look in truth:
            answer[look]["truth"] = scores(done[f"truth:{name}"])
    phases = get_method(trained.config.method).phase_names
    answer["held_out"] = {phase: held_out(trained.entries[phase]) for phase in phases}
    if run_id is None:  # pictures and videos in the folder are those of the newest run
        write_report(store, trained.id, reporter)
    return answer


def _limited(trained: TrainedRun, max_memory: str | None) -> TrainedRun:
    """The run, to be drawn with no more GPU memory than `max_memory`; None leaves the limit of the training."""
    if max_memory is None:
        return trained
    check_limit(max_memory, trained.config.device)
    return replace(trained, config=replace(trained.config, max_memory=max_memory))


def _direction(trained: TrainedRun, look: Look) -> str:
    subject, driver = _roles(trained, look)
    return f"{subject.name}-as-{driver.name}"


def _roles(trained: TrainedRun, look: Look) -> Pair:
    """Subject and driver."""
    a, b = trained.clips
    return (a, b) if look == "a" else (b, a)


def _clip_facts(trained: TrainedRun, clip: SourceClip) -> ClipFacts:
    return facts(trained.entries[f"ingest:{clip.name}"])


def _say_what_is_silent(
    trained: TrainedRun, looks: tuple[Look, ...], options: RenderOptions, tempo: Tempo, reporter: Reporter
) -> None:
    drivers = [_roles(trained, look)[1] for look in looks]
    if tempo.keeps_sound or options.background == "alpha":
        return
    if any(_clip_facts(trained, driver).sounds for driver in drivers):
        reason = "it takes another time than its sound" if tempo.slow != 1 else "it is looped"
        reporter(Notice(f"the driver's sound is left out: {reason}."))


def _looks(options: RenderOptions) -> tuple[Look, ...]:
    if options.look == "both" and options.out is not None:
        raise UsageError(
            "two videos cannot go to one file", where="--out", fix="Choose --look a or b, or leave out --out."
        )
    looks: dict[str, tuple[Look, ...]] = {"a": ("a",), "b": ("b",), "both": _BOTH}
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
