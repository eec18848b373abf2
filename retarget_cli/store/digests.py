"""Digests of files, remembered as long as the file stays as it was."""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path

from retarget_cli.errors import InputError
from retarget_cli.store.keys import is_sha256
from retarget_cli.utils.atomic import write_bytes_atomic
from retarget_cli.utils.text import dump_json, json_sha256

# A file written again within one tick of the file system's clock keeps its times, so very young files are not
# remembered. Two seconds is the coarsest tick in use (FAT).
SETTLE_NS = 2_000_000_000
_MOST = 10_000  # remembered files; the oldest are forgotten first
_ROWS, _SEAL = "files", "seal"


def hash_file(path: Path) -> str:
    """Sha256 of the file's content, in hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class FileDigests:
    """Sha256 of files, remembered in ``root/digests.json`` by path, size, times and inode.

    The change time is compared as well as the modification time: the latter can be set back by any program.
    Losing the memory, or failing to write it, costs time and nothing else. It has a checksum: a wrong digest would be
    that of another clip.
    """

    def __init__(self, root: Path) -> None:
        self._memory = Path(root) / "digests.json"
        self._known: dict[str, list] | None = None
        self._first: dict[str, str] = {}  # digests as this process first saw them

    def digest(self, path: Path) -> str:
        """Sha256 of a file's content, 64 hex digits; of a folder, over the names and contents of all files below it.

        Raises InputError when `path` is no readable file or folder.
        """
        path = Path(path)
        fresh: dict[str, list] = {}
        try:
            if not path.is_dir():
                return self._digest_file(path, fresh)
            files = sorted(item for item in path.rglob("*") if item.is_file())
            listing = {item.relative_to(path).as_posix(): self._digest_file(item, fresh) for item in files}
            return json_sha256(listing)
        except OSError as error:
            raise InputError(
                f"the file cannot be read: {error.strerror}",
                where=error.filename or path,
                fix="Check its name and permissions.",
            ) from error
        finally:
            self._remember(fresh)

    def check_unchanged(self, path: Path) -> None:
        """Raise InputError when a file has another content than when this process first asked for its digest.

        For a folder this holds of every file below it that was asked for. What is not as it was is read again.
        """
        place = str(Path(path).resolve())
        within = [name for name in self._first if name == place or name.startswith(f"{place}{os.sep}")]
        for name in within:
            if self.digest(Path(name)) != self._first[name]:
                fix = "Wait until it is complete, then run the same command again."
                raise InputError("the file changed while it was used", where=name, fix=fix)

    def forget(self) -> None:
        """Delete the memory: every file is read again. Raises OSError."""
        self._memory.unlink(missing_ok=True)
        self._known = None

    def _digest_file(self, path: Path, fresh: dict[str, list]) -> str:
        name, before = str(path.resolve()), _identity(path)
        if self._known is None:
            self._known = self._read()
        seen = self._known.get(name)
        if seen is not None and seen[:-1] == before:
            self._first.setdefault(name, seen[-1])
            return seen[-1]
        settled = _settled(before)  # asked before reading: what changes afterwards shows
        digest = hash_file(path)
        if _identity(path) != before:
            raise InputError("the file changes while it is read", where=path, fix="Wait until it is complete.")
        if settled:
            fresh[name] = [*before, digest]
        self._first.setdefault(name, digest)
        return digest

    def _remember(self, fresh: dict[str, list]) -> None:
        if not fresh:
            return
        # Read again first: another process may have added to it. What a race loses is only computed once more.
        known = {name: row for name, row in self._read().items() if name not in fresh}
        self._known = dict([*known.items(), *fresh.items()][-_MOST:])
        with suppress(OSError):
            # Pairs, not an object, whose names would be sorted: the order tells which are the oldest.
            rows = list(self._known.items())
            write_bytes_atomic(self._memory, dump_json({_ROWS: rows, _SEAL: json_sha256(rows)}))

    def _read(self) -> dict[str, list]:
        try:
            memory = json.loads(self._memory.read_bytes())
            rows = memory[_ROWS]
            if memory[_SEAL] != json_sha256(rows):
                return {}
            return {name: row for name, row in rows if isinstance(row, list) and row and is_sha256(row[-1])}
        except (OSError, TypeError, KeyError, ValueError, RecursionError):
            return {}


def _identity(path: Path) -> list[int]:
    stat = os.stat(path)  # noqa: PTH116  (one call, symlinks followed)
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


def _settled(identity: list[int]) -> bool:
    _, modified, changed, _ = identity
    now = time.time_ns()
    return all(abs(now - moment) >= SETTLE_NS for moment in (modified, changed))
