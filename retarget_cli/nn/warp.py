"""Random affine maps and warping images by them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from retarget_cli.nn.coords import grid_axis, identity_affine, invert_affine


def random_affine(batch: int, sigma: float, generator: torch.Generator) -> Tensor:
    """(batch, 2, 3) maps I + N(0, sigma), drawn on the generator's device."""
    noise = torch.randn(batch, 2, 3, generator=generator, device=generator.device)
    return identity_affine(batch, generator.device) + sigma * noise


def warp_image(image: Tensor, affine: Tensor, padding: str = "zeros") -> Tensor:
    """Move the content of image (B, C, H, W) by affine (B, 2, 3): what was at point p is afterwards at affine(p)."""
    height, width = image.shape[2:]
    back = invert_affine(affine).to(image.dtype)
    x = grid_axis(width, image.device, image.dtype)
    y = grid_axis(height, image.device, image.dtype)
    along_x = back[:, None, None, :, 0] * x[None, None, :, None]
    along_y = back[:, None, None, :, 1] * y[None, :, None, None]
    grid = along_x + along_y + back[:, None, None, :, 2]
    return F.grid_sample(image, grid, mode="bilinear", padding_mode=padding, align_corners=True)
