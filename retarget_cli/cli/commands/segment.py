"""`retarget segment`: find the object of one clip."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from retarget_cli.cli import options, output
from retarget_cli.cli.options import BOX, OBJECT, argument, grouped, old_frame, option
from retarget_cli.cli.parsing import hint_words
from retarget_cli.config import CUTS
from retarget_cli.errors import UsageError
from retarget_cli.pipeline.hints import parse_hints

if TYPE_CHECKING:
    from retarget_cli.pipeline.clips import ClipInput
    from retarget_cli.pipeline.segment import PreviewResult, SegmentResult


@grouped
def segment(
    video: Path = argument("VIDEO", "The clip."),
    box: list[str] | None = option(None, BOX, "The object's box on a frame; repeat it for more.", OBJECT),
    point: list[str] | None = option(
        None, "[FRAME:]X,Y", "A point on the object, or not:X,Y beside it; repeat it.", OBJECT
    ),
    frame: int | None = old_frame(),
    preview_frame: int | None = option(None, "N", "Only a quick look at frame N, in seconds.", min=0),
    mask: Path | None = option(None, "M", "A finished matte: a video or a folder of PNGs.", OBJECT),
    mask_frames: Path | None = option(
        None, "FOLDER", "Mattes of some frames, such as 000037.png, to correct the others by.", OBJECT
    ),
    start: str | None = option(None, "TIME", "Where to begin: 1:02.5, 12.5 or 12f.", OBJECT, ("--from",)),
    stop: str | None = option(None, "TIME", "Where to end.", OBJECT, ("--to",)),
    cuts: str | None = options.cuts(),
    fps_in: str | None = options.fps_in(OBJECT),
    colour: str | None = options.colour("How its numbers stand for light: {}.", OBJECT),
    out: Path | None = option(None, "FILE.mkv", "Where to write the matte.", names=("--out", "-o")),
    force: bool = options.force(),
    *,
    segmenter: options.Segmenter,
    general: options.Working,
) -> None:
    """Find the object in a clip; write its matte and previews to look at.

    The matte is crisp, for training; a second one has soft edges, for compositing.
    Edit the matte and hand it to `retarget train --mask-a` when it is not right.
    """
    hints = parse_hints(frame if frame is not None else preview_frame or 0, box, point)
    if mask is not None and segmenter.backend not in (None, "auto", "given"):
        what = f"the backend {segmenter.backend} would look for the object, but --mask says what it is"
        raise UsageError(what, where="--mask", fix="Give one of --mask and --backend.")
    if mask_frames is not None and preview_frame is not None:
        fix = "Leave one of them out; the matte of the whole clip has the corrections."
        raise UsageError("a quick look at one frame takes no mattes of others", where="--mask-frames", fix=fix)
    from retarget_cli.pipeline import segment as pipeline
    from retarget_cli.pipeline.clips import ClipInput
    from retarget_cli.pipeline.footage.told import parse_colour, parse_fps_in
    from retarget_cli.pipeline.settings import load_config

    settings = load_config(None, None, (), **segmenter.chosen()).matte
    clip = ClipInput(video, mask, hints, parse_fps_in(fps_in), start, stop, cuts or CUTS[0], parse_colour(colour))
    part = {"from": start, "to": stop, "cuts": cuts, "fps-in": fps_in, "colour": colour}
    given = {**part, "mask": mask, "mask-frames": mask_frames, **segmenter.chosen(), "out": out}
    rest = [word for name, value in given.items() if value is not None for word in (f"--{name}", value)]
    found: SegmentResult | PreviewResult
    with output.working(general) as session:
        if preview_frame is None:
            found = pipeline.segment(clip, settings, out, *session.tools, force=force, painted=mask_frames)
            lines = summary(found, clip, rest, general.workspace)
        else:
            found = pipeline.preview(clip, settings, preview_frame, out, *session.tools, force=force)
            lines = preview_summary(found, clip, rest, general.workspace)
    output.answer(general, dataclasses.asdict(found), *lines)


def preview_summary(result: PreviewResult, clip: ClipInput, rest: Sequence[str | Path], workspace: Path) -> list[str]:
    """The picture, how sure it is, and the command for the whole clip. rest: its words after clip and hints."""
    report = result.report
    frame = report["frame"]
    lines = [
        f"preview  {output.short_path(result.picture)}",
        f"frame {frame} found by {report['backend']}, confidence {report['confidence']:.2f}",
    ]
    if not report.get("whole", True):
        first, last = report["looked_at"]
        lines.append(
            f"  only frames {first} to {last} were looked at: with the whole clip, this frame may look different"
        )
    if report.get("box") is not None and report["backend"] != "given":
        words = [*_hints_beside(clip, frame), "--box", f"{frame}:{','.join(map(str, report['box']))}", *rest]
        again = output.command("segment", clip.path, "--preview-frame", str(frame), *words, workspace=workspace)
        lines += ["if it is wrong, correct the numbers of this box:", f"  {again}"]
    next_ = output.command("segment", clip.path, *hint_words(clip.hints), *rest, workspace=workspace)
    return [*lines, f"next: {next_}"]


def summary(result: SegmentResult, clip: ClipInput, rest: Sequence[str | Path], workspace: Path) -> list[str]:
    """The files, how sure the matte is, and what to run when that is not enough.

    rest: the words of that command after clip and hints. A box on the frame in doubt gives way to the new one.
    """
    report = result.report
    flicker = report.get("flicker")
    lines = [
        f"matte    {output.short_path(result.matte)}  (crisp, for training)",
        f"alpha    {output.short_path(result.alpha)}  (soft edges, for compositing)",
        f"preview  {output.short_path(result.overlay)}",
        f"sheet    {output.short_path(result.sheet)}",
        f"found by {report['backend']}, confidence {report['confidence']:.2f}"
        + ("" if flicker is None else f", flicker {flicker:.3f}"),
    ]
    frame = report.get("hint_frame")
    if frame is not None:
        box = report.get("proposed_box")
        numbers = ",".join(map(str, box)) if box else "X,Y,WIDTH,HEIGHT"
        words = [*_hints_beside(clip, frame), "--box", f"{frame}:{numbers}", *rest]
        lines += [
            f"least certain on frame {frame}: if the preview is wrong, say where the object is there; "
            f"--preview-frame {frame} shows that frame with a grid:",
            f"  {output.command('segment', clip.path, *words, workspace=workspace)}",
        ]
    return lines


def _hints_beside(clip: ClipInput, frame: int) -> list[str]:
    """The words of all hints but the box on that frame."""
    return hint_words([dataclasses.replace(hint, box=None) if hint.frame == frame else hint for hint in clip.hints])
