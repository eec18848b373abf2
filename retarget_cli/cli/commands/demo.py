"""`retarget demo`: see it work on clips that the program draws itself."""

from __future__ import annotations

from pathlib import Path

from retarget_cli.cli import options, output
from retarget_cli.cli.commands.train import as_document
from retarget_cli.cli.options import choice, grouped, option
from retarget_cli.findings import as_lines
from retarget_cli.pipeline.options import choose
from retarget_cli.pipeline.outputs import REPORT
from retarget_cli.viz.score_table import COLUMNS, rows

KINDS = ("quadrupeds", "bipeds", "plants")


@grouped
def demo(
    folder: Path = option(Path("demo"), "FOLDER", "Where the clips are drawn.", show_default=True),
    kind: str = choice(
        KINDS[0], KINDS, "What is drawn: {}.", show_default=True, parse=lambda kind: choose(kind, KINDS, "--kind")
    ),
    seed: int = option(0, "N", "Seed of the drawing and of the training.", min=0, show_default=True),
    init_from: str | None = options.init_from(),
    *,
    recipe: options.Recipe,
    device: options.Device,
    general: options.InWorkspace,
) -> None:
    """Draw a pair of clips, train on it, render both directions, score them against the truth.

    The drawn clips bring their own mattes: nothing has to be downloaded. Without --preset, training is shortened.
    """
    from retarget_cli.pipeline.demo import QUICK
    from retarget_cli.pipeline.demo import demo as show
    from retarget_cli.pipeline.settings import load_config

    told = recipe.chosen() | device.chosen()
    quick = QUICK if recipe.preset is None else ()
    settings = load_config(**{**told, "changes": (*quick, *told["changes"])}, seed=seed, start=init_from)
    with output.working(general, settings) as session:
        result = show(folder, settings, *session.tools, seed=seed, kind=kind)
    if general.json:
        made = {"videos": result.rendered.videos, "sheets": result.rendered.sheets}
        output.document({"folder": folder, "train": as_document(result.trained), **made, "scores": result.scores})
        return
    if general.quiet:
        return
    output.table(COLUMNS, rows(result.scores), title="how well it went")
    output.lines("", *as_lines(result.trained.verdict, (result.sample.a.stem, result.sample.b.stem)))
    drawn = f"{output.short_path(result.sample.a)}, {output.short_path(result.sample.b)}"
    output.lines("", f"the drawn clips  {drawn}", "what came out:")
    files = (*result.rendered.videos, *result.rendered.sheets, result.trained.folder / REPORT)
    output.lines(*[f"  {output.short_path(path)}" for path in files])
    output.lines("now yours:", f"  {output.command('train', 'a.mp4', 'b.mp4')}")
