"""Beginning a training with the networks of another run instead of fresh ones."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from retarget_cli.config import TrainConfig
from retarget_cli.errors import InputError, UsageError, WorkspaceError
from retarget_cli.methods import get_method
from retarget_cli.store.engine import Store
from retarget_cli.utils.fields import shown

if TYPE_CHECKING:
    from retarget_cli.training.phase import Phase

OPTION = "--init-from"
_ANOTHER = "name another run (`retarget runs` lists them)"


@dataclass(frozen=True)
class Start:
    """The run to begin with. results: stage, key and digest of its phases' results, as its record names them.

    The record is enough to find what was trained from it; its files are needed only to train.
    """

    run: str
    config: TrainConfig
    results: Mapping[str, Mapping[str, str]]

    def folder(self, store: Store, phase: str) -> Path:
        """The folder of the trained phase; WorkspaceError when it is gone."""
        place = self.results[phase]
        entry = store.find(place["stage"], place["key"], deep=True)
        if entry is None or entry.digest != place["digest"]:
            what = f"the {phase} networks of run {self.run} are no longer in the workspace"
            raise WorkspaceError(what, where=OPTION, fix=f"Train that pair again, or {_ANOTHER}.")
        return entry.path


def check_start(start: Start, config: TrainConfig) -> None:
    """UsageError unless the networks of `start` have the shapes of those that `config` trains."""
    theirs, ours = start.config, config
    if (theirs.method, type(theirs.method_config)) != (ours.method, type(ours.method_config)):
        words = f"--method {theirs.method} --preset {theirs.preset}"
        what = f"run {start.run} has networks of another kind: it was trained with {words}"
        raise UsageError(what, where=OPTION, fix=f"Train with {words} too, or {_ANOTHER}.")
    method = get_method(config.method)
    ours_too = method.phases(config.method_config)
    shared = [phase for phase in method.phases(theirs.method_config) if phase in ours_too]
    startable = [method.startable(config.method_config, phase) for phase in shared]
    told, changes = [], []
    for name in dict.fromkeys(name for each in startable for name in each.settings):
        there, here = (shown(operator.attrgetter(name)(each.method_config)) for each in (theirs, ours))
        if there != here:
            told.append(f"{name} is {there} there and {here} here")
            changes.append(f"--set {name}={there}")
    if told:
        what = f"the networks of run {start.run} have another shape: {', '.join(told)}"
        raise UsageError(what, where=OPTION, fix=f"Train with {' '.join(changes)}, or {_ANOTHER}.")


def begin(phase: Phase, start: Start, folder: Path) -> None:
    """Fill the modules of `phase` that may begin so with those that `folder` holds; InputError when they do not fit."""
    from retarget_cli.training.checkpoint import load_modules

    names = get_method(start.config.method).startable(start.config.method_config, phase.name).modules
    try:
        load_modules({name: phase.modules[name] for name in names}, folder)
        phase.carry(folder)
    except (KeyError, RuntimeError) as error:  # of settings that fit: another version trained them
        what = f"the {phase.name} networks of run {start.run} are not built like those of this version"
        raise InputError(what, where=OPTION, fix=f"Train that pair again, or {_ANOTHER}.") from error
