"""`retarget report`: one page about a trained pair."""

from __future__ import annotations

from retarget_cli.cli import options, output
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
    from retarget_cli.pipeline.report import make_report

    with output.working(workspace, quiet) as session:
        path = make_report(pair, session.store, session.reporter)
    if json_output:
        output.document({"report": path})
    else:
        output.lines(output.short_path(path))
