"""The motion methods, and the formats of other programs' checkpoints, by name.

Neither torch nor what a method computes is imported before it is needed: listing them is free.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retarget_cli.errors import UsageError
from retarget_cli.methods.base import Imported, MotionMethod
from retarget_cli.methods.jokr.method import Jokr
from retarget_cli.methods.jokr_paper.method import JokrPaper
from retarget_cli.utils.fields import nearest

METHODS: dict[str, type[MotionMethod]] = {
    "jokr": Jokr,
    "jokr-paper": JokrPaper,
}


def get_method(name: str) -> MotionMethod:
    """Return the method called `name`; UsageError when there is none."""
    if name not in METHODS:
        raise UsageError(f"there is no method '{name}'", where="--method", fix=nearest(name, METHODS))
    return METHODS[name]()


@dataclass(frozen=True)
class Format:
    """Checkpoints of another program. method, preset: what they are imported as.

    read: the file and the settings of that preset to networks and the settings that fit them; raises InputError.
    """

    method: str
    preset: str
    read: Callable[[Path, Any], Imported]


def _read_jokr_paper(path: Path, config: Any) -> Imported:
    from retarget_cli.methods.jokr_paper.import_checkpoint import read

    return read(path, config)


FORMATS: dict[str, Format] = {"jokr-paper": Format("jokr-paper", "paper", _read_jokr_paper)}


def get_format(name: str) -> Format:
    """The format of checkpoints called `name`; UsageError when there is none."""
    if name not in FORMATS:
        raise UsageError(f"there is no kind of checkpoint '{name}'", where="--as", fix=nearest(name, FORMATS))
    return FORMATS[name]
