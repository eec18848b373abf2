"""`retarget segment`: find the object of one clip."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from retarget_cli.cli import options, ui
from retarget_cli.cli.options import DEFAULT_WORKSPACE, OBJECT
from retarget_cli.errors import UsageError


def segment(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="The clip.", show_default=False)],
    box: Annotated[
        str | None,
        typer.Option("--box", metavar="X,Y,W,H", help="The object's box on --frame.", rich_help_panel=OBJECT),
    ] = None,
    points: Annotated[
        list[str] | None,
        typer.Option(
            "--point",
            metavar="X,Y",
            rich_help_panel=OBJECT,
            help="A point on the object, or not:X,Y for one beside it; may be repeated.",
        ),
    ] = None,
    frame: Annotated[
        int,
        typer.Option("--frame", help="The frame --box and --point speak of, from 0.", min=0, rich_help_panel=OBJECT),
    ] = 0,
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
    """Find the object in a clip; write its matte and a preview to look at.

    Edit the matte and hand it to `retarget train --mask-a` when it is not right.
    """
    hints = options.hints(frame, box, points or (), "--box")
    if out is not None and out.suffix.lower() != ".mkv":
        raise UsageError("the matte is a lossless video", where="--out", fix="End the file name in .mkv.")
    from retarget_cli import pipeline
    from retarget_cli.config import load_config

    settings = load_config(None, None, (), backend=backend, weights=weights).matte
    clip = pipeline.ClipInput(video, mask, hints)
    with ui.working(workspace, quiet) as session:
        result = pipeline.segment(clip, settings, out, session.store, session.reporter, session.stop)
    report = result.report if isinstance(result.report, dict) else result.report.to_json()
    if json_output:
        ui.document({"matte": result.matte, "overlay": result.overlay, "report": report})
        return
    ui.lines(
        f"matte    {ui.short_path(result.matte)}",
        f"preview  {ui.short_path(result.overlay)}",
        f"found by {report['backend']}, confidence {report['confidence']:.2f}",
    )
