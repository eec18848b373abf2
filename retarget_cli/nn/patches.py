"""Square parts of pictures, each at a place of its own, without the host knowing where."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from retarget_cli.nn.coords import grid_axis, invert_affine


def cut(values: Tensor, corners: Tensor, size: int) -> Tensor:
    """Patches (B, C, size, size) of `values` (B, C, H, W) that begin at `corners` (B, 2), rows and columns."""
    rows, columns = _pixels(corners, size)
    every = torch.arange(len(values), device=values.device)[:, None, None]
    return values[every, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def cut_warped(image: Tensor, affine: Tensor, corners: Tensor, size: int) -> Tensor:
    """What :func:`cut` would take from a square image moved by `affine` (see `warp_image`), interpolated by cubics.

    Nothing beyond the patches is computed. Zeros are beyond the image; values near sharp edges overshoot.
    """
    axis = grid_axis(image.shape[2], image.device)
    y, x = (axis[pixels] for pixels in _pixels(corners, size))
    back = invert_affine(affine)[:, None, None]
    grid = back[..., 0] * x[:, None, :, None] + back[..., 1] * y[:, :, None, None] + back[..., 2]
    return F.grid_sample(image, grid, mode="bicubic", padding_mode="zeros", align_corners=True)


def _pixels(corners: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Rows and columns (B, size) of patches."""
    steps = torch.arange(size, device=corners.device)
    return corners[:, :1] + steps, corners[:, 1:] + steps
