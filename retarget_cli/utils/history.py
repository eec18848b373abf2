"""A value that a person edits: saved as it is changed, with all that it was before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from retarget_cli.utils.atomic import write_json_atomic

_MOST = 200  # steps that can be taken back


class History:
    """A JSON value in a file, with undo and redo. A damaged file counts as none."""

    def __init__(self, path: Path, empty: Any) -> None:
        self._path, self._empty = path, empty
        self._past: list[Any] = []
        self._future: list[Any] = []
        self.now: Any = empty
        try:
            kept = json.loads(path.read_bytes())
            self._past, self.now, self._future = list(kept["past"]), kept["now"], list(kept["future"])
        except (OSError, ValueError, TypeError, KeyError):
            self.now = empty

    @property
    def steps(self) -> tuple[int, int]:
        """How many steps can be taken back and taken again."""
        return len(self._past), len(self._future)

    def set(self, value: Any) -> None:
        """Change the value; what was taken back before cannot be taken again any more."""
        if value != self.now:
            self._past, self._future = [*self._past, self.now][-_MOST:], []
            self.now = value
            self._save()

    def undo(self) -> bool:
        """Take the last step back, if there is one."""
        return self._step(self._past, self._future)

    def redo(self) -> bool:
        """Take again what was taken back last."""
        return self._step(self._future, self._past)

    def _step(self, source: list[Any], target: list[Any]) -> bool:
        if not source:
            return False
        target.append(self.now)
        self.now = source.pop()
        self._save()
        return True

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_json_atomic(self._path, {"past": self._past, "now": self.now, "future": self._future})
