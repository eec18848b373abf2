"""`retarget render`: draw a trained pair."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retarget_cli.cli import options, ui
from retarget_cli.cli.options import DEFAULT_WORKSPACE, TIME
from retarget_cli.errors import UsageError
from retarget_cli.viz.score_table import candidate_rows

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
            help="How the driver's pose is fitted: "
            + "; ".join(f"{name}, {meaning}" for name, meaning in options.AFFINES.items())
            + "; or six numbers, or a JSON file with them.",
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
    flip: Annotated[str | None, typer.Option("--flip", hidden=True)] = None,
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
    if flip is not None:
        fix = f"Run `retarget train A B --flip {flip}`, then render."
        raise UsageError("which way the clips face is decided in training", where="--flip", fix=fix)
    pair = options.parse_pair(a, b)
    options.choose(look, options.LOOKS, "--look")
    affine_choice = options.parse_affine(affine)
    backdrop = options.parse_background(background)
    from retarget_cli import pipeline

    chosen = pipeline.RenderOptions(
        pair=pair, look=look, affine=affine_choice, background=backdrop, out=out, compare=compare, device=device,
        max_memory=max_memory, start=start, stop=stop, fps=fps, slow=slow, loop=loop, smooth=smooth,
    )  # fmt: skip
    with ui.working(workspace, quiet) as session:
        result = pipeline.render(chosen, session.store, session.reporter, session.stop)
    if json_output:
        ui.document({"videos": result.videos, "sheets": result.sheets, "reports": result.reports})
    else:
        show(result, workspace)


def show(result: RenderResult, workspace: Path) -> None:
    """Print the files and, for each video, which affine was taken and why, with what it was chosen from."""
    ui.lines(*[ui.short_path(path) for path in (*result.videos, *result.sheets)])
    for report in result.reports:
        ui.lines(*affine_lines(report))
        if report.get("candidates"):
            ui.table(*candidate_rows(report["candidates"], report["affine"]))
    ui.lines(f"next: {ui.command('evaluate', workspace=workspace)}")


def affine_lines(report: Mapping[str, Any]) -> list[str]:
    """``affine: moments (why)``, as far as the method's report tells."""
    taken, reason = report.get("affine"), report.get("reason")
    if not taken:
        return []
    way = ", on the driver's way" if "lost" in report else ""
    return [f"  affine: {taken}{way}" + (f" ({reason})" if reason else "")]
