"""Training a phase with a smaller batch when memory runs out, for any method whose phases have a batch."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from retarget_cli.config import TrainConfig, change_fields
from retarget_cli.errors import EnvironmentProblem
from retarget_cli.events import Notice, Reporter
from retarget_cli.hardware import device_class
from retarget_cli.memory import attempted
from retarget_cli.methods import get_method
from retarget_cli.store.atomic import write_json_atomic

_KEPT = "batch.json"  # in the work folder


def train_within_memory(
    config: TrainConfig, phase: str, work: Path, reporter: Reporter, train: Callable[[TrainConfig], object]
) -> int | None:
    """Call `train`, with half the batch of `phase` each time memory runs out; returns the batch that was small enough.

    `train` builds the phase anew and goes on from the newest checkpoint in `work`, as after a kill. There the batch is
    kept too: a training that is killed goes on with the one it had. None for a phase that has no batch.
    Raises EnvironmentProblem when a batch of one is too large, or there is none to make smaller.
    """
    settings = get_method(config.method).phase_config(config.method_config, phase)
    asked: int | None = settings.get("batch")
    batch = asked if asked is None else min(asked, _kept(work, asked))
    memory = "GPU memory" if device_class(config.device) == "cuda" else "memory"
    if batch != asked:
        reporter(Notice(f"{phase} goes on with a batch of {batch}: {memory} ran out with {asked}"))
    while not attempted(partial(train, _with_batch(config, phase, batch))):
        if batch is None or batch == 1:
            raise _too_little(memory, phase, settings)
        smaller = batch // 2
        reporter(Notice(f"{memory} ran out in {phase} with a batch of {batch}; it goes on with {smaller}", "warning"))
        batch = smaller
        write_json_atomic(work / _KEPT, {"batch": batch})
    return batch


def _kept(work: Path, asked: int) -> int:
    path = work / _KEPT
    return int(json.loads(path.read_text(encoding="utf-8"))["batch"]) if path.exists() else asked


def _with_batch(config: TrainConfig, phase: str, batch: int | None) -> TrainConfig:
    if batch is None:
        return config
    changed = change_fields(config.method_config, (f"{phase}.batch={batch}",))
    return dataclasses.replace(config, method_config=changed)


def _too_little(memory: str, phase: str, settings: Any) -> EnvironmentProblem:
    size = settings.get("size")
    ways = [f"smaller pictures (--set {phase}.size={size // 2})"] if isinstance(size, int) else []
    ways += ["--preset draft", *(["--device cpu"] if memory.startswith("GPU") else [])]
    alone = ", even with a batch of one" if "batch" in settings else ""
    return EnvironmentProblem(f"not enough {memory} for {phase}{alone}", fix=f"Use {' or '.join(ways)}.")
