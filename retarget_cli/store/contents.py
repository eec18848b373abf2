"""Whether the files of an entry hold what was written, asked once a process as long as they stay as they are."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from retarget_cli.store.digests import hash_file


class Broken(Exception):
    """A folder is not the whole entry it should be; the message says why."""


class Contents:
    """Compares files with what a receipt says of them, and remembers which held the right bytes.

    Remembered by size, times and inode: what was written to since is read again.
    """

    def __init__(self) -> None:
        self._right: dict[Path, tuple[int, ...]] = {}

    def check(self, path: Path, name: str, facts: Mapping[str, Any], *, deep: bool) -> None:
        """Raise Broken unless `path` is a plain file of the right size and, `deep`, of the right content."""
        try:
            found = path.lstat()
            if not stat.S_ISREG(found.st_mode):
                raise Broken(f"{name} is no plain file")
            if found.st_size != facts["size"]:
                raise Broken(f"{name} has {found.st_size} bytes instead of {facts['size']}")
            if not deep or self._right.get(path) == _identity(found):
                return
            if hash_file(path) != facts["sha256"]:
                raise Broken(f"{name} does not hold what was written")
            self._right[path] = _identity(found)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise Broken(f"{name} is missing") from None

    def learn(self, folder: Path, names: Iterable[str]) -> None:
        """Remember files as right that this process wrote and read for their receipt just now. Raises OSError."""
        for name in names:
            self._right[folder / name] = _identity((folder / name).lstat())


def _identity(found: os.stat_result) -> tuple[int, ...]:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def check_folders(folder: Path, names: Iterable[str]) -> None:
    """Raise Broken when a folder that holds files of an entry is a link: it would lead out of the workspace."""
    inner = {parent for name in names for parent in (folder / name).parents if folder in parent.parents}
    for path in (folder, *sorted(inner)):
        if path.is_symlink():
            raise Broken(f"{path.name} is a link")
