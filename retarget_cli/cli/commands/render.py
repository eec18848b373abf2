"""`retarget render`: draw a trained pair."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retarget_cli.cli import options, output
from retarget_cli.cli.options import grouped, option
from retarget_cli.pipeline.options import LOOKS
from retarget_cli.viz.score_table import candidate_rows

if TYPE_CHECKING:
    from retarget_cli.pipeline.render import RenderResult


@grouped
def render(
    pair: options.Pair,
    look: str = options.look(LOOKS),
    compare: bool = option(False, None, "Also write driver and result side by side."),
    force: bool = options.force(),
    *,
    pose: options.Pose,
    picture: options.Picture,
    part: options.Part,
    tempo: options.Tempo,
    driver: options.Driver,
    machine: options.Machine,
    general: options.Working,
) -> None:
    """Draw one clip's look with the other's motion."""
    told = {"look": look, "compare": compare, "force": force}
    chosen = options.render_options(pair, pose, picture, part, tempo, driver, machine, **told)
    from retarget_cli.pipeline.render import render as render_pair

    with output.working(general) as session:
        result = render_pair(chosen, *session.tools)
    if general.json:
        output.document({"videos": result.videos, "sheets": result.sheets, "reports": result.reports})
    elif not general.quiet:
        show(result, chosen.pair, general.workspace)


def show(result: RenderResult, pair: tuple[Path, Path] | None, workspace: Path) -> None:
    """Print the files and, for each video, which affine was taken and why, with what it was chosen from.

    pair: the clips that were named. The command that scores them names them too, or else the run.
    """
    edited = [] if result.motion is None else [result.motion]
    output.lines(*[output.short_path(path) for path in (*result.videos, *result.sheets, *edited)])
    several = len(result.looks) > 1
    for report in result.reports:
        output.lines(*affine_lines(report, f" of {Path(report['video']).stem}" if several else ""))
        if report.get("candidates"):
            output.table(*candidate_rows(report["candidates"], report["affine"]))
    words = pair if pair is not None else ("--run", result.run_id) if result.run_id else ()
    output.lines(f"next: {output.command('evaluate', *words, workspace=workspace)}")


def affine_lines(report: Mapping[str, Any], whose: str = "") -> list[str]:
    """``affine: moments (why)``, as far as the method's report tells. whose: ``of cat-as-fox`` where there are two."""
    taken, reason = report.get("affine"), report.get("reason")
    if not taken:
        return []
    trajectory = ", on the driver's trajectory" if "lost" in report else ""
    return [f"  affine{whose}: {taken}{trajectory}" + (f" ({reason})" if reason else "")]
