from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import filelock
import pytest

from retarget_cli.store.locks import KeyLocks, LockState

KEY = "a" * 64


def never() -> None:
    raise AssertionError("nobody else has the lock")


def test_a_free_lock_is_held_and_taken_twice_by_its_owner(tmp_path: Path) -> None:
    locks = KeyLocks(tmp_path)
    with locks.hold(KEY, never) as outer, locks.attempt(KEY) as inner:
        assert outer is inner is LockState.HELD
    assert locks.busy() == []


def test_another_thread_waits_for_its_turn(tmp_path: Path) -> None:
    locks = KeyLocks(tmp_path)
    waited, states = threading.Event(), []

    def other() -> None:
        with locks.hold(KEY, waited.set) as state:
            states.append(state)

    with locks.hold(KEY, never):
        thread = threading.Thread(target=other)
        thread.start()
        assert waited.wait(10)
        assert states == []
    thread.join(10)
    assert states == [LockState.HELD]


def test_a_killed_process_gives_its_lock_back(tmp_path: Path, hold_elsewhere: Callable) -> None:
    locks = KeyLocks(tmp_path)
    process = hold_elsewhere(tmp_path, KEY)
    with locks.attempt(KEY) as state:
        assert state is LockState.BUSY
    assert locks.busy() == [KEY]
    process.kill()
    process.communicate()
    with locks.attempt(KEY) as state:
        assert state is LockState.HELD


def test_waiting_may_give_up(tmp_path: Path, hold_elsewhere: Callable) -> None:
    process = hold_elsewhere(tmp_path, KEY)

    def give_up() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), KeyLocks(tmp_path).hold(KEY, give_up):
        pass
    process.kill()
    process.communicate()


@pytest.mark.parametrize("error", [OSError(38, "no locks here"), NotImplementedError()])
def test_without_locks_the_work_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with KeyLocks(tmp_path).hold(KEY, never) as state:
        assert state is LockState.NONE
