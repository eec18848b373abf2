from __future__ import annotations

import math
from pathlib import Path

import pytest

from retarget_cli.errors import WorkspaceError
from retarget_cli.store.engine import Store


def test_records_come_back_newest_first_with_id_and_time(store: Store) -> None:
    ids = [store.record_run({"n": n, "video": Path("x/y.mp4"), "score": math.nan}) for n in range(3)]
    runs = store.runs()
    assert [run["id"] for run in runs] == ids[::-1]
    assert [run["n"] for run in runs] == [2, 1, 0]
    assert runs[0]["video"] == str(Path("x/y.mp4"))
    assert runs[0]["score"] is None
    assert runs[0]["time"] == ids[2].partition("-")[0]


def test_a_record_can_be_replaced(store: Store) -> None:
    run = store.record_run({"state": "running"})
    newer = store.record_run({"state": "other"})
    assert store.record_run({"state": "done"}, run) == run
    assert [(record["id"], record["state"]) for record in store.runs()] == [(newer, "other"), (run, "done")]


def test_what_is_no_record_is_left_out(store: Store) -> None:
    run = store.record_run({"n": 1})
    (store.root / "runs" / "30000101T000000-x.json").write_text("{")
    (store.root / "runs" / "30000102T000000-x.json").write_text("[]")
    (store.root / "runs" / f".{run}.json.00.part").write_text("{}")
    assert [record["id"] for record in store.runs()] == [run]


def test_an_id_is_a_plain_name(store: Store) -> None:
    with pytest.raises(ValueError, match="id of a run"):
        store.record_run({}, "../elsewhere")


def test_a_place_that_cannot_be_written_is_a_workspace_error(store: Store) -> None:
    (store.root / "runs").rmdir()
    (store.root / "runs").write_text("in the way")
    with pytest.raises(WorkspaceError):
        store.record_run({})
