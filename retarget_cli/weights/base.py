"""The base: networks that know some kinds of bodies already. They were trained with this program and come with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from retarget_cli.errors import EnvironmentProblem

NAME = "base.safetensors"
FIX = "Install retarget again, or train with --init-from none."


@dataclass(frozen=True)
class BaseFile:
    """The file of the base. digest: sha256 of its content."""

    path: Path
    digest: str


def base_path() -> Path:
    """Where the file of the base is; EnvironmentProblem when it is missing."""
    path = Path(__file__).with_name(NAME)
    if not path.is_file():
        raise EnvironmentProblem("the base, with which training begins, is missing", where=path, fix=FIX)
    return path
