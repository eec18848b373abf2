"""Claims: who makes a result just now, where locks are granted to everybody."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from retarget_cli.store import claims
from retarget_cli.store.claims import Claims
from retarget_cli.store.engine import Store
from retarget_cli.utils.liveness import token

KEY = "a" * 64
ELSEWHERE = "00000000-12-34"
MAKER = """
import sys, time
from pathlib import Path
from filelock import FileLock
FileLock.acquire = lambda *_args, **_options: None  # granted to everybody, as on some network file systems
from retarget_cli.store.engine import Store
store = Store(Path(sys.argv[1]))
with store.draft("crop", "a" * 64, params={}, inputs={}) as draft:
    (draft.path / "result").write_text("one")
    (store.work("crop", "a" * 64) / "checkpoint").write_text("of the other process")
    print("at work", flush=True)
    time.sleep(float(sys.argv[2]))
print(draft.entry.digest, flush=True)
"""


def claimed_elsewhere(folder: Path, age: float = 0.0) -> Path:
    path = folder / f"{KEY}.claim"
    path.write_text(json.dumps({"owner": ELSEWHERE, "host": "render7", "process": 12, "since": "today"}))
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_a_claim_names_host_process_and_time_and_goes_when_it_is_given_back(tmp_path: Path) -> None:
    held = Claims(tmp_path)
    assert held.take(KEY)
    facts = json.loads((tmp_path / f"{KEY}.claim").read_text())
    assert (facts["owner"], facts["process"]) == (token(), os.getpid())
    assert facts["host"]
    assert facts["since"]
    assert Claims(tmp_path).other(KEY) is None, "it is our own"
    held.drop(KEY)
    assert list(tmp_path.iterdir()) == []


def test_a_claim_of_another_machine_counts_for_as_long_as_it_is_heard(tmp_path: Path) -> None:
    path = claimed_elsewhere(tmp_path)
    found = Claims(tmp_path).other(KEY)
    assert found is not None
    assert found.host == "render7"
    assert not Claims(tmp_path).take(KEY)
    os.utime(path, (time.time() - 2 * claims.SILENT_SECONDS,) * 2)
    assert Claims(tmp_path).take(KEY)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"owner": 3}'])
def test_a_damaged_claim_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / f"{KEY}.claim").write_text(content)
    assert Claims(tmp_path).other(KEY) is None
    assert Claims(tmp_path).take(KEY)


def test_a_claim_is_touched_while_it_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "BEAT_SECONDS", 0.02)
    held = Claims(tmp_path)
    assert held.take(KEY)
    path = tmp_path / f"{KEY}.claim"
    os.utime(path, (1e9, 1e9))
    waited = time.monotonic()
    while path.stat().st_mtime < 1.1e9 and time.monotonic() - waited < 10:
        time.sleep(0.02)
    assert path.stat().st_mtime > 1.1e9
    held.drop(KEY)


def test_where_locks_are_granted_to_everybody_the_second_waits_for_the_first(
    store: Store, python: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("filelock.FileLock.acquire", lambda *_args, **_options: None)
    process = python(MAKER, store.root, 0.7)
    assert process.stdout.readline() == "at work\n"
    waited: list[float] = []
    with store.draft("crop", KEY, params={}, inputs={}, waiting=lambda: waited.append(1)) as draft:
        assert draft.existing is not None
    assert waited
    assert draft.entry is not None
    assert process.stdout.readline().strip() == draft.entry.digest


def test_double_work_is_harmless_ends_in_one_result_and_its_checkpoints_do_not_mix(
    store: Store, python: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("filelock.FileLock.acquire", lambda *_args, **_options: None)
    process = python(MAKER, store.root, 1.5)
    assert process.stdout.readline() == "at work\n"
    (store.root / "locks" / f"{KEY}.claim").unlink()  # as if both had claimed it in the same moment
    with store.draft("crop", KEY, params={}, inputs={}) as draft:
        work = store.work("crop", KEY)
        assert list(work.iterdir()) == [], "the other process lives: its checkpoints are its own"
        (work / "checkpoint").write_text("ours")
        (draft.path / "result").write_text("one")
    assert draft.entry is not None
    assert process.stdout.readline().strip() == draft.entry.digest
    process.wait()
    assert len(list((store.root / "crop").iterdir())) == 1
    with store.draft("crop", "b" * 64, params={}, inputs={}):
        assert not [path for path in (store.root / "tmp").iterdir() if KEY in path.name]


def test_what_a_dead_process_had_reached_is_taken_over_whole(store: Store, python: Callable) -> None:
    process = python(MAKER, store.root, 60)
    assert process.stdout.readline() == "at work\n"
    process.kill()
    process.communicate()
    with store.draft("crop", KEY, params={}, inputs={}):
        work = store.work("crop", KEY)
        assert (work / "checkpoint").read_text() == "of the other process"
        assert store.work("crop", KEY) == work
        assert len(list(work.parent.iterdir())) == 1
    assert list(work.parent.iterdir()) == []


def test_what_another_machine_reached_is_left_alone_while_that_is_heard(store: Store) -> None:
    theirs = store.root / "work" / "crop" / f"{KEY}.{ELSEWHERE}"
    theirs.mkdir(parents=True)
    (theirs / "checkpoint").write_text("theirs")
    sign = store.root / "locks" / f"{ELSEWHERE}.01234567.alive"
    sign.write_bytes(b"")
    assert list(store.work("crop", KEY).iterdir()) == []
    store.drop_work("crop", KEY)
    theirs.mkdir(parents=True)
    (theirs / "checkpoint").write_text("theirs")
    os.utime(sign, (time.time() - 2 * claims.SILENT_SECONDS,) * 2)
    assert (store.work("crop", KEY) / "checkpoint").read_text() == "theirs"


def test_checkpoints_of_an_older_version_are_gone_on_with(store: Store) -> None:
    old = store.root / "work" / "crop" / KEY
    old.mkdir(parents=True)
    (old / "checkpoint").write_text("old")
    assert (store.work("crop", KEY) / "checkpoint").read_text() == "old"


def test_of_several_that_take_over_one_succeeds(store: Store) -> None:
    old = store.root / "work" / "crop" / KEY
    old.mkdir(parents=True)
    (old / "checkpoint").write_text("old")
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(store.work("crop", KEY))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert (found[0] / "checkpoint").read_text() == "old"
