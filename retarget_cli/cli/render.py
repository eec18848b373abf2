"""`retarget render`: draw a trained pair."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retarget_cli.cli import options, ui
from retarget_cli.cli.hints import parse_hints
from retarget_cli.cli.options import DEFAULT_WORKSPACE, DRIVER, TIME
from retarget_cli.errors import UsageError

if TYPE_CHECKING:
    from retarget_cli.pipeline import RenderResult


def render(
    a: options.PairA = None,
    b: options.PairB = None,
    look: Annotated[
        str, typer.Option("--look", metavar="a|b|both", help="a: A's look, B's motion. b: the other way.")
    ] = "a",
    affine: Annotated[
        str,
        typer.Option(
            "--affine",
            metavar="MODE",
            help=f"How the driver's pose is fitted: {', '.join(options.AFFINES)}, six numbers, or a JSON file.",
        ),
    ] = "auto",
    background: Annotated[
        str, typer.Option("--background", metavar="WHAT", help="subject, driver, black, alpha, or a colour: '#808080'.")
    ] = "subject",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Where to write the video.", show_default=False)
    ] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Also write driver and result side by side.")] = False,
    start: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="TIME", help="Where the driver begins: 1:02.5, 12.5 or 12f.", rich_help_panel=TIME
        ),
    ] = None,
    stop: Annotated[
        str | None,
        typer.Option("--to", metavar="TIME", help="Where it ends; what shows then is left out.", rich_help_panel=TIME),
    ] = None,
    fps: Annotated[
        str | None,
        typer.Option(
            "--fps",
            metavar="RATE",
            help="Frames a second; poses between the driver's are interpolated.",
            show_default="the driver's own frames",
            rich_help_panel=TIME,
        ),
    ] = None,
    slow: Annotated[
        str | None,
        typer.Option(
            "--slow",
            metavar="FACTOR",
            help="Take so many times longer, smoothly.",
            show_default="1",
            rich_help_panel=TIME,
        ),
    ] = None,
    loop: Annotated[
        int, typer.Option("--loop", metavar="N", help="Play the driver N times without a seam.", rich_help_panel=TIME)
    ] = 1,
    smooth: Annotated[
        str,
        typer.Option(
            "--smooth",
            metavar="auto|0..1",
            help="Steady the driver's poses; auto: as far as they tremble.",
            rich_help_panel=TIME,
        ),
    ] = "0",
    driver: Annotated[
        Path | None,
        typer.Option(
            "--driver",
            metavar="FILE",
            help="Another clip like the driver, or a motion file (.csv, .json, .motion.safetensors).",
            show_default="the pair's other clip",
            rich_help_panel=DRIVER,
        ),
    ] = None,
    mask_driver: options.MaskDriver = None,
    box_driver: options.BoxDriver = None,
    frame_driver: options.FrameDriver = 0,
    flip: Annotated[
        str,
        typer.Option(
            "--flip",
            metavar="auto|yes|no",
            help="Mirror the other clip, so that it faces the way the driver does in training.",
            rich_help_panel=DRIVER,
        ),
    ] = "auto",
    follow: Annotated[
        str,
        typer.Option(
            "--follow",
            metavar="NAMES",
            help="Only these keypoints follow, e.g. p3,p4; the others do as in the subject's own clip.",
            show_default="all",
            rich_help_panel=DRIVER,
        ),
    ] = "",
    device: options.Device = None,
    max_memory: options.MaxMemory = None,
    workspace: options.Workspace = DEFAULT_WORKSPACE,
    json_output: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Draw one clip's look with the other's motion.

    Without clips it takes the pair that was trained last.
    Frame size is the subject's, time and sound are the driver's unless they are changed.
    """
    pair = options.parse_pair(a, b)
    options.choose(look, options.LOOKS, "--look")
    affine_choice = options.parse_affine(affine)
    backdrop = options.parse_background(background)
    from retarget_cli import pipeline

    other = None
    if driver is not None:
        other = pipeline.ClipInput(driver, mask_driver, parse_hints(frame_driver, box_driver, None, "--box-driver"))
    elif mask_driver or box_driver:
        fix = "Name the clip with --driver; those of the pair have their mattes from training."
        raise UsageError("the matte of which driver?", where="--mask-driver, --box-driver", fix=fix)
    chosen = pipeline.RenderOptions(
        pair=pair, look=look, affine=affine_choice, background=backdrop, out=out, compare=compare, device=device,
        max_memory=max_memory, start=start, stop=stop, fps=fps, slow=slow, loop=loop, smooth=smooth,
        driver=other, flip=flip, follow=tuple(name.strip() for name in follow.split(",") if name.strip()),
    )  # fmt: skip
    with ui.working(workspace, quiet) as session:
        result = pipeline.render(chosen, session.store, session.reporter, session.stop)
    if json_output:
        ui.document({"videos": result.videos, "sheets": result.sheets, "reports": result.reports})
    else:
        ui.lines(*summary(result, workspace))


def summary(result: RenderResult, workspace: Path) -> list[str]:
    """The files, and for each video which affine was taken and why."""
    lines = [ui.short_path(path) for path in result.videos]
    lines += [ui.short_path(path) for path in result.sheets]
    for report in result.reports:
        choice = affine_text(report)
        if choice:
            lines.append(f"  {choice}")
    lines.append(f"next: {ui.command('evaluate', workspace=workspace)}")
    return lines


def affine_text(report: Mapping[str, Any]) -> str:
    """``affine: moments (why)``, as far as the method's report tells."""
    facts = report.get("affine")
    if isinstance(facts, Mapping):
        taken, reason = facts.get("mode"), facts.get("reason")
    else:
        taken, reason = facts, report.get("reason")
    if not taken:
        return ""
    return f"affine: {taken}" + (f" ({reason})" if reason else "")
