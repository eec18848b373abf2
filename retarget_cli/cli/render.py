"""`retarget render`: draw a trained pair."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retarget_cli.cli import options, output
from retarget_cli.cli.options import DEFAULT_WORKSPACE
from retarget_cli.pipeline.options import LOOKS, choose, parse_affine, parse_background, parse_names
from retarget_cli.viz.score_table import candidate_rows

if TYPE_CHECKING:
    from retarget_cli.pipeline.render import RenderResult


def render(
    a: options.PairA = None,
    b: options.PairB = None,
    look: Annotated[
        str, typer.Option("--look", metavar="a|b|both", help="a: A's look, B's motion. b: the other way.")
    ] = "a",
    affine: options.Affine = "auto",
    background: options.Background = "subject",
    out: options.Out = None,
    compare: Annotated[bool, typer.Option("--compare", help="Also write driver and result side by side.")] = False,
    start: options.Start = None,
    stop: options.Stop = None,
    fps: options.Fps = None,
    slow: options.Slow = None,
    loop: options.Loop = 1,
    smooth: options.Smooth = "0",
    driver: options.Driver = None,
    mask_driver: options.MaskDriver = None,
    box_driver: options.BoxDriver = None,
    frame_driver: options.FrameDriver = 0,
    flip: options.Flip = "auto",
    follow: options.Follow = "",
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
    choose(look, LOOKS, "--look")
    affine_choice = parse_affine(affine)
    backdrop = parse_background(background)
    from retarget_cli.pipeline.options import RenderOptions
    from retarget_cli.pipeline.render import render as render_pair

    chosen = RenderOptions(
        pair=pair, look=look, affine=affine_choice, background=backdrop, out=out, compare=compare, device=device,
        max_memory=max_memory, start=start, stop=stop, fps=fps, slow=slow, loop=loop, smooth=smooth,
        driver=options.parse_driver(driver, mask_driver, box_driver, frame_driver), flip=flip,
        follow=parse_names(follow),
    )  # fmt: skip
    with output.working(workspace, quiet) as session:
        result = render_pair(chosen, session.store, session.reporter, session.stop)
    if json_output:
        output.document({"videos": result.videos, "sheets": result.sheets, "reports": result.reports})
    else:
        show(result, workspace)


def show(result: RenderResult, workspace: Path) -> None:
    """Print the files and, for each video, which affine was taken and why, with what it was chosen from."""
    edited = [] if result.motion is None else [result.motion]
    output.lines(*[output.short_path(path) for path in (*result.videos, *result.sheets, *edited)])
    several = len(result.looks) > 1
    for report in result.reports:
        output.lines(*affine_lines(report, f" of {Path(report['video']).stem}" if several else ""))
        if report.get("candidates"):
            output.table(*candidate_rows(report["candidates"], report["affine"]))
    output.lines(f"next: {output.command('evaluate', workspace=workspace)}")


def affine_lines(report: Mapping[str, Any], whose: str = "") -> list[str]:
    """``affine: moments (why)``, as far as the method's report tells. whose: ``of cat-as-fox`` where there are two."""
    taken, reason = report.get("affine"), report.get("reason")
    if not taken:
        return []
    way = ", on the driver's way" if "lost" in report else ""
    return [f"  affine{whose}: {taken}{way}" + (f" ({reason})" if reason else "")]
