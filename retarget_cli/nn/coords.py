"""Coordinates in [-1, 1]: affines, grids, and warping with them."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F


def grid_axis(size: int, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> Tensor:
    """Coordinates of `size` pixel centres, shape (size,), from -1 to 1."""
    return torch.linspace(-1.0, 1.0, size, device=device, dtype=dtype)


def identity_affine(batch: int, device: torch.device | str = "cpu") -> Tensor:
    """(batch, 2, 3) identity maps."""
    return torch.eye(2, 3, device=device).expand(batch, 2, 3).clone()


def apply_affine(affine: Tensor, points: Tensor) -> Tensor:
    """Map points (B, K, 2) by affine (B, 2, 3) or (2, 3)."""
    if affine.dim() == 2:
        affine = affine.expand(points.shape[0], 2, 3)
    return torch.baddbmm(affine[:, None, :, 2], points, affine[:, :, :2].transpose(1, 2))


def invert_affine(affine: Tensor) -> Tensor:
    """Inverse of (..., 2, 3) maps, in closed form (no solver, so it runs inside a captured graph)."""
    a, b, tx = affine[..., 0, 0], affine[..., 0, 1], affine[..., 0, 2]
    c, d, ty = affine[..., 1, 0], affine[..., 1, 1], affine[..., 1, 2]
    scale = 1.0 / (a * d - b * c)
    ia, ib, ic, id_ = d * scale, -b * scale, -c * scale, a * scale
    row_x = torch.stack([ia, ib, -(ia * tx + ib * ty)], dim=-1)
    row_y = torch.stack([ic, id_, -(ic * tx + id_ * ty)], dim=-1)
    return torch.stack([row_x, row_y], dim=-2)


def compose_affine(outer: Tensor, inner: Tensor) -> Tensor:
    """The map that applies `inner` first and `outer` second; shapes (..., 2, 3)."""
    linear = outer[..., :2] @ inner[..., :2]
    shift = (outer[..., :2] @ inner[..., 2:]) + outer[..., 2:]
    return torch.cat([linear, shift], dim=-1)


def random_affine(batch: int, sigma: float, generator: torch.Generator) -> Tensor:
    """(batch, 2, 3) maps I + N(0, sigma), drawn on the generator's device."""
    noise = torch.randn(batch, 2, 3, generator=generator, device=generator.device)
    return identity_affine(batch, generator.device) + sigma * noise


_REFUSED: list[bool] = []
"""Holds something once cuDNN refused: while a step is recorded it must not be asked again."""


def look_up(image: Tensor, grid: Tensor, padding: str, align_corners: bool) -> Tensor:
    """`F.grid_sample`, bilinear, also where cuDNN no longer has its spatial transformer, to which torch would turn."""
    sample = partial(F.grid_sample, mode="bilinear", padding_mode=padding, align_corners=align_corners)
    if not _REFUSED:
        try:
            return sample(image, grid)
        except RuntimeError:
            if not image.is_cuda:
                raise
            _REFUSED.append(True)
    with torch.backends.cudnn.flags(enabled=False):
        return sample(image, grid)


def warp_image(image: Tensor, affine: Tensor, padding: str = "zeros") -> Tensor:
    """Move the content of image (B, C, H, W) by affine (B, 2, 3): what was at point p is afterwards at affine(p)."""
    height, width = image.shape[2:]
    back = invert_affine(affine).to(image.dtype)
    x = grid_axis(width, image.device, image.dtype)
    y = grid_axis(height, image.device, image.dtype)
    along_x = back[:, None, None, :, 0] * x[None, None, :, None]
    along_y = back[:, None, None, :, 1] * y[None, :, None, None]
    grid = along_x + along_y + back[:, None, None, :, 2]
    return look_up(image, grid, padding, align_corners=True)
