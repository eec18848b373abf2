"""`retarget segment`: the object of one clip, in every frame or in one for a quick look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retarget_cli.config import MatteConfig
from retarget_cli.errors import UsageError
from retarget_cli.events import Notice, Reporter, silent
from retarget_cli.pipeline import outputs
from retarget_cli.pipeline.clips import ClipInput, content_digest, open_clip
from retarget_cli.pipeline.delivered import Delivered
from retarget_cli.pipeline.footage.part import used_parts
from retarget_cli.pipeline.mattes import report_on, warnings_of
from retarget_cli.stages.clip import SourceClip, ingest
from retarget_cli.stages.corrected import corrected
from retarget_cli.stages.doubts import doubts
from retarget_cli.stages.matte import ALPHA, MATTE, alpha, flicker, flicker_report, matte
from retarget_cli.stages.matte_views import CONTACT_SHEET, OVERLAY, PREVIEW_PICTURE, contact, overlay, preview_report
from retarget_cli.stages.matte_views import preview as look_at
from retarget_cli.stages.schedule import run
from retarget_cli.stages.stage import Stage, Stop, Tools, found_of, never
from retarget_cli.store.engine import Entry, Store


@dataclass(frozen=True)
class SegmentResult:
    """The object of one clip.

    matte: crisp, for training; alpha: with fractional edges, for compositing; overlay: a video to judge it by; sheet:
    the same as one picture. report: how it was made and how far to trust it, JSON-ready.
    """

    matte: Path
    alpha: Path
    overlay: Path
    sheet: Path
    report: dict[str, Any]

    @property
    def backend(self) -> str:
        """The backend that found it."""
        return str(self.report["backend"])

    @property
    def confidence(self) -> float:
        """The confidence in the matte, in [0, 1]; for ``embedded`` the overlap with the true one to expect."""
        return float(self.report["confidence"])

    @property
    def frame_confidence(self) -> tuple[float, ...]:
        """The same for each frame; empty where it is not known by frame."""
        return tuple(self.report.get("frame_confidence", ()))

    @property
    def flicker(self) -> float | None:
        """The share of the matte that changes from frame to frame beyond what moves; None for an empty one."""
        return self.report.get("flicker")

    @property
    def hint_frame(self) -> int | None:
        """The frame on which a hint would help; None where none is needed."""
        return self.report.get("hint_frame")


@dataclass(frozen=True)
class PreviewResult:
    """A picture of one frame's matte and cut-out, and how sure it is."""

    picture: Path
    report: dict[str, Any]


_FRAME, _FRAMES = ("frame", "hint_frame", "largest_change"), ("looked_at", "corrected")  # of a report
_BESIDE = {"alpha": "alpha.mkv", "overlay": "overlay.mp4", "sheet": "sheet.png"}


def plan_segment(clip: SourceClip, config: MatteConfig, store: Store, painted: Path | None = None) -> list[Stage]:
    """Find the object, correct it by the frames `painted`, soften its edges, judge and show what was found."""
    found = plan_matte(clip, config, store, painted)
    return [*found, doubts(clip), alpha(clip), flicker(clip), overlay(clip), contact(clip)]


def plan_matte(clip: SourceClip, config: MatteConfig, store: Store, painted: Path | None = None) -> list[Stage]:
    """Read the clip and find its object. painted: a folder with mattes of some frames, to correct it by."""
    found = matte(clip, config, store.digests.digest)
    if painted is None:
        return [ingest(clip), found]
    return [ingest(clip), *corrected(clip, found, painted, content_digest(painted, store))]


def segment(
    clip: ClipInput,
    config: MatteConfig,
    out: Path | None,
    store: Store,
    reporter: Reporter = silent,
    stop: Stop = never,
    force: bool = False,
    painted: Path | None = None,
) -> SegmentResult:
    """Find the object of one clip; the matte goes to `out` or ``retargeted/segments/``, everything else beside it.

    force: replace files of these names that this program did not make. painted: a folder with mattes of some frames,
    which are kept and carried to those beside them. Raises UsageError for those without it, and
    when `out` is no ``.mkv`` or would replace the clip or its matte; EnvironmentProblem when it cannot be written.
    """
    tools = Tools(store, reporter, stop)
    source, target = _open(clip, out, tools)
    beside = {kind: _beside(target, ending) for kind, ending in _BESIDE.items()}
    delivered = _checked([target, *beside.values()], clip, out, store, force)
    plan = plan_segment(source, config, store, painted)
    done = run(plan, tools, shown=[stage.id for stage in plan])
    result = SegmentResult(target, **beside, report=_judged(done, source))
    files = {"matte": MATTE, "alpha": ALPHA, "overlay": OVERLAY, "contact": CONTACT_SHEET}
    targets = result.matte, result.alpha, result.overlay, result.sheet
    for (stage, inside), made, kind in zip(files.items(), targets, ("matte", "alpha", "overlay", "sheet"), strict=True):
        outputs.deliver(done[f"{stage}:{source.name}"].file(inside), made, kind, reporter, delivered, source.digest)
    for line in warnings_of(source, result.report, result.overlay):
        reporter(Notice(line, "warning"))
    return result


def preview(
    clip: ClipInput,
    config: MatteConfig,
    frame: int,
    out: Path | None,
    store: Store,
    reporter: Reporter = silent,
    stop: Stop = never,
    force: bool = False,
) -> PreviewResult:
    """Look at one frame of a clip before all of it is worked on; the picture goes where :func:`segment` puts its own.

    Raises UsageError for a frame that the clip has not, or when every hint is too far from it.
    """
    tools = Tools(store, reporter, stop)
    source, matte_target = _open(clip, out, tools)
    index = frame - source.number
    picture = _beside(matte_target, f"frame{frame}.png")
    delivered = _checked([picture], clip, out, store, force)
    whole = finished(source, config, store)
    stage = look_at(source, config, index, store.digests.digest, bool(whole))
    entry = run([stage], tools, whole)[stage.id]
    outputs.deliver(entry.file(PREVIEW_PICTURE), picture, "sheet", reporter, delivered, source.digest)
    return PreviewResult(picture, _as_numbered(preview_report(entry), source.number))


def matte_place(clip: ClipInput, store: Store) -> Path:
    """The file to which :func:`segment` writes the matte of a clip unless it is told another."""
    return _open(clip, None, Tools(store, silent, never))[1]


def _judged(done: Mapping[str, Entry], clip: SourceClip) -> dict[str, Any]:
    """The report on the matte of a clip, with its flicker."""
    return _as_numbered({**report_on(clip, done), **flicker_report(done[f"flicker:{clip.name}"])}, clip.number)


def _as_numbered(report: dict[str, Any], number: int) -> dict[str, Any]:
    """A report whose frames have the numbers that they have in the clip. number: that of the first one."""
    one = {name: report[name] + number for name in _FRAME if report.get(name) is not None}
    several = {name: [frame + number for frame in report[name]] for name in _FRAMES if name in report}
    return {**report, **one, **several}


def finished(clip: SourceClip, config: MatteConfig, store: Store, painted: Path | None = None) -> dict[str, Entry]:
    """The matte of the whole clip and what it needs, if all of it was made before; otherwise nothing."""
    plan = [*plan_matte(clip, config, store, painted), doubts(clip)]
    done = found_of(plan, store)
    return done if len(done) == len(plan) else {}


def _open(clip: ClipInput, out: Path | None, tools: Tools) -> tuple[SourceClip, Path]:
    """The clip, and where its matte goes; UsageError when `out` is no ``.mkv``."""
    if out is not None and out.suffix.lower() != ".mkv":
        raise UsageError("the matte is a lossless video", where=out, fix="End the file name in .mkv.")
    (source,) = used_parts([open_clip(clip, outputs.clip_name(clip.path), tools.store)], [clip], tools)
    place = lambda name: outputs.RESULTS / "segments" / f"{name}_matte.mkv"  # noqa: E731
    return source, out or place(Delivered(tools.store).unclaimed(source.name, source.digest, place))


def _checked(targets: Sequence[Path], clip: ClipInput, out: Path | None, store: Store, force: bool) -> Delivered:
    """Where to note what is written to `targets`, which can be written and are nobody else's. Raises UsageError."""
    outputs.check_targets(targets, [clip.path, clip.matte])
    delivered = Delivered(store)
    delivered.check(targets, named=out is not None, force=force)
    return delivered


def _beside(matte: Path, ending: str) -> Path:
    """``cat_sheet.png`` for ``cat_matte.mkv``."""
    return matte.with_name(f"{matte.stem.removesuffix('_matte')}_{ending}")
