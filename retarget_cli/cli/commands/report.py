"""`retarget report`: one page about a trained pair."""

from __future__ import annotations

from retarget_cli.cli import options, output
from retarget_cli.cli.options import grouped


@grouped
def report(pair: options.Pair, general: options.InWorkspace) -> None:
    """Write the report of a trained pair again: one page to open in a browser.

    Nothing is trained or drawn for it. `train`, `render` and `evaluate` write it anyway.
    """
    clips = pair.chosen()["pair"]
    from retarget_cli.pipeline.report import make_report

    with output.working(general) as session:
        path = make_report(clips, session.store, session.reporter)
    output.answer(general, {"report": path}, output.short_path(path))
