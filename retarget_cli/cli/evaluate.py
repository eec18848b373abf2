"""`retarget evaluate`: score a trained pair."""

from __future__ import annotations

from typing import Annotated

import typer

from retarget_cli.cli import options, output
from retarget_cli.cli.options import DEFAULT_WORKSPACE
from retarget_cli.viz.score_table import COLUMNS, rows


def evaluate(
    a: options.PairA = None,
    b: options.PairB = None,
    run: Annotated[
        str | None, typer.Option("--run", metavar="ID", help="An older run, as `retarget runs` lists them.")
    ] = None,
    workspace: options.Workspace = DEFAULT_WORKSPACE,
    json_output: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Score a trained pair in both directions, without any pretrained network.

    Without clips it takes the pair that was trained last; what is not rendered yet is rendered first.
    """
    pair = options.parse_pair(a, b)
    from retarget_cli.pipeline.evaluate import evaluate as evaluate_pair

    with output.working(workspace, quiet) as session:
        scores = evaluate_pair(pair, session.store, session.reporter, session.stop, run_id=run)
    if json_output:
        output.document(scores)
    else:
        output.table(COLUMNS, rows(scores), title=f"pair {scores.get('pair', '')}")
