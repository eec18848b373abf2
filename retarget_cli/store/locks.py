"""One lock a key. Locks only spare two processes the same work; nothing relies on them for being correct."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

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
            yield state

    @contextmanager
    def attempt(self, key: str) -> Iterator[LockState]:
        """Take the lock of `key` if it is free."""
        state = self._take(key, 0)
        with self._release(key, state):
            yield state

    def busy(self) -> list[str]:
        """Keys that somebody works on now."""
        keys = []
        for path in self._folder.glob("*.lock"):
            if is_sha256(path.stem):
                with self.attempt(path.stem) as state:
                    if state is LockState.BUSY:
                        keys.append(path.stem)
        return keys

    def _take(self, key: str, timeout: float) -> LockState:
        from filelock import FileLock, SoftFileLock, Timeout  # slow to import, and unneeded when all is cached

        with self._guard:
            lock = self._locks.setdefault(key, FileLock(str(self._folder / f"{key}.lock")))
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
