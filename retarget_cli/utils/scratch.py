"""Arrays of a piece of work that may be larger than memory and last longer than the process that fills them."""

from __future__ import annotations

import json
import mmap
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from retarget_cli.utils.arrays import bytes_of, drop_pages, reserve
from retarget_cli.utils.atomic import write_json_atomic

_IN_MEMORY = 2**20
"""Bytes; smaller arrays without a name are no file."""


class Scratch:
    """A folder of arrays in files, mapped into memory, and of notes that say how much of them is filled.

    folder: kept by whoever made it; without one, files are temporary and nothing is remembered.
    An array belongs to a piece of work, named before the dot: ``read.lab`` to ``read``. One that has to be made anew,
    because its file is missing or has another size, takes the notes on that with it, also those on parts: ``read-1``.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._mapped: list[weakref.ref[mmap.mmap]] = []

    def array(self, shape: tuple[int, ...], dtype: type, name: str | None = None) -> np.ndarray:
        """An array of zeros, or what the file of this name holds. OSError when the disk has no room for all of it."""
        size = bytes_of(shape, dtype)
        if self.folder is not None and name is not None:
            with self._named(name, size, self.folder).open("r+b") as file:
                return self._map(file, shape, dtype)
        if size <= _IN_MEMORY:
            return np.zeros(shape, dtype)
        place = Path(tempfile.gettempdir()) if self.folder is None else self.folder
        with tempfile.TemporaryFile(dir=place) as file:
            reserve(file, size, place)
            return self._map(file, shape, dtype)

    def note(self, name: str, facts: dict[str, Any]) -> None:
        """Remember plain facts about a piece of work, once its arrays are safe on the disk."""
        if self.folder is None:
            return
        for mapped in self._living():
            mapped.flush()
        write_json_atomic(self.folder / f"{name}.json", facts)

    def noted(self, name: str) -> dict[str, Any]:
        """Return what was noted about a piece of work; nothing when it was not begun."""
        if self.folder is None:
            return {}
        with suppress(FileNotFoundError, ValueError):
            facts = json.loads((self.folder / f"{name}.json").read_bytes())
            return facts if isinstance(facts, dict) else {}
        return {}

    def let_go(self) -> None:
        """Give back the memory of all pages that were looked at; they are read from their files when needed again."""
        for mapped in self._living():
            drop_pages(mapped)

    def _named(self, name: str, size: int, folder: Path) -> Path:
        path = folder / f"{name}.bin"
        if not path.exists() or path.stat().st_size != size:
            work = name.partition(".")[0]
            for note in (folder / f"{work}.json", *folder.glob(f"{work}-*.json")):
                note.unlink(missing_ok=True)
            with path.open("wb") as file:
                reserve(file, size, folder)
        return path

    def _map(self, file: IO[bytes], shape: tuple[int, ...], dtype: type) -> np.ndarray:
        mapped = mmap.mmap(file.fileno(), 0)
        self._mapped.append(weakref.ref(mapped))
        return np.frombuffer(mapped, dtype).reshape(shape)

    def _living(self) -> list[mmap.mmap]:
        living = [(each, each()) for each in self._mapped]
        self._mapped = [each for each, mapped in living if mapped is not None]
        return [mapped for _, mapped in living if mapped is not None]
