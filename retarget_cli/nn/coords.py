"""Points and affine maps in normalised coordinates.

Points are (..., 2), order (x, y), in [-1, 1] with ``align_corners=True``: -1 is the centre of the first pixel, 1 of
the last. Affine maps are (..., 2, 3) and act on the column (x, y, 1).
"""

from __future__ import annotations

import torch
from torch import Tensor


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
