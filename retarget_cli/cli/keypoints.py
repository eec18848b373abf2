"""`retarget keypoints`: the motion of a render as a file, to be edited and drawn again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from retarget_cli import choices
from retarget_cli.cli import drawing, options, ui
from retarget_cli.cli.options import DEFAULT_WORKSPACE
from retarget_cli.cli.ordered import InOrder, in_order
from retarget_cli.cli.render import show

EDITS = "Edits, made in the order in which they are written"

app = typer.Typer(help="The keypoints of a render as a file: edit them and draw them again.", no_args_is_help=True)

Look = Annotated[str, typer.Option("--look", metavar="a|b", help="a: A's look, B's motion. b: the other way.")]


def _edit(name: str, metavar: str, text: str) -> object:
    return typer.Option(name, metavar=metavar, help=text, rich_help_panel=EDITS, show_default=False)


@app.command("export")
def export(
    a: options.PairA = None,
    b: options.PairB = None,
    look: Look = "a",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="The file: .csv for a spreadsheet, .json for a script, .motion.safetensors for other renders.",
            show_default=False,
        ),
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="The driver's own keypoints, to be fitted to the subject when they are drawn.")
    ] = False,
    affine: drawing.Affine = "auto",
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
    """Write the keypoints of a render to a file, and a picture that names them.

    Options are those of `render`; without any it is the render of the pair that was trained last.
    """
    pair = options.parse_pair(a, b)
    choices.choose(look, ("a", "b"), "--look")
    affine_choice = choices.parse_affine(affine)
    from retarget_cli import pipeline, posing

    chosen = pipeline.RenderOptions(
        pair=pair, look=look, affine=affine_choice, device=device, max_memory=max_memory,
        start=start, stop=stop, fps=fps, slow=slow, loop=loop, smooth=smooth,
        driver=drawing.parse_driver(driver, mask_driver, box_driver, frame_driver), flip=flip,
        follow=choices.parse_names(follow),
    )  # fmt: skip
    with ui.working(workspace, quiet) as session:
        result = posing.export_motion(chosen, session.store, session.reporter, session.stop, raw, out)
    motion = result.exported
    if json_output:
        ui.document(
            {
                "motion": result.motion,
                "preview": result.preview,
                "frames": motion.timing.frames,
                "points": motion.names,
                "space": motion.space,
                "look": motion.look,
            }
        )
        return
    ui.lines(
        f"{ui.short_path(result.motion)}  {motion.timing.frames} frames of {len(motion.names)} points",
        f"{ui.short_path(result.preview)}  their names",
        f"next: {ui.command('keypoints', 'apply', ui.short_path(result.motion), workspace=workspace)}",
    )


@app.command("apply", cls=InOrder)
def apply(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A motion file: .csv, .json or .motion.safetensors.")],
    a: options.PairA = None,
    b: options.PairB = None,
    move: Annotated[
        list[str] | None,
        _edit(
            "--move", "POINTS=DX,DY", "Move points to the right and down, e.g. p3,p4=0.1,-0.05 half sides of the crop."
        ),
    ] = None,
    freeze: Annotated[
        list[str] | None,
        _edit("--freeze", "POINTS[@TIME]", "Hold points in their mean place, or where they are then: p5, p5@12f."),
    ] = None,
    exaggerate: Annotated[
        list[str] | None,
        _edit(
            "--exaggerate", "[POINTS=]FACTOR", "Move points so many times as far from their mean place: 1.5, p5=0.5."
        ),
    ] = None,
    blend: Annotated[
        list[str] | None,
        _edit("--blend", "FILE[:SHARE]", "Mix in another motion, half of it or a share: other.csv:0.3."),
    ] = None,
    between: Annotated[
        list[str] | None,
        _edit("--between", "TIME,TIME", "Replace what lies between two poses by a smooth way: 10f,40f."),
    ] = None,
    backwards: Annotated[bool, _edit("--backwards", "", "Play it backwards.")] = False,
    start: Annotated[
        str | None,
        _edit("--from", "TIME", "Move, freeze and exaggerate from here on: 1:02.5, 12.5 or 12f."),
    ] = None,
    stop: Annotated[str | None, _edit("--to", "TIME", "And until here.")] = None,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="FILE", help="Where to write the edited motion.", show_default=False),
    ] = None,
    look: Annotated[
        str,
        typer.Option("--look", metavar="a|b", help="Whose look.", show_default="the one it was exported for"),
    ] = "auto",
    affine: drawing.Affine = "auto",
    background: drawing.Background = "subject",
    out: drawing.Out = None,
    fps: drawing.Fps = None,
    slow: drawing.Slow = None,
    loop: drawing.Loop = 1,
    smooth: drawing.Smooth = "0",
    follow: drawing.Follow = "",
    device: options.Device = None,
    max_memory: options.MaxMemory = None,
    workspace: options.Workspace = DEFAULT_WORKSPACE,
    json_output: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Edit a motion file, by these options or beforehand by hand, and draw it.

    POINTS are names with commas between them, or `all`. --affine fits a motion that was exported with --raw.
    """
    pair = options.parse_pair(a, b)
    choices.choose(look, ("a", "b", "auto"), "--look")
    affine_choice, backdrop = choices.parse_affine(affine), choices.parse_background(background)
    given = {
        "move": move, "freeze": freeze, "exaggerate": exaggerate, "blend": blend, "between": between,
        "backwards": backwards,
    }  # fmt: skip
    changes = in_order(context, given)
    from retarget_cli import pipeline, posing

    chosen = pipeline.RenderOptions(
        pair=pair, look=look, affine=affine_choice, background=backdrop, out=out, device=device, max_memory=max_memory,
        fps=fps, slow=slow, loop=loop, smooth=smooth, follow=choices.parse_names(follow),
    )  # fmt: skip
    with ui.working(workspace, quiet) as session:
        result = posing.apply_motion(
            file, changes, chosen, session.store, session.reporter, session.stop, (start, stop), save
        )
    if json_output:
        ui.document({"videos": result.videos, "motion": result.motion, "reports": result.reports})
    else:
        show(result, workspace)
