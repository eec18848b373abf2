"""Checks that the files that are here are the ones the manifest means."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from retarget_cli.store.digests import hash_file
from retarget_cli.weights.convert import is_intact, is_whole, read_digests
from retarget_cli.weights.manifest import Weight, known, locate, weight
from retarget_cli.weights.proof import is_noted, is_proven

State = Literal["missing", "damaged", "unproven", "ok"]


def state(name: str, *, deep: bool = False) -> State:
    """Return the state of known weights, judged by its size and digests, or with `deep` by every byte.

    A file of the right name that was not made from what the manifest means counts as damaged; a converted one that is
    whole by its own account, while nothing here tells who made it, as unproven.
    """
    one = weight(name)
    path = locate(one)
    if path is None:
        return "missing"
    if is_right(path, one, deep=deep):
        return "ok"
    return "unproven" if path.suffix == ".safetensors" and _claims(path, one, deep=deep) else "damaged"


def _claims(path: Path, one: Weight, *, deep: bool) -> bool:
    """Tell whether a converted file says that it is `one` and agrees with itself, and nothing here speaks against."""
    digests = read_digests(path)
    if digests is None or not one.has_digest(digests.source) or is_noted(path, one):
        return False
    return is_intact(path) if deep else is_whole(path)


def survey() -> dict[str, State]:
    """The state of every known file, by name."""
    return {name: state(name) for name in known()}


def repair(name: str) -> str:
    """Return what to do about weights that are not right."""
    path = locate(weight(name))
    if path is not None and state(name) == "unproven":
        file = weight(name).file
        return (
            f"It was converted elsewhere, and only the published file proves what it is: move {path} away, then "
            f"`retarget weights add {file}` or `retarget weights pull {name}`"
        )
    return f"{f'Delete {path} and fetch it again' if path else 'Fetch it'}: retarget weights pull {name}"


def is_right(path: Path, one: Weight, *, deep: bool) -> bool:
    """Tell whether an existing file, converted or as published, is `one`."""
    if path.suffix == ".safetensors":
        return is_proven(path, one, anew=True) if deep else is_noted(path, one) and is_whole(path)
    return path.stat().st_size == one.size and (not deep or one.has_digest(hash_file(path)))
