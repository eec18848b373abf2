"""The manifest: every file that the program can fetch and knows how to check."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from retarget_cli.errors import UsageError

_FILE: Traversable = resources.files("retarget_cli.weights").joinpath("manifest.toml")


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
        """Whether a whole SHA-256 (64 hex digits) is that of this file."""
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
