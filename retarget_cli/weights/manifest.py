"""The list of known weights, and the places where files are looked for."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from retarget_cli.errors import EnvironmentProblem, UsageError

_FILE: Traversable = resources.files("retarget_cli.weights").joinpath("manifest.toml")
_VARIABLE = "RETARGET_WEIGHTS"
_OWN_SUFFIXES = (".pth", ".safetensors")


@dataclass(frozen=True)
class Weight:
    """One known file. kind: what it serves (``sam``, ``vgg16``); size: bytes; sha256: hex digits of the whole digest,
    or the first ones where its authors publish no more; purpose: what needs it.
    """

    name: str
    kind: str
    file: str
    url: str
    sha256: str
    size: int
    licence: str
    purpose: str

    @property
    def converted(self) -> str:
        """Name of the file once it is in the safetensors format."""
        return Path(self.file).with_suffix(".safetensors").name

    def has_digest(self, digest: str) -> bool:
        """Tell whether a whole SHA-256 (64 hex digits) is that of this file."""
        return digest.startswith(self.sha256)


def known() -> dict[str, Weight]:
    """Every file of the manifest, by name, in the manifest's order: the preferred one of a kind comes first."""
    entries = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {name: Weight(name=name, **entry) for name, entry in entries.items()}


def weight(name: str) -> Weight:
    """The known file called `name`; UsageError for any other name."""
    if name not in known():
        raise UsageError(f"There are no weights called {name!r}.", fix=f"Take one of {', '.join(known())}.")
    return known()[name]


def of_kind(kind: str) -> list[Weight]:
    """The known files that serve `kind`, first choice first."""
    return [one for one in known().values() if one.kind == kind]


def with_file_name(name: str) -> Weight | None:
    """The known file that is called `name` as its authors publish it, or once it is converted."""
    return next((one for one in known().values() if name in (one.file, one.converted)), None)


def cache_folder() -> Path:
    """Folder of downloads and converted files: ``retarget/weights`` in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "retarget" / "weights"


def find_weights(kind: str, explicit: str | Path | None = None) -> Path | None:
    """The file to use for `kind` (``sam``, ``vgg16``), or None when there is none.

    explicit: a file, a folder, or the name of a known file; EnvironmentProblem when it is not there, as when
    RETARGET_WEIGHTS names nothing that exists. In a folder only known files count, in the manifest's order, converted
    ones first. A file in RETARGET_WEIGHTS counts for its own kind or, when nobody knows it, for ``sam``.
    """
    if explicit is not None:
        return find(str(explicit)) if str(explicit) in known() else _named(kind, Path(explicit))
    for place in _places():
        found = _in_folder(kind, place) if place.is_dir() else _if_serves(kind, place)
        if found is not None:
            return found
    return None


def find(name: str) -> Path:
    """Find the known file called `name`; EnvironmentProblem when it is nowhere."""
    found = locate(weight(name))
    if found is None:
        raise EnvironmentProblem(
            f"The weights {name} are not on this machine.", fix=f"Fetch them: retarget weights pull {name}"
        )
    return found


def locate(one: Weight) -> Path | None:
    """The first place with a file of this name, converted or as published; its content is not looked at."""
    return next((found for place in _places() if (found := _at(place, one))), None)


def _places() -> list[Path]:
    """Files and folders to look in, first choice first; EnvironmentProblem when the user's own is not there."""
    named = os.environ.get(_VARIABLE)
    if named and not Path(named).exists():
        fix = "Set it to a file or folder that exists, or unset it."
        raise EnvironmentProblem(f"{_VARIABLE} names nothing that exists.", where=named, fix=fix)
    return [*([Path(named)] if named else []), Path("weights"), cache_folder()]


def _named(kind: str, path: Path) -> Path:
    """The file `path`, or the one of `kind` in the folder `path`."""
    if path.is_file():
        return path
    if not path.is_dir():
        fix = "Give the path of a file or folder, or a name of `retarget weights list`."
        raise EnvironmentProblem("There is no weights file here.", where=path, fix=fix)
    found = _in_folder(kind, path)
    if found is None:
        names = ", ".join(one.file for one in of_kind(kind))
        fix = f"Put one of these into it: {names}; a file of another name has to be named itself."
        raise EnvironmentProblem("This folder holds no weights of the kind that is needed.", where=path, fix=fix)
    return found


def _in_folder(kind: str, folder: Path) -> Path | None:
    return next((found for one in of_kind(kind) if (found := _at(folder, one))), None)


def _at(place: Path, one: Weight) -> Path | None:
    """The file of this name in the folder `place`, or that is `place`; None where there is none."""
    names = (one.converted, one.file)
    files = [place / name for name in names] if place.is_dir() else [place]
    return next((file for file in files if file.name in names and file.is_file()), None)


def _if_serves(kind: str, path: Path) -> Path | None:
    one = with_file_name(path.name)
    serves = one.kind == kind if one else kind == "sam" and path.suffix in _OWN_SUFFIXES
    return path if path.is_file() and serves else None
