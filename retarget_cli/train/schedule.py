"""Schedules as functions of the progress, 0 at the first step and 1 after the last."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch


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
