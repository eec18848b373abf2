"""Networks that other people trained: which are known, where they are, and how to fetch them safely.

Looked for, in order: the file the user names, RETARGET_WEIGHTS (a file or a folder), ./weights, the user's cache.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, BinaryIO

from retarget_cli.errors import EnvironmentProblem, UsageError

_BLOCK = 1 << 20
_TIMEOUT = 30.0
_OWN_SUFFIXES = (".pth", ".safetensors")


@dataclass(frozen=True)
class Weight:
    """One known file. kind: what it serves (``sam``, ``vgg16``); sha256: hex digest; size: bytes, None if unknown."""

    name: str
    kind: str
    file: str
    url: str
    sha256: str
    licence: str
    purpose: str
    size: int | None = None


@cache
def known() -> dict[str, Weight]:
    """Every file of the manifest, by name, in the manifest's order."""
    text = resources.files("retarget_cli").joinpath("weights.toml").read_text(encoding="utf-8")
    return {name: Weight(name=name, **entry) for name, entry in tomllib.loads(text).items()}


def weight(name: str) -> Weight:
    """The known file called `name`; UsageError for any other name."""
    if name not in known():
        raise UsageError(f"There are no weights called {name!r}.", fix=f"Take one of {', '.join(known())}.")
    return known()[name]


def cache_folder() -> Path:
    """Where downloads go: ``retarget/weights`` in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "retarget" / "weights"


def _places() -> list[Path]:
    """Files and folders to look in, first choice first."""
    named = os.environ.get("RETARGET_WEIGHTS")
    return [*([Path(named)] if named else []), Path("weights"), cache_folder()]


def find_weights(kind: str, explicit: str | Path | None = None) -> Path | None:
    """The file to use for `kind` (``sam``, ``vgg16``), or None when there is none.

    explicit: a file, or the name of a known one; EnvironmentProblem when it is not there. A file named by
    RETARGET_WEIGHTS counts for a kind when it is a known file of that kind, or, for ``sam``, a file nobody knows.
    """
    if explicit is not None:
        return find(str(explicit)) if str(explicit) in known() else _existing(Path(explicit))
    files = [one.file for one in known().values() if one.kind == kind]
    for place in _places():
        if place.is_file() and (place.name in files or (kind == "sam" and _is_own(place))):
            return place
        for file in files:
            if (place / file).is_file():
                return place / file
    return None


def _is_own(path: Path) -> bool:
    return path.suffix in _OWN_SUFFIXES and path.name not in {one.file for one in known().values()}


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise EnvironmentProblem(
            "There is no weights file here.", where=path, fix="Give the path of a file, or a name of `weights list`."
        )
    return path


def find(name: str) -> Path:
    """Where the known file called `name` is; EnvironmentProblem when it is nowhere."""
    found = _locate(weight(name))
    if found is None:
        raise EnvironmentProblem(
            f"The weights {name} are not on this machine.", fix=f"Fetch them: retarget weights pull {name}"
        )
    return found


def _locate(one: Weight) -> Path | None:
    candidates = [place if place.name == one.file else place / one.file for place in _places()]
    return next((path for path in candidates if path.is_file()), None)


def state(name: str, *, deep: bool = False) -> str:
    """``missing``, ``damaged`` or ``ok``; judged by its size, or with `deep` by its digest."""
    one = weight(name)
    path = _locate(one)
    if path is None:
        return "missing"
    if deep:
        return "ok" if sha256_of(path) == one.sha256 else "damaged"
    return "ok" if one.size is None or path.stat().st_size == one.size else "damaged"


def survey() -> dict[str, str]:
    """The state of every known file, by name."""
    return {name: state(name) for name in known()}


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(path: Path) -> Weight:
    """The known file that `path` is, by its name and content; EnvironmentProblem when it is unknown or damaged."""
    one = next((each for each in known().values() if each.file == path.name), None)
    if one is None:
        raise EnvironmentProblem(
            "This is no file the manifest knows.", where=path, fix="Compare its digest with the one its authors give."
        )
    if sha256_of(_existing(path)) != one.sha256:
        raise EnvironmentProblem(
            "The weights file is damaged: its digest is wrong.",
            where=path,
            fix=f"Delete it and fetch it again: retarget weights pull {one.name}",
        )
    return one


def fetch(name: str, progress: Callable[[int, int], None], folder: Path | None = None) -> Path:
    """Download a known file into `folder` (the user's cache by default), check it, and return its path.

    The bytes go to ``FILE.part``, hashed on the way; a download that broke off goes on where it stopped, and the file
    gets its name only when its SHA-256 is right. progress: called with (bytes done, bytes in all or 0).
    EnvironmentProblem when the network, the disk or the digest fails.
    """
    one = weight(name)
    folder = cache_folder() if folder is None else folder
    path, part = folder / one.file, folder / f"{one.file}.part"
    if path.is_file() and sha256_of(path) == one.sha256:
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        digest = _download(one, part, progress)
        if digest != one.sha256:
            part.unlink()
            raise EnvironmentProblem(
                f"What came for {name} is not the file that was asked for: its digest is wrong.",
                where=one.url,
                fix="Try again; if it stays so, fetch the file by hand and name it with --weights.",
            )
        part.replace(path)
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
        raise EnvironmentProblem(
            f"The download of {name} broke off: {error}.",
            where=one.url,
            fix="Run it again; it goes on where it stopped.",
        ) from error
    except OSError as error:
        raise EnvironmentProblem(
            f"The weights cannot be written: {error.strerror}.",
            where=folder,
            fix="Free disk space or set XDG_CACHE_HOME.",
        ) from error
    return path


def _download(one: Weight, part: Path, progress: Callable[[int, int], None]) -> str:
    """Append what is missing to `part` and return the SHA-256 of the whole."""
    digest = hashlib.sha256()
    have = part.stat().st_size if part.is_file() else 0
    if one.size is not None and have >= one.size:
        part.unlink()
        have = 0
    request = urllib.request.Request(one.url, headers={"Range": f"bytes={have}-"} if have else {})
    with _open(request) as response, part.open("ab") as file:
        if have and response.status == 206:
            with part.open("rb") as earlier:
                while block := earlier.read(_BLOCK):
                    digest.update(block)
        else:  # the server sends the whole file
            file.truncate(0)
            have = 0
        rest = response.headers.get("Content-Length")
        total = one.size or (have + int(rest) if rest else 0)
        _copy(response, file, digest, have, total, progress)
    return digest.hexdigest()


def _open(request: urllib.request.Request) -> Any:
    try:
        return urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not request.headers:
            raise
        error.close()  # the part is as long as the file or longer: start again
        return urllib.request.urlopen(urllib.request.Request(request.full_url), timeout=_TIMEOUT)


def _copy(
    response: BinaryIO, file: BinaryIO, digest: Any, done: int, total: int, progress: Callable[[int, int], None]
) -> None:
    progress(done, total)
    while block := response.read(_BLOCK):
        file.write(block)
        digest.update(block)
        done += len(block)
        progress(done, total)
    if total and done < total:
        raise ConnectionError(f"{done} of {total} bytes came")
