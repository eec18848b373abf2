"""`retarget compare`: the same pair by several methods."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retarget_cli.cli import options, output
from retarget_cli.cli.options import ADVANCED, argument, grouped, option
from retarget_cli.viz.comparison_table import BEST, plain_rows, tables

if TYPE_CHECKING:
    from retarget_cli.pipeline.comparison.compare import CompareResult
    from retarget_cli.stages.score import Truth


@dataclass(frozen=True)
class Answers(options.Group):
    """The true answers, where somebody knows them."""

    truth_a: Path | None = option(None, "M", "Matte of the true answer for A moving like B.", ADVANCED)
    truth_b: Path | None = option(None, "M", "The same for B moving like A.", ADVANCED)

    def by_look(self) -> dict[str, Truth]:
        """Those that were given."""
        from retarget_cli.stages.score import Truth

        given = {"a": self.truth_a, "b": self.truth_b}
        return {look: Truth(path) for look, path in given.items() if path is not None}


@grouped
def compare(
    a: Path = argument("A", "First clip."),
    b: Path = argument("B", "Second clip."),
    methods: str | None = option(
        None,
        "LIST",
        "NAME, NAME:PRESET, or a preset of one method, with commas between; else all that have the preset.",
    ),
    *,
    recipe: options.Recipe,
    objects: options.Objects,
    segmenter: options.Segmenter,
    machine: options.Machine,
    answers: Answers,
    general: options.Working,
) -> None:
    """Put several methods side by side on one pair.

    Trains what is missing, draws both looks with each, and writes one table, a sheet and a video.
    """
    told = recipe.chosen() | segmenter.chosen() | machine.chosen()
    clips = objects.clips(a, b)
    from retarget_cli.pipeline.comparison.compare import compare as compare_methods

    with output.working(general) as session:
        result = compare_methods(clips, methods, *session.tools, truth=answers.by_look(), **told)
    if general.json:
        output.document(as_document(result))
    elif not general.quiet:
        show(result)


def as_document(result: CompareResult) -> dict[str, Any]:
    """The result as the JSON document of the command."""
    methods = [
        {**one, "run": result.runs[one["label"]], "videos": result.drawn[one["label"]]}
        for one in result.found["methods"]
    ]
    return {
        "pair": result.pair,
        "directions": result.found["directions"],
        "methods": methods,
        "table": result.table,
        "sheets": result.sheets,
        "videos": result.videos,
        "report": result.report,
    }


def show(result: CompareResult) -> None:
    """Print the tables, and where the pictures are."""
    for table in tables(result.found):
        output.table(table.columns, plain_rows(table), title=table.title)
        output.lines("")
    paths = [*result.videos.values(), *result.sheets.values()]
    output.lines(
        f"{BEST} the best of its column, among the methods of one clip or result",
        *(f"  side by side    {output.short_path(path)}" for path in paths),
        f"  what is what    {output.short_path(result.table)}",
        f"  each by itself  {output.short_path(result.table.parent)}",
        f"  all on one page {output.short_path(result.report)}",
    )
