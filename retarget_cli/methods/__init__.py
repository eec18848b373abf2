"""The motion methods, and the formats of other programs' checkpoints, by name.

Neither torch nor what a method computes is imported before it is needed: listing them is free.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retarget_cli.errors import UsageError
from retarget_cli.methods.base import Imported, MotionMethod, load_named
from retarget_cli.methods.jokr.method import Jokr
from retarget_cli.methods.jokr_paper.method import JokrPaper
from retarget_cli.methods.systems import SYSTEMS
from retarget_cli.utils.fields import nearest

METHODS: dict[str, type[MotionMethod]] = {
    "jokr": Jokr,
    "jokr-paper": JokrPaper,
    **SYSTEMS,
}


def get_method(name: str) -> MotionMethod:
    """Return the method called `name`; UsageError when there is none."""
    if name not in METHODS:
        raise UsageError(f"there is no method '{name}'", where="--method", fix=nearest(name, METHODS))
    return METHODS[name]()


@dataclass(frozen=True)
class Format:
    """Checkpoints of another program. method, preset: what they are imported as.

    reader: ``module:function``, imported when it is needed.
    """

    method: str
    preset: str
    reader: str

    def read(self, path: Path, config: Any) -> Imported:
        """The networks in the file, and `config`, of the preset, with the settings that fit them; raises InputError."""
        imported: Imported = load_named(self.reader)(path, config)
        return imported


FORMATS: dict[str, Format] = {
    "jokr-paper": Format("jokr-paper", "paper", "retarget_cli.methods.jokr_paper.import_checkpoint:read"),
}


def get_format(name: str) -> Format:
    """Return the format of checkpoints called `name`; UsageError when there is none."""
    if name not in FORMATS:
        raise UsageError(f"there is no kind of checkpoint '{name}'", where="--as", fix=nearest(name, FORMATS))
    return FORMATS[name]
