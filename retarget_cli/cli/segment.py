"""`retarget segment`: find the object of one clip."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retarget_cli.cli import options, output
from retarget_cli.cli.options import DEFAULT_WORKSPACE, OBJECT
from retarget_cli.cli.parsing import hint_words, parse_hints
from retarget_cli.errors import UsageError

if TYPE_CHECKING:
    from retarget_cli.pipeline.clips import ClipInput
    from retarget_cli.pipeline.segment import PreviewResult, SegmentResult


def segment(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="The clip.", show_default=False)],
    boxes: Annotated[
        list[str] | None,
        typer.Option(
            "--box",
            metavar="[FRAME:]X,Y,W,H",
            rich_help_panel=OBJECT,
            help="The object's box on a frame, --frame unless named; may be repeated for several frames.",
        ),
    ] = None,
    points: Annotated[
        list[str] | None,
        typer.Option(
            "--point",
            metavar="[FRAME:]X,Y",
            rich_help_panel=OBJECT,
            help="A point on the object, or not:X,Y for one beside it; may be repeated.",
        ),
    ] = None,
    frame: Annotated[
        int,
        typer.Option(
            "--frame", min=0, rich_help_panel=OBJECT, help="The frame, from 0, of a --box or --point that names none."
        ),
    ] = 0,
    preview_frame: Annotated[
        int | None,
        typer.Option(
            "--preview-frame", metavar="N", min=0, help="Only a quick look at frame N, in seconds.", show_default=False
        ),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option("--mask", metavar="M", help="A finished matte: video or folder of PNGs.", rich_help_panel=OBJECT),
    ] = None,
    backend: options.Backend = None,
    weights: options.Weights = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE.mkv", help="Where to write it.", show_default=False)
    ] = None,
    workspace: options.Workspace = DEFAULT_WORKSPACE,
    json_output: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Find the object in a clip; write its matte and previews to look at.

    The matte is crisp, for training; a second one has soft edges, for compositing.
    Edit the matte and hand it to `retarget train --mask-a` when it is not right.
    """
    hints = parse_hints(frame, boxes, points)
    if mask is not None and backend not in (None, "auto", "given"):
        raise UsageError(
            f"the backend {backend} would look for the object, but --mask says what it is",
            where="--mask",
            fix="Give one of --mask and --backend.",
        )
    from retarget_cli.pipeline.clips import ClipInput
    from retarget_cli.pipeline.segment import preview
    from retarget_cli.pipeline.segment import segment as segment_clip
    from retarget_cli.pipeline.settings import load_config

    settings = load_config(None, None, (), backend=backend, weights=weights).matte
    clip = ClipInput(video, mask, hints)
    rest: list[str] = []
    for option, value in (("--mask", mask), ("--backend", backend), ("--weights", weights), ("--out", out)):
        rest += [] if value is None else [option, str(value)]
    with output.working(workspace, quiet) as session:
        tools = session.store, session.reporter, session.stop
        if preview_frame is None:
            found = segment_clip(clip, settings, out, *tools)
        else:
            looked = preview(clip, settings, preview_frame, out, *tools)
    if preview_frame is None:
        answer, lines = dataclasses.asdict(found), summary(found, clip, rest, workspace)
    else:
        answer, lines = dataclasses.asdict(looked), preview_summary(looked, clip, rest, workspace)
    if json_output:
        output.document(answer)
    else:
        output.lines(*lines)


def preview_summary(result: PreviewResult, clip: ClipInput, rest: Sequence[str], workspace: Path) -> list[str]:
    """The picture, how sure it is, and the command for the whole clip. rest: its words after clip and hints."""
    report = result.report
    return [
        f"preview  {output.short_path(result.picture)}",
        f"frame {report['frame']} found by {report['backend']}, confidence {report['confidence']:.2f}",
        f"next: {output.command('segment', clip.path, *hint_words(clip.hints), *rest, workspace=workspace)}",
    ]


def summary(result: SegmentResult, clip: ClipInput, rest: Sequence[str], workspace: Path) -> list[str]:
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
        kept = [dataclasses.replace(hint, box=None) if hint.frame == frame else hint for hint in clip.hints]
        words = [*hint_words(kept), "--box", f"{frame}:X,Y,WIDTH,HEIGHT", *rest]
        lines += [
            f"least certain on frame {frame}: if the preview is wrong, say where the object is there:",
            f"  {output.command('segment', clip.path, *words, workspace=workspace)}",
        ]
    return lines
