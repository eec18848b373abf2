"""The base: networks that know some kinds of bodies already. They were trained with this program and come with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from retarget_cli.errors import EnvironmentProblem

NAME = "base.safetensors"
KEY = "base"  # in the metadata of the file
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
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return tuple(sorted(json.loads((file.metadata() or {})[KEY])["kinds"]))
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise EnvironmentProblem("the base, with which training begins, cannot be read", where=path, fix=FIX) from error
