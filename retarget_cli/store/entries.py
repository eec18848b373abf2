"""Published entries, drafts of new ones, and problems with old ones."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from retarget_cli.store.receipts import content_digest


@dataclass(frozen=True)
class Entry:
    """A published result. path: its folder, not to be changed; receipt: what ``receipt.json`` says."""

    stage: str
    key: str
    path: Path
    receipt: dict[str, Any]

    @cached_property
    def digest(self) -> str:
        """Sha256 over the key and the files' sha256; timings, notes and versions have no part in it."""
        return content_digest(self.receipt)

    @property
    def size(self) -> int:
        """Bytes of its files, the receipt left out."""
        return sum(facts["size"] for facts in self.receipt["files"].values())

    def file(self, name: str) -> Path:
        """Path of one of its files. Raises KeyError when the receipt does not name it."""
        if name not in self.receipt["files"]:
            raise KeyError(f"{self.stage} has no file {name!r}")
        return self.path / name

    def json(self, name: str) -> Any:
        """Read one of its files as JSON. Raises KeyError as `file` does, OSError and ValueError when it is damaged."""
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
