"""Records of runs: one small file a run, newest first."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from retarget_cli.store.keys import lenient_json
from retarget_cli.utils.atomic import write_json_atomic


def write_run(folder: Path, record: Mapping[str, Any], run_id: str | None = None) -> str:
    """Write a record, or replace the one called `run_id`, whole or not at all. Returns its id; raises OSError.

    The id begins with the UTC time, so that ids sort by age. ``id`` and ``time`` are added to the record;
    a replaced record keeps its time.
    """
    now = datetime.now(UTC)
    run_id = run_id or f"{now:%Y%m%dT%H%M%S.%fZ}-{uuid.uuid4().hex[:6]}"
    if Path(run_id).name != run_id:
        raise ValueError(f"{run_id!r} cannot be the id of a run")
    time = run_id.partition("-")[0]
    write_json_atomic(folder / f"{run_id}.json", {**lenient_json(record), "id": run_id, "time": time})
    return run_id


def read_runs(folder: Path) -> list[dict[str, Any]]:
    """Every record, newest first. What cannot be read as a record is left out."""
    records = []
    for path in sorted(folder.glob("*.json"), key=lambda path: path.name, reverse=True):
        if path.name.startswith("."):
            continue
        try:
            record = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(record, dict):
            records.append({**record, "id": path.stem})
    return records
