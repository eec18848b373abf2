"""Random numbers that are the same on every device, and that a CUDA graph may draw."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor


class SharedDraws:
    """Stands in for torch's draws: numbers out of a count of draws, computed where they are wanted.

    The count lies on the device and goes up by kernels, so that a replayed step draws new ones.
    """

    def __init__(self, device: str) -> None:
        self.count = torch.zeros((), dtype=torch.float64, device=device)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        for name in ("rand", "randn", "randint", "randperm"):
            patch.setattr(torch, name, getattr(self, name))

    def _uniform(self, *shape: int) -> Tensor:
        self.count += 1
        size = torch.Size(shape).numel()
        number = torch.arange(1, size + 1, dtype=torch.float64, device=self.count.device)
        return (torch.sin(number * 12.9898 + self.count * 78.233) * 43758.5453).frac().abs().reshape(shape)

    def rand(self, *size: Any, generator: object, device: object) -> Tensor:
        return self._uniform(*(size[0] if isinstance(size[0], tuple) else size)).float()

    def randn(self, *size: Any, generator: object, device: object) -> Tensor:
        uniform = self._uniform(*(size[0] if isinstance(size[0], tuple) else size))
        return (torch.erfinv((2 * uniform - 1) * 0.999999) * 2**0.5).float()

    def randint(self, high: int, size: tuple[int, ...], generator: object, device: object) -> Tensor:
        return (self._uniform(*size) * high).long()

    def randperm(self, count: int, generator: object, device: object) -> Tensor:
        return self._uniform(count).argsort()
