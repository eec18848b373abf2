from __future__ import annotations

import copy
import json
import math
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from retarget_cli.errors import WorkspaceError
from retarget_cli.store import runs
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


GOOD = {
    "kind": "train",
    "pair": "cat--fox",
    "clips": {
        side: {
            "name": side,
            "path": f"/{side}.mp4",
            "digest": side * 64,
            "matte": None,
            "matte_digest": None,
            "hints": [],
        }
        for side in "ab"
    },
    "config": {},
    "stages": {"crop:cat": {"stage": "crop", "key": "c" * 64, "digest": "d" * 64}},
}


def changed(path: str, value: object) -> dict:
    record = copy.deepcopy(GOOD)
    *before, last = path.split("/")
    inner = record
    for name in before:
        inner = inner[name]
    inner[last] = value
    return record


def deep(times: int) -> object:
    return [deep(times - 1)] if times else 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("pair", "../../elsewhere"),
        ("pair", "/tmp/elsewhere"),
        ("pair", ".."),
        ("pair", ""),
        ("pair", "a\\b"),
        ("pair", "x" * 256),
        ("pair", None),
        ("kind", []),
        ("clips/a/name", "../cat"),
        ("clips/a/name", "/cat"),
        ("clips/a/digest", "short"),
        ("clips/a/path", 3),
        ("clips/a/matte", 3),
        ("clips/a/rate", "fast"),
        ("clips/a/hints", [{"frame": 0}]),
        ("clips/a/hints", [{"frame": 0, "box": [1, 2], "points": []}]),
        ("clips", {"a": {}}),
        ("stages/crop:cat", {"stage": "../..", "key": "c" * 64}),
        ("stages/crop:cat", {"stage": "crop", "key": "../.."}),
        ("stages", []),
        ("results", {"x": 1}),
        ("rendered", {"../x": {}}),
        ("rendered", {"x": 1}),
        ("renders", {}),
        ("renders", [{"file": "a.mp4"}]),
        ("config", 3),
        ("notes", deep(30)),
    ],
)
def test_a_record_out_of_form_is_named_and_left_out(
    store: Store, warnings: list[str], path: str, value: object
) -> None:
    good = store.record_run(GOOD)
    bad = store.root / "runs" / "20300101T000000.000000Z-bad.json"
    bad.write_text(json.dumps(changed(path, value)))
    for _ in range(2):
        assert [record["id"] for record in store.runs()] == [good]
    assert len(warnings) == 1
    assert str(bad) in warnings[0]
    assert [each.path for each in store.bad_records()] == [bad]


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '{"n": 1e999}', '{"seal": "x"}', "\x00", "NaN"])
def test_a_file_that_is_no_record_is_named_and_left_out(store: Store, warnings: list[str], text: str) -> None:
    (store.root / "runs" / "x.json").write_text(text)
    assert store.runs() == ([] if "999" not in text else [{"n": math.inf, "id": "x"}])
    assert len(warnings) == ("999" not in text)


def test_a_record_too_large_to_be_one_is_not_read(store: Store, warnings: list[str]) -> None:
    path = store.root / "runs" / "x.json"
    path.write_bytes(b'{"a": "' + bytes(runs.MOST_BYTES) + b'"}')
    assert store.runs() == []
    assert "bytes" in warnings[0]


def test_a_link_is_no_record(store: Store, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text("{}")
    (store.root / "runs" / "x.json").symlink_to(tmp_path / "secret.json")
    assert store.runs() == []


def test_a_flipped_bit_anywhere_in_a_record_is_noticed_or_harmless(store: Store) -> None:
    path = store.root / "runs" / f"{store.record_run(GOOD)}.json"
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        for record in store.runs():  # the name of the seal itself was hit
            assert {name: record[name] for name in GOOD} == GOOD
            assert b'"seal"' not in path.read_bytes()
    path.write_bytes(whole)
    assert len(store.runs()) == 1


def test_records_of_older_versions_have_no_seal_and_are_read(store: Store) -> None:
    (store.root / "runs" / "20250101T000000.000000Z-abcdef.json").write_text(json.dumps(GOOD))
    assert [record["pair"] for record in store.runs()] == ["cat--fox"]


@pytest.mark.parametrize("shift", [-400, 400])
def test_the_newest_run_is_the_last_one_whatever_the_clock(
    store: Store, monkeypatch: pytest.MonkeyPatch, shift: int
) -> None:
    first = store.record_run({"n": 1})

    class Moved(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(days=shift)

    monkeypatch.setattr(runs, "datetime", Moved)
    second = store.record_run({"n": 2})
    monkeypatch.undo()
    third = store.record_run({"n": 3})
    assert [record["id"] for record in store.runs()] == [third, second, first]
