"""Pairs that another program trained, made trained pairs of this workspace."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from retarget_cli import pipeline
from retarget_cli.config import TrainConfig
from retarget_cli.events import Notice, Reporter, silent
from retarget_cli.methods import get_format, get_method
from retarget_cli.stages.adopt import Foreign
from retarget_cli.store.engine import Store


def import_checkpoint(
    checkpoint: Path,
    kind: str,
    pair: tuple[pipeline.ClipInput, pipeline.ClipInput],
    config: TrainConfig,
    store: Store,
    reporter: Reporter = silent,
    stop: pipeline.Stop = pipeline.never,
) -> pipeline.TrainResult:
    """Make a checkpoint of another program a trained pair of this workspace; phases that it lacks are trained.

    kind: one of :data:`retarget_cli.methods.FORMATS`; config: that of its preset. Raises InputError for a file that is
    no such checkpoint, and what :func:`~retarget_cli.pipeline.train` raises.
    """
    read = get_format(kind).read(checkpoint, config.method_config)
    config = dataclasses.replace(config, method_config=read.config)
    for phase in get_method(config.method).phases(config.method_config):
        if phase not in read.states:
            reporter(Notice(f"the checkpoint holds no {phase} networks; they are trained now"))
    foreign = Foreign(kind, store.digests.digest(checkpoint), read.states)
    return pipeline.train(*pair, config, store, reporter, stop, foreign)
