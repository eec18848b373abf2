"""One phase that trains in one of the modes that are compared."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from retarget_cli.bench.device_meter import DeviceMeter
from retarget_cli.bench.flops import count_flops
from retarget_cli.bench.plan import Mode
from retarget_cli.training.cuda_graph import WARM_UP
from retarget_cli.training.device import on_device
from retarget_cli.training.engine import Engine
from retarget_cli.training.phase import Phase
from retarget_cli.training.precision import FP32, Precision, arithmetic

_WARM_UP = WARM_UP + 2  # steps: what is recorded must be recorded, and replayed once, before the clock starts
_SLOW = 2.0  # seconds a step


class Trainer:
    """Steps a phase and keeps the time. failure: why it does not train in its mode, None when it does.

    seconds: wall time of a step, one figure a chunk; processor: CPU time of the process, the sum of theirs.
    warm_seconds, peak: a step and the bytes of memory after :meth:`warm_up`.
    """

    def __init__(self, build: Callable[[], Phase], mode: Mode, half: Precision, meter: DeviceMeter) -> None:
        self.mode = mode
        self.phase = build()
        self.phase.precision = half if mode.half else FP32
        if mode.plain:
            make_plain(self.phase)
        self.failure: str | None = None
        self.seconds: list[float] = []
        self.processor = 0.0
        self.warm_seconds = 0.0
        self.peak: int | None = None
        self._meter = meter
        self._engine = Engine(self.phase, "auto" if mode.graph else "eager", self._fail)
        self._step = 0

    def run(self, steps: int) -> None:
        """Train as the training loop does."""
        with arithmetic(self.phase.precision), on_device(self._meter.device):
            for _ in range(steps):
                self.phase.before_step(self._step)
                self._engine.step(self._step % self.phase.steps / self.phase.steps)
                self._step += 1

    def warm_up(self) -> None:
        """The first steps, which take longer. Of slow ones, one is enough."""
        for _ in range(_WARM_UP):
            self.warm_seconds, _ = self._timed(1)
            if self.warm_seconds > _SLOW and not self.mode.graph:
                break
        self.peak = self._meter.peak()

    def measure(self) -> None:
        """Train one chunk with the clock running."""
        wall, processor = self._timed(self._meter.chunk)
        self.seconds.append(wall / self._meter.chunk)
        self.processor += processor / self._meter.chunk

    def busy(self) -> float | None:
        """Share of the time for which the device works."""
        return self._meter.busy(self.run, self.seconds, self.processor)

    def flops(self) -> int:
        """FLOPs of one step, forward and backward; what optimizers do is not counted."""
        with arithmetic(self.phase.precision), on_device(self._meter.device):
            return count_flops(self.phase.gradients)

    def _timed(self, steps: int) -> tuple[float, float]:
        self._meter.wait()
        wall, processor = time.perf_counter(), time.process_time()
        self.run(steps)
        self._meter.wait()
        return time.perf_counter() - wall, time.process_time() - processor

    def _fail(self, message: str) -> None:
        self.failure = message


def make_plain(phase: Phase) -> None:
    """Undo what makes the steps of a phase quick and is no different arithmetic: memory layout and fused optimizers."""
    for module in {id(module): module for module in _networks(phase)}.values():
        module.to(memory_format=torch.contiguous_format)
        module.register_forward_pre_hook(_contiguous)
    for optimizer in phase.optimizers.values():
        for group in optimizer.param_groups:
            group["fused"] = None


def _networks(phase: Phase) -> list[nn.Module]:
    """Networks that train, and those that only help."""
    helping: list[Any] = []
    for value in vars(phase).values():
        helping += value if isinstance(value, (tuple, list)) else [value]
    return [each for each in (*phase.modules.values(), *helping) if isinstance(each, nn.Module)]


def _contiguous(_module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(each.contiguous() if isinstance(each, Tensor) else each for each in inputs)
