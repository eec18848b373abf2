"""Optimizers and the schedules of their rates."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor


class Scheduled:
    """A number that changes through a training, as a 0-d fp32 tensor that keeps its address.

    A step only reads it; the engine sets it before each step. A plain float would be frozen into a CUDA graph.
    """

    def __init__(self, schedule: Callable[[float], float], device: str) -> None:
        """schedule: the number at a progress."""
        self._schedule = schedule
        self.value = torch.tensor(schedule(0.0), dtype=torch.float32, device=device)

    def set(self, progress: float) -> None:
        """Make it the number at `progress`."""
        self.value.fill_(self._schedule(progress))


def one_cycle(progress: float, peak: float, warm: float = 0.15) -> float:
    """Learning rate: cosine from peak/25 up to `peak` over the first `warm`, then cosine down to peak/1000."""
    if progress < warm:
        low, high, at = peak / 25, peak, progress / warm
        return low + (high - low) * (1 - math.cos(math.pi * at)) / 2
    at = (progress - warm) / (1 - warm)
    return peak / 1000 + (peak - peak / 1000) * (1 + math.cos(math.pi * at)) / 2


def ramp(progress: float, start: float, end: float) -> float:
    """0 before `start`, 1 after `end`, linear between."""
    return min(1.0, max(0.0, (progress - start) / (end - start)))


Groups = Iterable[Tensor] | Iterable[dict[str, Any]]


def adam(parameters: Groups, rate: float | Tensor, betas: tuple[float, float]) -> torch.optim.Adam:
    """Adam in one kernel for all parameters. It keeps its step counts beside them and reads nothing on the host.

    rate: a number, or the 0-d tensor of a :class:`~retarget_cli.training.optim.Scheduled` one.
    """
    return torch.optim.Adam(parameters, lr=rate, betas=betas, fused=True)


def restore_state(optimizer: torch.optim.Optimizer, state: Mapping[int, Mapping[str, Tensor]]) -> None:
    """Put back the state of every parameter, by its number. Learning rates and options stay those of `optimizer`.

    The fused kernel walks parameters and moments by memory: a moment must lie in memory as its parameter does.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    laid_out = {
        index: {
            key: value if key == "step" else torch.empty_like(parameters[index]).copy_(value)
            for key, value in values.items()
        }
        for index, values in state.items()
    }
    own = [{key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups]
    optimizer.load_state_dict({"state": laid_out, "param_groups": optimizer.state_dict()["param_groups"]})
    for group, options in zip(optimizer.param_groups, own, strict=True):
        group.update(options)  # torch has put copies there: a schedule would set a rate that nobody reads
