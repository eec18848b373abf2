from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from retarget_cli.errors import WorkspaceError
from retarget_cli.store import gc
from retarget_cli.store.engine import Entry, Store

Make = Callable[..., Entry]
OLD = time.time() - 30 * 86400


def age(*paths: Path) -> None:
    """Make files and folders, with all in them, a month old."""
    for path in paths:
        for item in (path, *path.rglob("*")):
            os.utime(item, (OLD, OLD))


def names(store: Store) -> set[str]:
    return {entry.key for entry in store.entries()}


def test_what_no_recent_run_needs_is_deleted(store: Store, make: Make) -> None:
    base = make(1, stage="ingest", data=b"x" * 1000)
    top = make(2, stage="crop", source=base.digest)
    forgotten, unnamed = make(3, stage="crop", data=b"y" * 500), make(4)
    age(store.root)
    store.record_run({"stages": {"crop:a": {"key": forgotten.key}}})
    store.record_run({"used": [f"crop/{top.key}"]})
    todo = gc.plan(store, keep_runs=1)
    assert {entry.key for entry in todo.entries} == {forgotten.key, unnamed.key}
    assert gc.prune(store, keep_runs=1, dry_run=True) == todo.size > 500
    assert len(names(store)) == 4
    assert gc.prune(store, keep_runs=1) == todo.size
    assert names(store) == {base.key, top.key}, "kept with what it was made from"
    assert gc.prune(store, keep_runs=1) == 0
    assert len(store.runs()) == 2


def test_a_digest_protects_as_a_key_does(store: Store, make: Make) -> None:
    entry = make()
    age(store.root)
    store.record_run({"used": entry.digest})
    gc.prune(store)
    assert names(store) == {entry.key}


def test_young_entries_stay_with_what_they_were_made_from(store: Store, make: Make) -> None:
    base, other = make(1, stage="ingest"), make(2, stage="ingest")
    age(store.root)
    top = make(3, stage="crop", source=base.digest)
    gc.prune(store)
    assert names(store) == {base.key, top.key}
    assert not other.path.exists()
    gc.prune(store, keep_runs=0, min_age=-1)
    assert names(store) == set()


def test_leftovers_of_dead_processes_go_when_they_are_old(store: Store) -> None:
    old, young = store.root / "tmp" / f"{'a' * 64}.0", store.root / "tmp" / f"{'b' * 64}.0"
    broken = store.root / "quarantine" / "crop-a.0"
    for path in (old, young, broken):
        path.mkdir()
        (path / "f").write_bytes(b"12345")
    age(old, broken)
    assert gc.prune(store) == 10
    assert young.exists()
    assert not old.exists()
    assert not broken.exists()


def test_checkpoints_go_when_finished_or_old_and_unnamed(store: Store, make: Make) -> None:
    finished = store.work("matte", make().key)
    old, young, named = (store.work("fit", letter * 64) for letter in "abc")
    for path in (finished, old, young, named):
        (path / "checkpoint").write_bytes(b"1")
    age(old, named)
    store.record_run({"interrupted": "c" * 64})
    gc.prune(store)
    assert [path.exists() for path in (finished, old, young, named)] == [False, False, True, True]


def test_what_a_damaged_record_names_stays(store: Store, make: Make) -> None:
    base = make(1, stage="ingest")
    named, unnamed = make(2, stage="crop", source=base.digest), make(3)
    record = store.root / "runs" / f"{store.record_run({'stages': {'x': {'stage': 'crop', 'key': named.key}}})}.json"
    record.write_text(record.read_text().replace('"stage":"crop"', '"stage":"../x"'))
    for n in range(20):  # newer ones, that would push it out
        store.record_run({"n": n})
    age(store.root)
    gc.prune(store, keep_runs=1)
    assert names(store) == {base.key, named.key}
    assert not unnamed.path.exists()
    assert record.exists()


def test_a_record_that_is_no_text_protects_all_the_same(store: Store, make: Make) -> None:
    entry = make()
    path = store.root / "runs" / "broken.json"
    path.write_bytes(b"\x00" * (2**20 - 40) + entry.digest.encode() + b"\xff")
    age(store.root)
    gc.prune(store)
    assert names(store) == {entry.key}


def test_nothing_is_deleted_while_another_process_works(store: Store, make: Make, hold_elsewhere: Callable) -> None:
    entry = make()
    age(store.root)
    key = "c" * 64
    draft = store.root / "tmp" / f"{key}.0"
    draft.mkdir()
    age(draft)
    process = hold_elsewhere(store.root / "locks", key)
    try:
        assert gc.plan(store).leftovers == ()
        with pytest.raises(WorkspaceError, match="another process"):
            gc.prune(store)
        assert entry.path.exists()
    finally:
        process.kill()
        process.communicate()
    gc.prune(store)
    assert not entry.path.exists()


def crops(store: Store, make: Make, count: int) -> list[Entry]:
    """Crops of 1000 bytes, used one after the other, none by this process."""
    made = [make(10 + number, stage="crop", data=b"x" * 1000) for number in range(count)]
    for number, entry in enumerate(made):
        age(entry.path)
        os.utime(entry.path / "receipt.json", (OLD + number, OLD + number))
    store.used.clear()
    return made


def test_what_was_used_longest_ago_goes_until_the_rest_fits(store: Store, make: Make) -> None:
    made, dear = crops(store, make, 4), make(2, stage="geometry", data=b"y" * 9000)
    store.cache_size = 2500
    assert store.find("crop", made[0].key) is not None  # and so it was used last
    store.used.clear()
    assert gc.shrink(store, ["crop"]) >= 2000
    assert names(store) == {made[0].key, made[3].key, dear.key}
    assert gc.shrink(store, ["crop"]) == 0


def test_what_this_process_used_and_the_newest_run_of_each_pair_needs_stays(store: Store, make: Make) -> None:
    made = crops(store, make, 5)

    def run_of(pair: str, entry: Entry) -> None:
        clips = {side: {"name": side, "path": side, "digest": pair * 64} for side in "ab"}
        store.record_run({"clips": clips, "stages": {"crop:a": {"stage": "crop", "key": entry.key}}})

    run_of("1", made[0])
    run_of("1", made[1])
    run_of("2", made[2])
    store.find("crop", made[3].key)
    store.cache_size = 1
    gc.shrink(store, ["crop"])
    assert names(store) == {made[1].key, made[2].key, made[3].key}


def test_without_a_size_little_is_never_too_much(store: Store, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made = crops(store, make, 3)
    assert gc.shrink(store, ["crop"]) == 0
    monkeypatch.setattr(gc, "LEAST", 1500)
    full = shutil.disk_usage(store.root)._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    gc.shrink(store, ["crop"])
    assert names(store) == {made[2].key}
