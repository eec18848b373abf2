"""`retarget evaluate`: score a trained pair."""

from __future__ import annotations

from retarget_cli.cli import completion, options, output
from retarget_cli.cli.options import grouped, option
from retarget_cli.viz.score_table import COLUMNS, rows


@grouped
def evaluate(
    pair: options.Pair,
    run: str | None = option(None, "ID", "An older run from `retarget runs`.", autocompletion=completion.run_ids),
    *,
    general: options.Working,
) -> None:
    """Score a trained pair in both directions, without any pretrained network.

    What is not rendered yet is rendered first.
    """
    clips = pair.chosen()["pair"]
    from retarget_cli.pipeline.evaluate import evaluate as evaluate_pair

    with output.working(general) as session:
        scores = evaluate_pair(clips, *session.tools, run_id=run)
    if general.json:
        output.document(scores)
    else:
        output.table(COLUMNS, rows(scores), title=f"pair {scores.get('pair', '')}")
