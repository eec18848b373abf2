"""`retarget keypoints`: the motion of a render as a file, to be edited and drawn again."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from retarget_cli.cli import options, output
from retarget_cli.cli.options import DEFAULT_WORKSPACE
from retarget_cli.cli.render import show
from retarget_cli.pipeline.options import choose, parse_affine, parse_background, parse_names

_ORDER = "retarget.order"


class InOrder(TyperCommand):
    """A command that remembers the order in which its options were written."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: D102 - Typer's own
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        ctx.meta[_ORDER] = [parameter.name for parameter in order]
        return super().parse_args(ctx, args)


def in_order(context: typer.Context, given: Mapping[str, Sequence[str] | bool | None]) -> list[tuple[str, str]]:
    """(option, value) for every time that one of the options was written, first to last; a flag's value is empty.

    given: what Typer handed over, by parameter, of a command of the class :class:`InOrder`.
    """
    values = {name: iter([""] if value is True else value) for name, value in given.items() if value}
    named = [name for name in context.meta[_ORDER] if name in values]
    return [(f"--{name}", value) for name in named for value in itertools.islice(values[name], 1)]


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
    affine: options.Affine = "auto",
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
    """Write the keypoints of a render to a file, and a picture that names them.

    Options are those of `render`; without any it is the render of the pair that was trained last.
    """
    pair = options.parse_pair(a, b)
    choose(look, ("a", "b"), "--look")
    affine_choice = parse_affine(affine)
    from retarget_cli.pipeline import keypoints
    from retarget_cli.pipeline.options import RenderOptions

    chosen = RenderOptions(
        pair=pair, look=look, affine=affine_choice, device=device, max_memory=max_memory,
        start=start, stop=stop, fps=fps, slow=slow, loop=loop, smooth=smooth,
        driver=options.parse_driver(driver, mask_driver, box_driver, frame_driver), flip=flip,
        follow=parse_names(follow),
    )  # fmt: skip
    with output.working(workspace, quiet) as session:
        result = keypoints.export_motion(chosen, session.store, session.reporter, session.stop, raw, out)
    motion = result.exported
    if json_output:
        output.document(
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
    output.lines(
        f"{output.short_path(result.motion)}  {motion.timing.frames} frames of {len(motion.names)} points",
        f"{output.short_path(result.preview)}  their names",
        f"next: {output.command('keypoints', 'apply', output.short_path(result.motion), workspace=workspace)}",
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
    affine: options.Affine = "auto",
    background: options.Background = "subject",
    out: options.Out = None,
    fps: options.Fps = None,
    slow: options.Slow = None,
    loop: options.Loop = 1,
    smooth: options.Smooth = "0",
    follow: options.Follow = "",
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
    choose(look, ("a", "b", "auto"), "--look")
    affine_choice, backdrop = parse_affine(affine), parse_background(background)
    given = {
        "move": move, "freeze": freeze, "exaggerate": exaggerate, "blend": blend, "between": between,
        "backwards": backwards,
    }  # fmt: skip
    changes = in_order(context, given)
    from retarget_cli.pipeline import keypoints
    from retarget_cli.pipeline.options import RenderOptions

    chosen = RenderOptions(
        pair=pair, look=look, affine=affine_choice, background=backdrop, out=out, device=device, max_memory=max_memory,
        fps=fps, slow=slow, loop=loop, smooth=smooth, follow=parse_names(follow),
    )  # fmt: skip
    with output.working(workspace, quiet) as session:
        result = keypoints.apply_motion(
            file, changes, chosen, session.store, session.reporter, session.stop, (start, stop), save
        )
    if json_output:
        output.document({"videos": result.videos, "motion": result.motion, "reports": result.reports})
    else:
        show(result, workspace)
