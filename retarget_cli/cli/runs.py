"""`retarget runs`: what was trained in this workspace."""

from __future__ import annotations

from collections.abc import Mapping
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
        columns = ("time (UTC)", "what", "pair", "preset", "seed", "run", "start")
        output.table(columns, [_row(record) for record in records])
    else:
        command = output.command("train", "a.mp4", "b.mp4")
        output.lines(f"no runs in {output.short_path(workspace)} yet; start with: {command}")


def _row(record: Mapping[str, Any]) -> tuple[str, ...]:
    config = record.get("config") or {}
    time = str(record.get("time", ""))
    when = f"{time[0:4]}-{time[4:6]}-{time[6:8]} {time[9:11]}:{time[11:13]}" if len(time) > 13 else time
    facts = [record.get("kind"), record.get("pair"), config.get("preset"), config.get("seed"), record.get("id")]
    facts.append(config.get("start"))
    return (when, *("" if fact is None else str(fact) for fact in facts))
