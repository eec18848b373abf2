"""Checks that the files that are here are the ones the manifest means."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from retarget_cli.store.digests import hash_file
from retarget_cli.weights.convert import is_intact, is_whole, read_digests
from retarget_cli.weights.manifest import Weight, known, locate, weight

State = Literal["missing", "damaged", "ok"]


def state(name: str, *, deep: bool = False) -> State:
    """Return the state of known weights, judged by its size and digests, or with `deep` by every byte.

    A file of the right name that was not made from what the manifest means counts as damaged.
    """
    one = weight(name)
    path = locate(one)
    if path is None:
        return "missing"
    return "ok" if is_right(path, one, deep=deep) else "damaged"


def survey() -> dict[str, State]:
    """The state of every known file, by name."""
    return {name: state(name) for name in known()}


def repair(name: str) -> str:
    """Return what to do about weights that are missing or damaged."""
    path = locate(weight(name))
    return f"{f'Delete {path} and fetch it again' if path else 'Fetch it'}: retarget weights pull {name}"


def is_right(path: Path, one: Weight, *, deep: bool) -> bool:
    """Tell whether an existing file, converted or as published, is `one`."""
    if path.suffix == ".safetensors":
        digests = read_digests(path)
        return digests is not None and one.has_digest(digests.source) and (is_intact(path) if deep else is_whole(path))
    return path.stat().st_size == one.size and (not deep or one.has_digest(hash_file(path)))
