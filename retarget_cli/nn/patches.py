"""Square parts of pictures, each at a place of its own, without the host knowing where."""

from __future__ import annotations

import torch
from torch import Tensor


def cut(values: Tensor, corners: Tensor, size: int) -> Tensor:
    """Patches (B, C, size, size) of `values` (B, C, H, W) that begin at `corners` (B, 2), rows and columns."""
    steps = torch.arange(size, device=values.device)
    rows, columns = (corners[:, axis, None] + steps for axis in (0, 1))
    every = torch.arange(len(values), device=values.device)[:, None, None]
    return values[every, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
