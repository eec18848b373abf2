"""A disk that fails: the n-th operation that writes below a folder raises an error, or takes less than it was given."""

from __future__ import annotations

import builtins
import errno
import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS)


class FailingDisk:
    """Counts what is written below `folder`; the operation number `at` (from 1) fails with `error`.

    short: the failing write, if it is one, puts half of its bytes there first. seen: names of the operations.
    """

    def __init__(self, folder: Path, at: int = 0, error: int = errno.ENOSPC, short: bool = True) -> None:
        self.folder, self.at, self.error, self.short = str(folder.resolve()), at, error, short
        self.seen: list[str] = []

    @property
    def hit(self) -> bool:
        return 0 < self.at <= len(self.seen)

    def count(self, what: str, place: Any) -> bool:
        """Note an operation; True when it is the one to fail."""
        if isinstance(place, int) or not str(Path(os.fsdecode(place)).absolute()).startswith(self.folder):
            return False
        self.seen.append(what)
        return len(self.seen) == self.at

    def fail(self, place: Any) -> OSError:
        return OSError(self.error, os.strerror(self.error), str(place))

    def calling(self, what: str, plain: Callable[..., Any], which: int = 0) -> Callable[..., Any]:
        """`plain`, which fails in its turn. which: of its arguments is the path."""

        def call(*args: Any, **options: Any) -> Any:
            if self.count(what, args[which]):
                raise self.fail(args[which])
            return plain(*args, **options)

        return call

    def opening(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        """`open`, whose files fail in their turn."""

        def opened(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
            if not set(mode) & set("wax+"):
                return plain(file, mode, *args, **options)
            if self.count("open", file):
                raise self.fail(file)
            handle = plain(file, mode, *args, **options)
            return handle if isinstance(file, int) else _File(handle, file, self)

        return opened

    def flushing(self, plain: Callable[[int], None]) -> Callable[[int], None]:
        def flush(handle: int) -> None:
            place = Path(f"/proc/self/fd/{handle}").readlink()
            if self.count("fsync", place):
                raise self.fail(place)
            plain(handle)

        return flush


class _File:
    """A file open for writing whose writes are counted."""

    def __init__(self, handle: Any, place: Any, disk: FailingDisk) -> None:
        self._handle, self._place, self._disk = handle, place, disk

    def write(self, data: Any) -> int:
        if self._disk.count("write", self._place):
            if self._disk.short:
                self._handle.write(data[: len(data) // 2])
            raise self._disk.fail(self._place)
        return int(self._handle.write(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handle, name)

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._handle)


@contextmanager
def failing(disk: FailingDisk) -> Iterator[FailingDisk]:
    """Let everything that Python writes go through `disk` for as long as the context lasts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(io, "open", disk.opening(io.open))
        patch.setattr(builtins, "open", disk.opening(builtins.open))
        patch.setattr(os, "fsync", disk.flushing(os.fsync))
        patch.setattr(shutil, "copyfile", disk.calling("copy", shutil.copyfile, 1))
        for name in ("mkdir", "rename", "replace"):
            patch.setattr(os, name, disk.calling(name, getattr(os, name), int(name != "mkdir")))
        yield disk
