"""One lock a key, and a claim where locks do not reach. They only spare double work; nothing relies on them."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from retarget_cli.store.claims import Claims
from retarget_cli.store.keys import is_sha256

if TYPE_CHECKING:
    from filelock import BaseFileLock

_POLL_SECONDS = 0.25


class LockState(Enum):
    """HELD: ours. BUSY: another process or thread has it. NONE: this file system has no locks."""

    HELD = "held"
    BUSY = "busy"
    NONE = "none"


class KeyLocks:
    """Locks as files in `folder`. A thread may take one it already has; a killed process gives its locks back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.claims = Claims(folder)
        self._locks: dict[str, BaseFileLock] = {}
        self._guard = threading.Lock()

    @contextmanager
    def hold(self, key: str, waiting: Callable[[], None]) -> Iterator[LockState]:
        """Wait for the lock of `key`; gives HELD or NONE. `waiting` is called a few times a second and may raise."""
        state = self._take(key, 0)
        while state is LockState.BUSY:
            waiting()
            state = self._take(key, _POLL_SECONDS)
        with self._release(key, state):
            while not self.claims.take(key):  # of another machine, where locks are granted to everybody
                waiting()
                time.sleep(_POLL_SECONDS)
            try:
                yield state
            finally:
                self.claims.drop(key)

    @contextmanager
    def attempt(self, key: str) -> Iterator[LockState]:
        """Take the lock of `key` if it is free."""
        state = self._take(key, 0)
        with self._release(key, state):
            yield state

    def busy(self) -> list[str]:
        """Keys that somebody works on now."""
        locked = [key for key, state in self._states().items() if state is LockState.BUSY]
        return list(dict.fromkeys([*locked, *self.claims.living()]))

    def doubt(self) -> str | None:
        """Why it cannot be known who works here, if so: locks are refused, only pretended, or not ours to take."""
        for key, state in self._states().items():
            if state is LockState.NONE:
                return f"the lock {key[:12]}.lock cannot be taken"
        return None if self._exclude() else "this file system does not lock files"

    def retire(self, key: str) -> None:
        """Delete the file of a lock that is held, once there is nothing left that it could spare anybody."""
        with suppress(OSError):
            self._path(key).unlink()

    def forgotten(self, horizon: float) -> list[Path]:
        """Files of locks that nobody has and that were made before `horizon`, a time."""
        states = self._states()
        return self.claims.forgotten(horizon) + [
            path
            for key, state in states.items()
            if state is LockState.HELD and (path := self._path(key)).exists() and path.stat().st_mtime <= horizon
        ]

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.lock"

    def _states(self) -> dict[str, LockState]:
        """HELD for a lock that was free."""
        states = {}
        for path in sorted(self._folder.glob("*.lock")):
            if is_sha256(path.stem):
                with self.attempt(path.stem) as state:
                    states[path.stem] = state
        return states

    def _exclude(self) -> bool:
        """Whether two handles of one file exclude each other, as they must."""
        from filelock import FileLock, SoftFileLock, Timeout

        trial = self._folder / f"trial.{uuid.uuid4().hex}"
        one, two = FileLock(str(trial)), FileLock(str(trial))
        try:
            one.acquire(timeout=0)
            if isinstance(one, SoftFileLock):
                return False
            two.acquire(timeout=0)
        except Timeout:
            return one.is_locked
        except (OSError, NotImplementedError):
            return False
        finally:
            for lock in (two, one):
                lock.release(force=True)
            trial.unlink(missing_ok=True)
        return False

    def _take(self, key: str, timeout: float) -> LockState:
        from filelock import FileLock, SoftFileLock, Timeout  # slow to import, and unneeded when all is cached

        with self._guard:
            lock = self._locks.setdefault(key, FileLock(str(self._path(key))))
        try:
            lock.acquire(timeout=timeout, poll_interval=_POLL_SECONDS / 4)
        except Timeout:
            # Where the system has no locks, filelock may turn to files that a killed process leaves behind: not for us.
            return LockState.NONE if isinstance(lock, SoftFileLock) else LockState.BUSY
        except (OSError, NotImplementedError):
            return LockState.NONE
        if isinstance(lock, SoftFileLock):
            lock.release()
            return LockState.NONE
        return LockState.HELD

    @contextmanager
    def _release(self, key: str, state: LockState) -> Iterator[None]:
        try:
            yield
        finally:
            if state is LockState.HELD:
                self._locks[key].release()
