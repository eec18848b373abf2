"""`retarget report`: one page about a trained pair."""

from __future__ import annotations

from retarget_cli.cli import options, ui
from retarget_cli.cli.options import DEFAULT_WORKSPACE


def report(
    a: options.PairA = None,
    b: options.PairB = None,
    workspace: options.Workspace = DEFAULT_WORKSPACE,
    json_output: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write the report of a trained pair again: one page to open in a browser.

    Nothing is trained or drawn for it. `train`, `render` and `evaluate` write it anyway.
    """
    pair = options.parse_pair(a, b)
    from retarget_cli import pipeline

    with ui.working(workspace, quiet) as session:
        path = pipeline.make_report(pair, session.store, session.reporter)
    if json_output:
        ui.document({"report": path})
    else:
        ui.lines(ui.short_path(path))
