"""Results and files on their way to machines that do not share the workspace, and back. Everything is hashed."""

from __future__ import annotations

import hashlib
import shutil
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from retarget_cli.batch.graph import Unit
from retarget_cli.batch.opened import Opened, Part
from retarget_cli.batch.work import Ended
from retarget_cli.errors import EnvironmentProblem
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.stages.clip import SourceClip
from retarget_cli.store.engine import Entry, Store
from retarget_cli.utils.atomic import part_beside
from retarget_cli.weights.base import BaseFile, base_path
from retarget_cli.weights.manifest import cache_folder

_CHUNK = 2**26  # bytes
Get = Callable[[Any], "Parcel"]


@dataclass(frozen=True)
class Parcel:
    """Files with their content in pieces. digest: over names and contents."""

    files: tuple[tuple[str, tuple[np.ndarray, ...]], ...]
    digest: str


def pack(path: Path) -> Parcel:
    """The files of a folder, or one file. Raises OSError."""
    names = [""] if path.is_file() else sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())
    files = tuple((name, tuple(_pieces(path / name if name else path))) for name in names)
    return Parcel(files, _digest(files))


def unpack(parcel: Parcel, target: Path) -> None:
    """Write the files of a parcel to `target`. Raises OSError, and EnvironmentProblem for one that was damaged."""
    if _digest(parcel.files) != parcel.digest:
        raise EnvironmentProblem("a result was damaged on its way", where=target, fix="Run the same command again.")
    for name, pieces in parcel.files:
        parts = PurePosixPath(name).parts
        if ".." in parts or name.startswith("/"):
            raise EnvironmentProblem("a result has a name that leads out of its folder", where=name, fix="Report it.")
        path = target / name if name else target
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            for piece in pieces:
                file.write(piece.tobytes())


def _pieces(path: Path) -> Iterable[np.ndarray]:
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            yield np.frombuffer(piece, np.uint8)


def _digest(files: Iterable[tuple[str, Sequence[np.ndarray]]]) -> str:
    digest = hashlib.sha256()
    for name, pieces in files:
        digest.update(f"{name}\0{sum(len(piece) for piece in pieces)}\0".encode())
        for piece in pieces:
            digest.update(piece.tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Supply:
    """What a unit may need. entries: parcels by stage and key; files: by path, with the digest of their content.

    get: gives a parcel for what stands for it.
    """

    entries: Mapping[tuple[str, str], Any]
    files: Mapping[Path, tuple[str, Any]]
    get: Get

    def at_home(self, job: Opened, part: Part) -> tuple[Opened, Part]:
        """The job and the part with the files of this machine, brought here where they are missing."""
        clips = self._clip(job.clips[0]), self._clip(job.clips[1])
        start = job.start
        if isinstance(start, BaseFile):
            start = replace(start, path=base_path())
        rendering = part.rendering
        if rendering is not None and rendering.driver is not None:
            rendering = replace(rendering, driver=self._input(rendering.driver))
        return replace(job, clips=clips, start=start), replace(part, rendering=rendering)

    def _clip(self, clip: SourceClip) -> SourceClip:
        matte = None if clip.matte is None else self._file(clip.matte)
        return replace(clip, path=self._file(clip.path), matte=matte)

    def _input(self, clip: ClipInput) -> ClipInput:
        matte = None if clip.matte is None else self._file(clip.matte)
        return replace(clip, path=self._file(clip.path), matte=matte)

    def _file(self, path: Path) -> Path:
        digest, parcel = self.files[path]
        place = _home() / "files" / digest / path.name
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            part = part_beside(place)
            unpack(self.get(parcel), part)
            try:
                part.rename(place)
            except OSError:  # another process was faster
                shutil.rmtree(part, ignore_errors=True)
        return place


class Stock:
    """Makes supplies of what is in a workspace. put: keeps a parcel where other machines get it; get: gives it back.

    The last parcels are kept for the units after.
    """

    KEPT = 64

    def __init__(self, store: Store, put: Callable[[Parcel], Any], get: Get) -> None:
        self._store, self._put, self._get = store, put, get
        self._results: dict[str, Mapping[str, tuple[str, str, str]]] = {}
        self._needs: dict[str, frozenset[str]] = {}
        self._kept: OrderedDict[Any, Any] = OrderedDict()

    def learn(self, ended: Ended) -> None:
        """Take note of what a unit made."""
        self._results[ended.unit] = ended.results

    def supply(self, unit: Unit) -> Supply:
        """What a machine without the workspace may need for a unit."""
        self._needs[unit.id] = unit.needs
        front, above = list(unit.needs), set(unit.needs)
        while front:
            more = self._needs.get(front.pop(), frozenset()) - above
            above |= more
            front += more
        entries = {}
        for need in above:
            for stage, key, _ in self._results.get(need, {}).values():
                entry = self._store.find(stage, key)
                if entry is not None:
                    entries[stage, key] = self._parcel((stage, key), entry.path)
        files = {path: (digest, self._parcel(digest, path)) for path, digest in self._files(unit).items()}
        return Supply(entries, files, self._get)

    def _files(self, unit: Unit) -> dict[Path, str]:
        """The user's files that a unit may read, with digests of their content."""
        found: dict[Path, str] = {}
        for piece in unit.pieces:
            for clip in piece.job.clips:
                found[clip.path] = clip.digest
                if clip.matte is not None and clip.matte_digest is not None:
                    found[clip.matte] = clip.matte_digest
            driver = piece.part.options.driver
            for path in () if driver is None else (driver.path, driver.matte):
                if path is not None:
                    found[path] = self._store.digests.digest(path)
        return found

    def _parcel(self, name: Any, path: Path) -> Any:
        if name not in self._kept:
            self._kept[name] = self._put(pack(path))
        self._kept.move_to_end(name)
        while len(self._kept) > self.KEPT:
            self._kept.popitem(last=False)
        return self._kept[name]


class SuppliedStore(Store):
    """A workspace of this machine alone, which gets from a supply what it lacks."""

    def __init__(self, root: Path, supply: Supply | None) -> None:
        super().__init__(root)
        self._supply = supply

    def find(self, stage: str, key: str, *, deep: bool = False) -> Entry | None:
        """The entry, brought here where it is missing."""
        found = super().find(stage, key, deep=deep)
        parcel = None if self._supply is None else self._supply.entries.get((stage, key))
        if found is not None or parcel is None or self._supply is None:
            return found
        install(self, stage, key, self._supply.get(parcel))
        return super().find(stage, key, deep=True)


def install(store: Store, stage: str, key: str, parcel: Parcel) -> None:
    """Put a result that another machine made into a workspace. Raises as :meth:`Store.install`, and `unpack`."""
    store.install(stage, key, lambda folder: unpack(parcel, folder))


def brought(store: Store, ended: Ended) -> tuple[tuple[str, str, Parcel], ...]:
    """The results of a unit as parcels."""
    found = []
    for stage, key, _ in ended.results.values():
        entry = store.find(stage, key)
        if entry is not None:
            found.append((stage, key, pack(entry.path)))
    return tuple(found)


def private_workspace(root: Path) -> Path:
    """The workspace of a machine that does not share the one at `root`."""
    return _home() / hashlib.sha256(str(root).encode()).hexdigest()[:16]


def _home() -> Path:
    return cache_folder().parent / "batch"
