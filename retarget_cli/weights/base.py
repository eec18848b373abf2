"""The base: networks that know some kinds of bodies already. They were trained with this program and come with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retarget_cli.errors import EnvironmentProblem

NAME = "base.safetensors"
_KEY = "base"  # in the metadata of the file
FIX = "Install retarget again, or train with --init-from none."


@dataclass(frozen=True)
class BaseFile:
    """The file of the base. digest: sha256 of its content; kind: that of both bodies, None: recognise it."""

    path: Path
    digest: str
    kind: str | None = None


def base_path() -> Path:
    """Where the file of the base is; EnvironmentProblem when it is missing."""
    path = Path(__file__).with_name(NAME)
    if not path.is_file():
        raise EnvironmentProblem("the base, with which training begins, is missing", where=path, fix=FIX)
    return path


def known_kinds(path: Path) -> tuple[str, ...]:
    """The kinds of bodies that a base knows, from its header; EnvironmentProblem when that cannot be read."""
    with opened(path, "numpy") as file:
        return tuple(sorted(facts_of(file)["kinds"]))


@contextmanager
def opened(path: Path, framework: str) -> Iterator[Any]:
    """A base as safetensors gives it, with tensors of `framework`.

    EnvironmentProblem when it cannot be opened, or when what is in it makes no sense to whoever reads it in the block.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework=framework) as file:
            yield file
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = "the base, with which training begins, cannot be read"
        raise EnvironmentProblem(what, where=path, fix=FIX) from error


def facts_of(file: Any) -> Any:
    """What the header of an :func:`opened` base says, plain JSON."""
    return json.loads((file.metadata() or {})[_KEY])
