"""The networks that a training begins with: those of the base, those of another run, or fresh ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

from retarget_cli.config import TrainConfig, begins_with_base, named_kind
from retarget_cli.pipeline.runs import find_start
from retarget_cli.pipeline.settings import base_misfits
from retarget_cli.stages.warm_start import Start
from retarget_cli.store.engine import Store
from retarget_cli.weights import base as packaged
from retarget_cli.weights.base import BaseFile


@dataclass(frozen=True)
class Beginning:
    """What a training begins with. start: None for fresh networks.

    config: the settings, in which `start` says the same as a record is to have it: ``base``, ``base:KIND``, a whole id,
        or None.
    note: why the base is not used although nobody asked for anything else; empty where it is, or need not be.
    """

    config: TrainConfig
    start: Start | BaseFile | None
    note: str = ""


def find_beginning(store: Store, config: TrainConfig) -> Beginning:
    """Find what `config` names.

    Raises UsageError when there is no such run, or more than one, or its networks have other shapes, and
    EnvironmentProblem when the base is missing.
    """
    if not begins_with_base(config.start):
        run = find_start(store, config)
        return Beginning(config if run is None else replace(config, start=run.run), run)
    misfits = base_misfits(config)
    if misfits is None or misfits:
        note = f"training begins with fresh networks: the base needs {', '.join(misfits)}" if misfits else ""
        return Beginning(replace(config, start=None), None, note)
    path = packaged.base_path()
    return Beginning(config, BaseFile(path, store.digests.digest(path), named_kind(config.start)))
