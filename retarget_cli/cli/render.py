"""`retarget render`: draw a trained pair."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retarget_cli import choices
from retarget_cli.cli import drawing, options, ui
from retarget_cli.cli.options import DEFAULT_WORKSPACE
from retarget_cli.viz.score_table import candidate_rows

if TYPE_CHECKING:
    from retarget_cli.pipeline import RenderResult


def render(
    a: options.PairA = None,
    b: options.PairB = None,
    look: Annotated[
        str, typer.Option("--look", metavar="a|b|both", help="a: A's look, B's motion. b: the other way.")
    ] = "a",
    affine: drawing.Affine = "auto",
    background: drawing.Background = "subject",
    out: drawing.Out = None,
    compare: Annotated[bool, typer.Option("--compare", help="Also write driver and result side by side.")] = False,
    start: drawing.Start = None,
    stop: drawing.Stop = None,
    fps: drawing.Fps = None,
    slow: drawing.Slow = None,
    loop: drawing.Loop = 1,
    smooth: drawing.Smooth = "0",
    driver: drawing.Driver = None,
    mask_driver: options.MaskDriver = None,
    box_driver: options.BoxDriver = None,
    frame_driver: options.FrameDriver = 0,
    flip: drawing.Flip = "auto",
    follow: drawing.Follow = "",
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
    choices.choose(look, choices.LOOKS, "--look")
    affine_choice = choices.parse_affine(affine)
    backdrop = choices.parse_background(background)
    from retarget_cli import pipeline

    chosen = pipeline.RenderOptions(
        pair=pair, look=look, affine=affine_choice, background=backdrop, out=out, compare=compare, device=device,
        max_memory=max_memory, start=start, stop=stop, fps=fps, slow=slow, loop=loop, smooth=smooth,
        driver=drawing.parse_driver(driver, mask_driver, box_driver, frame_driver), flip=flip,
        follow=choices.parse_names(follow),
    )  # fmt: skip
    with ui.working(workspace, quiet) as session:
        result = pipeline.render(chosen, session.store, session.reporter, session.stop)
    if json_output:
        ui.document({"videos": result.videos, "sheets": result.sheets, "reports": result.reports})
    else:
        show(result, workspace)


def show(result: RenderResult, workspace: Path) -> None:
    """Print the files and, for each video, which affine was taken and why, with what it was chosen from."""
    edited = [] if result.motion is None else [result.motion]
    ui.lines(*[ui.short_path(path) for path in (*result.videos, *result.sheets, *edited)])
    several = len(result.looks) > 1
    for report in result.reports:
        ui.lines(*affine_lines(report, f" of {Path(report['video']).stem}" if several else ""))
        if report.get("candidates"):
            ui.table(*candidate_rows(report["candidates"], report["affine"]))
    ui.lines(f"next: {ui.command('evaluate', workspace=workspace)}")


def affine_lines(report: Mapping[str, Any], whose: str = "") -> list[str]:
    """``affine: moments (why)``, as far as the method's report tells. whose: ``of cat-as-fox`` where there are two."""
    taken, reason = report.get("affine"), report.get("reason")
    if not taken:
        return []
    way = ", on the driver's way" if "lost" in report else ""
    return [f"  affine{whose}: {taken}{way}" + (f" ({reason})" if reason else "")]
