"""What real mattes have and drawn ones have not: ragged outlines, holes, missing feet, bits of ground."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from retarget_cli.nn.coords import apply_affine, grid_axis, random_affine, warp_image

_SPREAD = 0.09  # standard deviation of the random affine maps
_RAGGED = 0.22  # how far outlines wander, of what the blur below gives them to wander in
_OFTEN = 0.15  # share of the frames with a hole, with a missing piece, with a bit of ground


def moved(frames: Tensor, points: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Frames (B, 4, S, S) in [-1, 1] and points (B, K, 2), turned, scaled and shifted alike."""
    affine = random_affine(len(frames), _SPREAD, generator)
    return warp_image(frames, affine), apply_affine(affine, points)


def faulty(frames: Tensor, generator: torch.Generator) -> Tensor:
    """Frames with mattes as segmentation leaves them; what the matte loses, the colours lose too."""
    matte = _damaged(frames[:, 3:], generator)
    size = matte.shape[-1]
    noise = F.interpolate(_normal((len(matte), 1, 9, 9), generator), size=(size, size), mode="bicubic")
    strength = _uniform(len(matte), generator) * _RAGGED
    blurred = F.avg_pool2d(matte, 3, 1, 1)
    sharp = 8 + 17 * _uniform(len(matte), generator)
    ragged = torch.sigmoid((blurred + noise * strength - 0.5) * sharp)
    return torch.cat([frames[:, :3] * ragged, ragged], dim=1)


def _damaged(matte: Tensor, generator: torch.Generator) -> Tensor:
    """Mattes with round holes, a round piece cut off where they are low, or a flat piece of ground added."""
    count, size = len(matte), matte.shape[-1]
    axis = grid_axis(size, matte.device)
    x, y = axis[None, None, None, :], axis[None, None, :, None]

    def disc(low: float, high: float, least: float, most: float) -> Tensor:
        middle_x = 1.4 * _uniform(count, generator) - 0.7
        middle_y = low + (high - low) * _uniform(count, generator)
        radius = least + (most - least) * _uniform(count, generator)
        return ((x - middle_x).square() + (y - middle_y).square() < radius.square()).float()

    def sometimes() -> Tensor:
        return (_uniform(count, generator) < _OFTEN).float()

    matte = matte * (1 - sometimes() * disc(-0.5, 0.5, 0.03, 0.12))
    matte = matte * (1 - sometimes() * disc(0.3, 0.9, 0.08, 0.25))
    level = 0.3 + 0.6 * _uniform(count, generator)
    middle, reach = 1.2 * _uniform(count, generator) - 0.6, 0.1 + 0.5 * _uniform(count, generator)
    ground = ((y - level).abs() < 0.05) & ((x - middle).abs() < reach)
    return torch.maximum(matte, sometimes() * ground)


def _uniform(count: int, generator: torch.Generator) -> Tensor:
    return torch.rand(count, 1, 1, 1, generator=generator, device=generator.device)


def _normal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator, device=generator.device)
