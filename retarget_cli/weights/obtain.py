"""Into the user's cache: known weights, from the network or from a file, checked and converted on the way.

Several processes may do so at once: one works, the others wait and find the work done. A kill at any moment leaves
nothing under a final name that was not checked.
"""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retarget_cli.errors import EnvironmentProblem
from retarget_cli.store.atomic import sync_file
from retarget_cli.store.digests import hash_file
from retarget_cli.store.locks import KeyLocks, LockState
from retarget_cli.weights.check import is_right
from retarget_cli.weights.convert import convert
from retarget_cli.weights.download import Patience, ReportBytes, download, drop, length
from retarget_cli.weights.manifest import Weight, known, weight, with_file_name
from retarget_cli.weights.places import cache_folder
from retarget_cli.weights.seal import read_seal

_BLOCK = 1 << 20


def fetch(name: str, progress: ReportBytes, patience: Patience | None = None) -> Path:
    """Download known weights unless they are in the cache already, and return the path of the converted file.

    progress: called with (bytes done, bytes in all). EnvironmentProblem when the network, the disk or the digest
    fails; what came so far is kept and the next call goes on from there.
    """
    one = weight(name)
    ready, published = _paths(one)
    with _disk(), _alone(one, progress) as part:
        if ready.is_file() and is_right(ready, one, deep=True):
            return ready
        if not (published.is_file() and is_right(published, one, deep=True)):
            _demand_space(one, max(0, one.size - length(part)))
            _download(one, part, progress, patience or Patience())
            sync_file(part)
            part.replace(published)
            drop(part)
        return _convert(one, published)


def add(file: Path, name: str | None, progress: ReportBytes) -> tuple[Weight, Path]:
    """Take a file that the user has into the cache; returns which weights it is and the path of the converted file.

    name: which weights it should be; found out from the file's name or size when None. A file that was converted on
    another machine is taken, too. `file` itself stays as it is. EnvironmentProblem when it is not what it should be.
    """
    if not file.is_file():
        raise EnvironmentProblem("There is no file here.", where=file, fix="Check the path.")
    one = weight(name) if name is not None else _recognise(file)
    ready, published = _paths(one)
    is_converted = file.suffix == ".safetensors"
    with _disk(), _alone(one, progress) as part:
        _demand_space(one, file.stat().st_size)
        copy = part.with_name(f"{part.name}.safetensors" if is_converted else f"{part.name}.copy")
        try:
            # What has the wrong size or seal needs no copy to be refused.
            if not (is_right(file, one, deep=False) and _is_copied(file, copy, one, progress)):
                fix = f"Fetch it again: {one.url} (here: retarget weights pull {one.name})"
                raise EnvironmentProblem(f"This is not {one.name}, or it is damaged.", where=file, fix=fix)
            copy.replace(ready if is_converted else published)
        finally:
            copy.unlink(missing_ok=True)
        return one, ready if is_converted else _convert(one, published)


def _recognise(file: Path) -> Weight:
    """The known weights that a file is by its seal, its name or else its size."""
    seal = read_seal(file) if file.suffix == ".safetensors" else None
    sealed = [one for one in known().values() if seal is not None and one.has_digest(seal.source)]
    named = with_file_name(file.name)
    sized = [one for one in known().values() if one.size == file.stat().st_size]
    found = [*sealed, *([named] if named else []), *sized]
    if not found:
        raise EnvironmentProblem(
            "Nobody knows this file: neither its name nor its size is in the list of weights.",
            where=file,
            fix="A segmentation network of your own needs no adding: use it with --weights FILE or RETARGET_WEIGHTS.",
        )
    return found[0]


def _paths(one: Weight) -> tuple[Path, Path]:
    """Where the converted and the published file belong."""
    return cache_folder() / one.converted, cache_folder() / one.file


def _convert(one: Weight, published: Path) -> Path:
    """Replace the checked file in the cache by its converted form."""
    ready = _paths(one)[0]
    convert(published, hash_file(published), ready)
    published.unlink()
    return ready


def _download(one: Weight, part: Path, progress: ReportBytes, patience: Patience) -> None:
    """Fill `part` with the right bytes. What an earlier call left may be rotten, so it is given up once."""
    for _ in range(2 if part.is_file() else 1):
        if one.has_digest(download(one.url, part, one.size, progress, patience)):
            return
        drop(part)
    raise EnvironmentProblem(
        f"What came for {one.name} is not the file that was asked for: its digest is wrong.",
        where=one.url,
        fix="Try again; if it stays so, fetch the file by hand and hand it over: retarget weights add FILE",
    )


def _is_copied(source: Path, target: Path, one: Weight, progress: ReportBytes) -> bool:
    """Copy a file; whether what was written is `one`."""
    digest, done, size = hashlib.sha256(), 0, source.stat().st_size
    with source.open("rb") as reading, target.open("wb") as writing:
        while block := reading.read(_BLOCK):
            writing.write(block)
            digest.update(block)
            done += len(block)
            progress(done, size)
    sync_file(target)
    return is_right(target, one, deep=True) if target.suffix == ".safetensors" else one.has_digest(digest.hexdigest())


def _demand_space(one: Weight, more: int) -> None:
    """Refuse when `more` bytes and, after them, the converted file will not fit."""
    need, free = more + one.size, shutil.disk_usage(cache_folder()).free
    if free < need:
        raise EnvironmentProblem(
            f"There is too little disk space for {one.name}: {need / 1e9:.2f} GB are needed, {free / 1e9:.2f} GB free.",
            where=cache_folder(),
            fix="Free some space, or set XDG_CACHE_HOME to a folder on another disk.",
        )


@contextmanager
def _alone(one: Weight, progress: ReportBytes) -> Iterator[Path]:
    """Work on `one` while no other process does; gives the file to write into.

    Who waits sees how far the other one is. Where the file system has no locks the file is one of our own.
    """
    folder = cache_folder()
    (folder / "locks").mkdir(parents=True, exist_ok=True)
    part = folder / f"{one.file}.part"
    with KeyLocks(folder / "locks").hold(one.file, lambda: progress(length(part), one.size)) as lock:
        if lock is LockState.HELD:
            yield part
            return
        own = part.with_name(f"{one.file}.{uuid.uuid4().hex}.part")
        try:
            yield own
        finally:
            drop(own)  # no later call would find it


@contextmanager
def _disk() -> Iterator[None]:
    """Say of every failure of the file system what can be done about it."""
    try:
        yield
    except OSError as error:
        raise EnvironmentProblem(
            f"The weights cannot be stored: {error.strerror or error}.",
            where=error.filename or cache_folder(),
            fix="Free disk space, or set XDG_CACHE_HOME to a folder that can be written; then run it again.",
        ) from error
