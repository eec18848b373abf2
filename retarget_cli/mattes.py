"""Finding the object of one clip: in every frame, or in one for a quick look."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retarget_cli import results
from retarget_cli.config import MatteConfig
from retarget_cli.errors import UsageError
from retarget_cli.events import Artifact, Reporter, silent
from retarget_cli.requests import ClipInput, PreviewResult, SegmentResult
from retarget_cli.sources import open_clip
from retarget_cli.stages.alpha import ALPHA, alpha
from retarget_cli.stages.contact import SHEET, contact
from retarget_cli.stages.flicker import flicker, flicker_report
from retarget_cli.stages.ingest import ingest
from retarget_cli.stages.matte import MATTE, matte, matte_report
from retarget_cli.stages.overlay import OVERLAY, overlay
from retarget_cli.stages.plan import Stop, never, run
from retarget_cli.stages.preview import PICTURE, preview_report
from retarget_cli.stages.preview import preview as look_at
from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Stage, Tools
from retarget_cli.stages.trust import hint_frame
from retarget_cli.store.engine import Entry, Store

_BESIDE = {"alpha": "alpha.mkv", "overlay": "overlay.mp4", "sheet": "sheet.png"}


def plan_segment(clip: SourceClip, config: MatteConfig, store: Store) -> list[Stage]:
    """Find the object, soften its edges, judge and show what was found."""
    return [
        ingest(clip),
        matte(clip, config, store.digests.digest),
        alpha(clip),
        flicker(clip),
        overlay(clip),
        contact(clip),
    ]


def segment(
    clip: ClipInput,
    config: MatteConfig,
    out: Path | None,
    store: Store,
    reporter: Reporter = silent,
    stop: Stop = never,
) -> SegmentResult:
    """Find the object of one clip; the matte goes to `out` or ``retargeted/segments/``, everything else beside it.

    Raises UsageError when `out` is no ``.mkv`` or would replace the clip or its matte, EnvironmentProblem when it
    cannot be written.
    """
    _check_ending(out)
    source = open_clip(clip, results.clip_name(clip.path), store)
    target = _matte_path(out, source)
    beside = {kind: _beside(target, ending) for kind, ending in _BESIDE.items()}
    results.check_targets([target, *beside.values()], [clip.path, clip.matte])
    done = run(plan_segment(source, config, store), Tools(store, reporter, stop))
    result = SegmentResult(target, **beside, report=_judged(done, source.name))
    _deliver(done[f"matte:{source.name}"].file(MATTE), result.matte, "matte", reporter)
    _deliver(done[f"alpha:{source.name}"].file(ALPHA), result.alpha, "alpha", reporter)
    _deliver(done[f"overlay:{source.name}"].file(OVERLAY), result.overlay, "overlay", reporter)
    _deliver(done[f"contact:{source.name}"].file(SHEET), result.sheet, "sheet", reporter)
    return result


def preview(
    clip: ClipInput,
    config: MatteConfig,
    frame: int,
    out: Path | None,
    store: Store,
    reporter: Reporter = silent,
    stop: Stop = never,
) -> PreviewResult:
    """Look at one frame of a clip before all of it is worked on; the picture goes where :func:`segment` puts its own.

    Raises UsageError for a frame that the clip has not, or when every hint is too far from it.
    """
    _check_ending(out)
    source = open_clip(clip, results.clip_name(clip.path), store)
    picture = _beside(_matte_path(out, source), f"frame{frame}.png")
    results.check_targets([picture], [clip.path, clip.matte])
    stage = look_at(source, config, frame, store.digests.digest)
    entry = run([stage], Tools(store, reporter, stop))[stage.id]
    _deliver(entry.file(PICTURE), picture, "sheet", reporter)
    return PreviewResult(picture, preview_report(entry))


def _judged(done: Mapping[str, Entry], name: str) -> dict[str, Any]:
    """How the matte of the clip `name` was made, how steady it is, and where a hint would help."""
    report = matte_report(done[f"matte:{name}"])
    return {**report, **flicker_report(done[f"flicker:{name}"]), "hint_frame": hint_frame(report)}


def _deliver(source: Path, target: Path, kind: str, reporter: Reporter) -> None:
    results.deliver(source, target)
    reporter(Artifact(kind, target))


def _check_ending(out: Path | None) -> None:
    if out is not None and out.suffix.lower() != ".mkv":
        raise UsageError("the matte is a lossless video", where=out, fix="End the file name in .mkv.")


def _matte_path(out: Path | None, clip: SourceClip) -> Path:
    return out or results.RESULTS / "segments" / f"{clip.name}_matte.mkv"


def _beside(matte: Path, ending: str) -> Path:
    """``cat_sheet.png`` for ``cat_matte.mkv``."""
    return matte.with_name(f"{matte.stem.removesuffix('_matte')}_{ending}")
