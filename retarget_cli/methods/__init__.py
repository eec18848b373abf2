"""The motion methods, and the formats of other programs' checkpoints, by name.

Each entry imports what it names only when it is called, so that listing them is free.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retarget_cli.errors import UsageError
from retarget_cli.methods.base import Imported, MotionMethod


def _jokr() -> MotionMethod:
    from retarget_cli.methods.jokr.method import Jokr

    return Jokr()


def _jokr_paper(path: Path, config: Any) -> Imported:
    from retarget_cli.methods.jokr.paper.published import read

    return read(path, config)


@dataclass(frozen=True)
class Format:
    """Checkpoints of another program. method, preset: what they are imported as.

    read: the file and the settings of that preset to networks and the settings that fit them; raises InputError.
    """

    method: str
    preset: str
    read: Callable[[Path, Any], Imported]


METHODS: dict[str, Callable[[], MotionMethod]] = {"jokr": _jokr}
FORMATS: dict[str, Format] = {"jokr-paper": Format("jokr", "paper", _jokr_paper)}


def get_method(name: str) -> MotionMethod:
    """Return the method called `name`; UsageError when there is none."""
    if name not in METHODS:
        raise UsageError(f"there is no method '{name}'", fix=f"Choose one of: {', '.join(sorted(METHODS))}.")
    return METHODS[name]()


def get_format(name: str) -> Format:
    """The format of checkpoints called `name`; UsageError when there is none."""
    if name not in FORMATS:
        fix = f"Choose one of: {', '.join(sorted(FORMATS))}."
        raise UsageError(f"there is no kind of checkpoint '{name}'", where="--as", fix=fix)
    return FORMATS[name]
