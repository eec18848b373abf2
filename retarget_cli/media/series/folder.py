"""Folders of pictures that appear whole or not at all."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from retarget_cli.media.errors import writing
from retarget_cli.utils.atomic import part_beside


class NewFolder(ABC):
    """A context in which a folder is filled beside its place, `_part`; `_finish` puts it into place.

    After an error, what was written is removed.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.written = 0
        self._part = part_beside(self.path)

    def __enter__(self) -> Self:
        with writing(self.path):
            self._part.mkdir(parents=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            shutil.rmtree(self._part, ignore_errors=True)

    @abstractmethod
    def _finish(self) -> None:
        """Put the folder into place."""
