"""Which files for people this program wrote, so that it replaces nobody else's."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from retarget_cli.errors import UsageError
from retarget_cli.store.digests import hash_file
from retarget_cli.store.engine import Store
from retarget_cli.utils.atomic import write_json_atomic
from retarget_cli.utils.text import json_sha256

_FILE = "delivered.json"  # in the workspace
_MOST = 5_000  # remembered files; the oldest are forgotten first
_FIX = "Name another file with --out, or add --force to replace it."


class Delivered:
    """What was written where: sha256 by path, and of what it is.

    Two are kept for each path, as a kill may leave the old file or the new one. What a race of two processes loses
    costs a --force and nothing else.
    """

    def __init__(self, store: Store) -> None:
        self._path = store.root / _FILE

    def note(self, target: Path, written: Path, of: str = "") -> None:
        """Note that `target` is about to become the file `written`. of: what it was made of, for :meth:`unclaimed`."""
        rows = self._read()
        before = rows.pop(_name(target), {}).get("sha256", [])
        digest = hash_file(written)
        rows[_name(target)] = {"sha256": [digest, *[each for each in before if each != digest]][:2], "of": of}
        kept = list(rows.items())[-_MOST:]
        with suppress(OSError):  # a list: its order tells which are the oldest
            write_json_atomic(self._path, {"seal": json_sha256(kept), "files": kept})

    def check(self, targets: Iterable[Path], *, named: bool, force: bool = False, fix: str = _FIX) -> None:
        """Raise UsageError when a file is there that this program did not make, or that was changed since.

        named: by the user; in the usual places, files of which nothing is known are those of an earlier workspace.
        """
        rows = self._read()
        for target in [] if force else targets:
            if not target.is_file():
                continue
            row = rows.get(_name(target))
            if row is None and named:
                raise UsageError("this file was not made by retarget, and would be lost", where=target, fix=fix)
            if row is not None and hash_file(target) not in row["sha256"]:
                raise UsageError("this file was changed since it was made, and would be lost", where=target, fix=fix)

    def unclaimed(self, stem: str, of: str, place: Callable[[str], Path]) -> str:
        """``cat``, or ``cat-2`` where the file of that name is of something else. place: the file for a stem."""
        rows, name, number = self._read(), stem, 1
        while place(name).exists() and rows.get(_name(place(name)), {}).get("of", of) != of:
            number += 1
            name = f"{stem}-{number}"
        return name

    def _read(self) -> dict[str, dict[str, Any]]:
        """The rows by path; none where the list is gone or damaged, as in a new workspace."""
        try:
            held = json.loads(self._path.read_bytes())
            rows = held["files"] if held["seal"] == json_sha256(held["files"]) else []
            return {name: row for name, row in rows if isinstance(row["sha256"], list)}
        except (OSError, KeyError, TypeError, ValueError):
            return {}


def _name(target: Path) -> str:
    return os.path.realpath(target)
