"""Dropout that draws from a given generator: an interrupted training then goes on exactly as it would have."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """In training mode sets a share `rate` of the numbers to zero and scales the others up; see :func:`draw_from`."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Any shape in, the same shape out."""
        if not self.training or self.rate == 0:
            return x
        kept = torch.rand(x.shape, generator=self.generator, device=x.device) >= self.rate
        return x * kept / (1 - self.rate)


def draw_from(generator: torch.Generator, modules: Iterable[nn.Module]) -> None:
    """Let every dropout inside `modules` draw from `generator`, which must be on their device."""
    for module in modules:
        for part in module.modules():
            if isinstance(part, Dropout):
                part.generator = generator
