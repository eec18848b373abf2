"""Who is at work: one process never deletes what another living one needs."""

from __future__ import annotations

import gc as garbage
import os
import time
from collections.abc import Callable
from pathlib import Path

import filelock
import pytest

from retarget_cli.errors import WorkspaceError
from retarget_cli.store import gc, presence
from retarget_cli.store.engine import Entry, Store
from retarget_cli.store.presence import draft_name

KEY = "a" * 64
ELSEWHERE = "00000000-12-34"
Make = Callable[..., Entry]

WORKER = """
import sys, time
from pathlib import Path
from retarget_cli.store.engine import Store
store = Store(Path(sys.argv[1]))
store.find("crop", "a" * 64)
print("ready", flush=True)
time.sleep(60)
"""
DRAFTER = """
import fcntl, sys, time
from pathlib import Path
fcntl.flock = lambda *_: None  # as on file systems that only pretend
from retarget_cli.store.engine import Store
store = Store(Path(sys.argv[1]))
with store.draft("crop", "a" * 64, params={}, inputs={}) as draft:
    (draft.path / "half").write_text("half")
    (store.work("crop", "a" * 64) / "checkpoint").write_text("step 1")
    print(draft.path.name, flush=True)
    time.sleep(60)
"""


def old(*paths: Path) -> None:
    for path in paths:
        for item in (path, *path.rglob("*")):
            os.utime(item, (1e9, 1e9))


def ended(process) -> None:
    process.kill()
    process.communicate()


def test_who_is_at_work_shows_until_the_store_is_forgotten(store: Store) -> None:
    assert not list((store.root / "locks").iterdir())
    worker = Store(store.root)
    worker.find("crop", KEY)
    assert len(list((store.root / "locks").glob("*.alive"))) == 1
    del worker
    garbage.collect()
    assert not list((store.root / "locks").iterdir())


def test_pruning_waits_for_a_process_between_two_stages(store: Store, make: Make, python: Callable) -> None:
    entry = make()
    old(store.root)
    process = python(WORKER, store.root)
    assert process.stdout.readline() == "ready\n"
    old(*(store.root / "locks").iterdir())  # a clock that jumped: it is asked whether it lives, not when it was heard
    for force in (False, True):
        with pytest.raises(WorkspaceError, match="another process"):
            gc.prune(store, force=force)
    assert entry.path.exists()
    ended(process)
    assert gc.prune(store) > 0
    assert not entry.path.exists()


def test_a_small_cache_is_not_made_smaller_while_another_process_is_at_work(
    store: Store, make: Make, python: Callable
) -> None:
    entry = make(stage="crop")
    store.used.clear()
    store.cache_size = 1
    process = python(WORKER, store.root)
    assert process.stdout.readline() == "ready\n"
    assert gc.shrink(store, ["crop"]) == 0
    assert entry.path.exists()
    ended(process)
    assert gc.shrink(store, ["crop"]) > 0
    assert not entry.path.exists()


def test_who_begins_while_another_one_deletes_waits(store: Store, python: Callable) -> None:
    with store.presence.alone():
        process = python(WORKER, store.root)
        time.sleep(1.0)
        assert list((store.root / "locks").glob("*.alive"))
        os.set_blocking(process.stdout.fileno(), False)
        assert not process.stdout.readline()
        os.set_blocking(process.stdout.fileno(), True)
    assert process.stdout.readline() == "ready\n"
    ended(process)


def test_a_killed_deletion_does_not_keep_others_waiting(store: Store, python: Callable) -> None:
    process = python(WORKER.replace("store.find", "store.presence.alone().__enter__() #"), store.root)
    assert process.stdout.readline() == "ready\n"
    ended(process)
    store.find("crop", KEY)


def test_pruning_refuses_while_another_machine_may_be_at_work(store: Store, make: Make) -> None:
    entry = make()
    old(store.root)
    mark = store.root / "locks" / f"{ELSEWHERE}.01234567.alive"
    mark.write_bytes(b"")
    with pytest.raises(WorkspaceError, match="cannot be known") as caught:
        gc.prune(store)
    assert "--force" in caught.value.fix
    assert entry.path.exists()
    os.utime(mark, (time.time() - 2 * presence.SILENT_SECONDS,) * 2)
    gc.prune(store)
    assert not entry.path.exists()
    assert not mark.exists()


def test_pruning_refuses_over_a_draft_of_another_machine(store: Store, make: Make) -> None:
    draft = store.root / "tmp" / f"{KEY}.{ELSEWHERE}.{'0' * 32}"
    draft.mkdir()
    with pytest.raises(WorkspaceError, match="cannot be known"):
        gc.prune(store)
    gc.prune(store, force=True)
    assert draft.exists(), "it is young"
    old(draft)
    gc.prune(store, force=True)
    assert not draft.exists()


@pytest.mark.parametrize("error", [OSError(95, "not supported"), OSError(37, "no locks"), NotImplementedError()])
def test_pruning_refuses_where_locks_are_refused(
    store: Store, make: Make, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    entry = make()
    old(store.root)

    def refuse(*_args: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with pytest.raises(WorkspaceError, match="does not lock"):
        gc.prune(store)
    assert entry.path.exists()
    gc.prune(store, force=True)
    assert not entry.path.exists()


def test_pruning_refuses_where_locks_are_only_pretended(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(fcntl, "flock", lambda *_args: None)
    with pytest.raises(WorkspaceError, match="does not lock"):
        gc.prune(store)


def test_pruning_refuses_over_a_lock_that_is_not_ours_to_take(store: Store) -> None:
    (store.root / "locks" / f"{KEY}.lock").mkdir()
    with pytest.raises(WorkspaceError, match="cannot be taken"):
        gc.prune(store)


def test_where_locks_are_pretended_a_living_draft_stays(
    store: Store, python: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")
    process = python(DRAFTER, store.root)
    rival = store.root / "tmp" / process.stdout.readline().strip()
    monkeypatch.setattr(fcntl, "flock", lambda *_args: None)
    (store.root / "locks" / f"{KEY}.claim").unlink()  # as if both had begun in the same moment
    with store.draft("crop", KEY, params={}, inputs={}) as draft:
        assert (rival / "half").exists()
        (draft.path / "whole").write_text("whole")
    assert draft.entry is not None
    assert list((store.root / "work" / "crop").glob(f"{KEY}.*/checkpoint")), "it may still be needed"
    ended(process)
    with store.draft("crop", KEY, params={}, inputs={}):
        assert not rival.exists()


def test_the_first_draft_of_a_process_sweeps_what_dead_ones_left(store: Store, make: Make, python: Callable) -> None:
    process = python(DRAFTER, store.root)
    left = store.root / "tmp" / process.stdout.readline().strip()
    make(1)
    assert left.exists()
    ended(process)
    fresh = Store(store.root)
    with fresh.draft("matte", "b" * 64, params={}, inputs={}):
        assert not left.exists()
    names = {path.suffix for path in (store.root / "locks").iterdir() if "a" * 64 not in path.name}
    assert names <= {".alive"}
    assert len(list((store.root / "locks").glob("*.alive"))) == 2, "those of both stores of this process"


def test_no_lock_file_is_left_of_finished_work(store: Store, make: Make) -> None:
    make()
    assert not list((store.root / "locks").glob("*.lock"))


def test_lock_files_of_dead_work_go_when_they_are_old(store: Store, python: Callable) -> None:
    process = python(DRAFTER, store.root)
    process.stdout.readline()
    ended(process)
    lock = store.root / "locks" / f"{KEY}.lock"
    assert lock.exists()
    gc.prune(store)
    assert lock.exists()
    old(lock)
    gc.prune(store)
    assert not lock.exists()


def test_only_the_newest_logs_are_kept(store: Store) -> None:
    folder = store.root / "logs"
    folder.mkdir()
    for number in range(15):
        (folder / f"retarget-20250101-0000{number:02d}-000000.log").write_text("x")
    gc.prune(store)
    kept = sorted(path.name for path in folder.iterdir())
    assert len(kept) == gc.KEPT_LOGS
    assert kept[-1].endswith("000014-000000.log")


def test_the_beat_is_heard(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "BEAT_SECONDS", 0.02)
    store.find("crop", KEY)
    (mark,) = (store.root / "locks").glob("*.alive")
    os.utime(mark, (1e9, 1e9))
    waited = time.monotonic()
    while mark.stat().st_mtime < 2e9 / 1.5 and time.monotonic() - waited < 10:
        time.sleep(0.02)
    assert mark.stat().st_mtime > 1.4e9


def test_names_of_drafts_tell_whose_they_are(store: Store) -> None:
    assert presence.owner(Path(draft_name(KEY))) is presence.Standing.ALIVE
    assert presence.owner(Path(f"{KEY}.{ELSEWHERE}.{'0' * 32}")) is presence.Standing.ELSEWHERE
    assert presence.owner(Path(f"{KEY}.{'0' * 32}")) is None
