"""`retarget runs` and `retarget renders`: what was trained in this workspace, and what was drawn of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from retarget_cli.cli import options, output
from retarget_cli.cli.options import grouped


@grouped
def runs(general: options.InWorkspace) -> None:
    """List the runs of this workspace, newest first."""
    workspace = general.workspace
    with output.reporting(general) as reporter:  # what is no record is named
        records = output.open_store(workspace, reporter).runs() if workspace.exists() else []
    if general.json:
        output.document({"runs": records})
    elif records:
        columns = ("time (UTC)", "what", "pair", "method", "preset", "seed", "run", "start")
        output.table(columns, [_row(record) for record in records])
    else:
        command = output.command("train", "a.mp4", "b.mp4")
        output.lines(f"no runs in {output.short_path(workspace)} yet; start with: {command}")


def _row(record: Mapping[str, Any]) -> tuple[str, ...]:
    config = record.get("config") or {}
    time = str(record.get("time", ""))
    when = f"{time[0:4]}-{time[4:6]}-{time[6:8]} {time[9:11]}:{time[11:13]}" if len(time) > 13 else time
    facts = [record.get("kind"), record.get("pair"), *(config.get(name) for name in ("method", "preset", "seed"))]
    facts += [record.get("id"), config.get("start")]
    return (when, *("" if fact is None else str(fact) for fact in facts))


@grouped
def renders(pair: options.Pair, general: options.InWorkspace) -> None:
    """List the files that were drawn of a pair, or of all pairs, with the commands that draw them again.

    The newest is first.
    """
    clips = pair.chosen()["pair"]
    from retarget_cli.pipeline.reproduce import rendered_files

    with output.reporting(general) as reporter:
        there = general.workspace.exists() or clips is not None
        found = rendered_files(clips, output.open_store(general.workspace, reporter)) if there else []
    if general.json:
        output.document({"renders": [asdict(one) for one in found]})
    elif not found:
        output.lines(f"nothing was rendered yet; start with: {output.command('render', workspace=general.workspace)}")
    for one in [] if general.json else found:
        gone = "" if one.there else "  (no longer there)"
        output.lines(f"{output.short_path(one.file)}  {one.when} UTC{gone}", f"  {one.command}")
