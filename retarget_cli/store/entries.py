"""Published entries, drafts of new ones, and problems with old ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from retarget_cli.store.receipts import content_digest


@dataclass(frozen=True)
class Entry:
    """A published result. path: its folder, not to be changed; receipt: what ``receipt.json`` says.

    check: raises when the file of that name does not hold what was written; called before any is handed out.
    """

    stage: str
    key: str
    path: Path
    receipt: dict[str, Any]
    check: Callable[[str], None] = field(default=lambda name: None, repr=False, compare=False)

    @cached_property
    def digest(self) -> str:
        """Sha256 over the key and the files' sha256; timings, notes and versions have no part in it."""
        return content_digest(self.receipt)

    @property
    def size(self) -> int:
        """Bytes of its files, the receipt left out."""
        return sum(facts["size"] for facts in self.receipt["files"].values())

    def file(self, name: str) -> Path:
        """Path of one of its files, whose content was compared with the receipt.

        Raises KeyError when the receipt does not name it, WorkspaceError when it is damaged.
        """
        if name not in self.receipt["files"]:
            raise KeyError(f"{self.stage} has no file {name!r}")
        self.check(name)
        return self.path / name

    def files(self, folder: str = "") -> list[Path]:
        """Paths of all its files below one of its folders, or of all, in order; compared as those of `file`."""
        below = f"{folder}/" if folder else ""
        return [self.file(name) for name in sorted(self.receipt["files"]) if name.startswith(below)]

    def json(self, name: str) -> Any:
        """Read one of its files as JSON. Raises as `file` does."""
        return json.loads(self.file(name).read_bytes())


@dataclass
class Draft:
    """A result being made. Write files into `path`; leaving the context publishes them.

    existing: the entry that another process published while this one waited for its turn; then nothing is left to do
    and nothing is published. entry: the published entry, known after the context.
    """

    path: Path
    existing: Entry | None
    entry: Entry | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    def note(self, **info: Any) -> None:
        """Add facts for people to the receipt. They have no part in the digest and may differ from run to run."""
        self.notes.update(info)


@dataclass(frozen=True)
class Problem:
    """An entry that failed its checks and was moved aside, and why."""

    stage: str
    key: str
    reason: str
