"""`retarget keypoints`: the motion of a render as a file, to be edited and drawn again."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from retarget_cli.cli import options, output
from retarget_cli.cli.commands.render import show
from retarget_cli.cli.options import argument, choice, grouped, option
from retarget_cli.pipeline.options import choose

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


FORMATS = ("csv", "json", "motion", "ae", "nuke", "blender", "limbs")
EDITS = "Edits, made in the order in which they are written"

app = typer.Typer(help="The keypoints of a render as a file: edit them and draw them again.", no_args_is_help=True)


@dataclass(frozen=True)
class Edits(options.Group):
    """Changes of a motion. start, stop: the part that moving, freezing and exaggerating change."""

    move: list[str] | None = option(None, "POINTS=DX,DY", "Move right and down, in half crops: tail=0,-0.1.", EDITS)
    freeze: list[str] | None = option(None, "POINTS[@TIME]", "Hold in the mean place, or as at a time: p5@12f.", EDITS)
    exaggerate: list[str] | None = option(None, "[POINTS=]FACTOR", "Move more, or less: 1.5, foot=0.5.", EDITS)
    blend: list[str] | None = option(None, "FILE[:SHARE]", "Mix in another motion: other.csv:0.3.", EDITS)
    between: list[str] | None = option(None, "TIME,TIME", "Replace what is between two poses: 10f,40f.", EDITS)
    backwards: bool = option(False, None, "Play it backwards.", EDITS)
    start: str | None = option(None, "TIME", "Where the first three begin: 1:02.5, 12.5 or 12f.", EDITS, ("--from",))
    stop: str | None = option(None, "TIME", "Where they end.", EDITS, ("--to",))


@app.command("export")
@grouped
def export(
    pair: options.Pair,
    look: str = options.look(("a", "b")),
    out: Path | None = option(
        None, "FILE", "The file; its ending can say the format: .csv, .json, .nk, .py, .txt.", names=("--out", "-o")
    ),
    kind: str | None = choice(
        None,
        FORMATS,
        "{}. The first three can be edited and drawn again; limbs: their lengths and angles.",
        names=("--format",),
        parse=lambda word: word if word is None else choose(word, FORMATS, "--format"),
    ),
    raw: bool = option(False, None, "The driver's own keypoints, not yet fitted to the subject."),
    force: bool = options.force(),
    *,
    pose: options.Pose,
    part: options.Part,
    tempo: options.Tempo,
    driver: options.Driver,
    machine: options.Machine,
    general: options.InWorkspace,
) -> None:
    """Write the keypoints of a render to a file, and a picture that names them.
    Those of objects whose kind is known have names like tail_end, all others numbers like p3.
    """
    chosen = options.render_options(pair, pose, part, tempo, driver, machine, look=look, force=force)
    from retarget_cli.pipeline import keypoints

    with output.working(general) as session:
        result = keypoints.export_motion(chosen, *session.tools, raw, out, kind)
    motion, file = result.exported, output.short_path(result.motion)
    again = output.command("keypoints", "apply", Path(file), workspace=general.workspace)
    document = {
        "motion": result.motion, "preview": result.preview, "frames": motion.timing.frames, "points": motion.names,
        "space": motion.space, "look": motion.look,
    }  # fmt: skip
    output.answer(
        general,
        document,
        f"{file}  {motion.timing.frames} frames of {len(motion.names)} points",
        *([f"  {', '.join(motion.named)}"] if motion.named else []),
        f"{output.short_path(result.preview)}  their names",
        *([f"next: {again}"] if result.again else []),
    )


@app.command("apply", cls=InOrder)
@grouped
def apply(
    context: typer.Context,
    file: Path = argument("FILE", "A motion file: .csv, .json or .motion.safetensors."),
    save: Path | None = option(None, "FILE", "Where to keep the edited motion."),
    look: str = options.look(("a", "b"), "auto", "Whose look, instead of the exported one."),
    force: bool = options.force(),
    *,
    pair: options.Pair,
    edits: Edits,
    pose: options.Pose,
    picture: options.Picture,
    tempo: options.Tempo,
    machine: options.Machine,
    general: options.InWorkspace,
) -> None:
    """Edit a motion file, here or by hand, and draw it. POINTS are like tail_end, tail, p3 or `all`."""
    chosen = options.render_options(pair, pose, picture, tempo, machine, look=look, force=force)
    given = edits.chosen()
    part = given.pop("start"), given.pop("stop")
    changes = in_order(context, given)
    from retarget_cli.pipeline import keypoints

    with output.working(general) as session:
        result = keypoints.apply_motion(file, changes, chosen, *session.tools, part, save)
    if general.json:
        output.document({"videos": result.videos, "motion": result.motion, "reports": result.reports})
    elif not general.quiet:
        show(result, chosen.pair, general.workspace)
