"""Training data of the published recipe: frames with a border, warped at random, without their background."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from retarget_cli.methods.jokr.data import Frames
from retarget_cli.nn.coords import compose_affine, invert_affine, warp_image

_FIRST_SHARE = 0.6  # of the draws; the others take the second kind of warp
_SHIFT = 2 * 50 / 417  # 50 pixels of the authors' reference clips, whose padded width of 417 is 2 units here
_DEGREE = math.pi / 180


Draw = Callable[[float, float], Tensor]
"""Uniform random numbers (batch,) between two bounds."""


def random_warps(batch: int, generator: torch.Generator) -> Tensor:
    """(batch, 2, 3) maps of what is in the picture: the first kind of warp for 60 %, the second for the others."""

    def draw(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(batch, generator=generator, device=generator.device)

    first = draw(0, 1) < _FIRST_SHARE
    return torch.where(first[:, None, None], _first_kind(draw), _second_kind(draw))


def _first_kind(draw: Draw) -> Tensor:
    # Everything is brought back to one size at the end, so that the resizing only makes the shift larger or smaller.
    resized = draw(0.8, 1.1)
    warp = _turn(draw(-20, 20))
    warp = compose_affine(_shift(draw(-_SHIFT, _SHIFT) / resized, draw(-_SHIFT, _SHIFT) / resized), warp)
    return compose_affine(_shear(draw(-15, 15), draw(-15, 15)), warp)


def _second_kind(draw: Draw) -> Tensor:
    warp = _scale(draw(0.8, 1.2), draw(0.8, 1.2))
    warp = compose_affine(_shift(draw(-_SHIFT, _SHIFT), draw(-_SHIFT, _SHIFT)), warp)
    warp = compose_affine(_shear(draw(-20, 20), draw(-20, 20)), warp)
    warp = compose_affine(_turn(draw(-20, 20)), warp)
    left, right, top, bottom = (draw(0.0001, 0.05) for _ in range(4))
    kept = compose_affine(_shift(left - right, top - bottom), _scale(1 - left - right, 1 - top - bottom))
    return compose_affine(invert_affine(kept), warp)  # what is kept fills the picture


def _rows(a: Tensor, b: Tensor, x: Tensor, c: Tensor, d: Tensor, y: Tensor) -> Tensor:
    return torch.stack([torch.stack([a, b, x], dim=-1), torch.stack([c, d, y], dim=-1)], dim=-2)


def _turn(degrees: Tensor) -> Tensor:
    cos, sin, none = torch.cos(degrees * _DEGREE), torch.sin(degrees * _DEGREE), torch.zeros_like(degrees)
    return _rows(cos, -sin, none, sin, cos, none)


def _shear(along_x: Tensor, along_y: Tensor) -> Tensor:
    one, none = torch.ones_like(along_x), torch.zeros_like(along_x)
    return _rows(one, torch.tan(along_x * _DEGREE), none, torch.tan(along_y * _DEGREE), one, none)


def _scale(x: Tensor, y: Tensor) -> Tensor:
    none = torch.zeros_like(x)
    return _rows(x, none, none, none, y, none)


def _shift(x: Tensor, y: Tensor) -> Tensor:
    one, none = torch.ones_like(x), torch.zeros_like(x)
    return _rows(one, none, x, none, one, y)


def bordered(pixels: Tensor, border: float, warps: Tensor | None = None) -> Tensor:
    """Crops (B, 4, S, S) uint8 with a border of zeros round them, in [-1, 1] and without background, and their matte.

    border: its width on every side in sides of the crop; the picture stays at S pixels, so the crop shrinks in it.
    warps: (B, 2, 3), what happens to the bordered picture. Returns (B, 4, S, S) float, the matte being 0 or 1.
    """
    values = pixels.float() / 255
    smaller = border_map(border, True, values.device).expand(len(values), 2, 3)
    warped = warp_image(values, smaller if warps is None else compose_affine(warps, smaller))
    matte = (warped[:, 3:] > 0.5).float()
    return torch.cat([(warped[:, :3] * 2 - 1) * matte, matte], dim=1)


def without_border(picture: Tensor, border: float) -> Tensor:
    """The crop (B, C, S, S) inside a bordered picture (B, C, S, S); what is beyond the picture is zero."""
    return warp_image(picture, border_map(border, False, picture.device).expand(len(picture), 2, 3))


def border_map(border: float, inward: bool, device: torch.device | str = "cpu") -> Tensor:
    """(2, 3): from the crop's coordinates to those of the bordered picture (inward), or back."""
    side = 1 + 2 * border
    return torch.eye(2, 3, device=device) * (1 / side if inward else side)


def draw_pairs(frames: Frames, batch: int, border: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """`batch` random frames and their successors, each pair under one random warp; both (batch, 4, S, S).

    No pair comes twice in a batch, as long as the clip has enough of them.
    """
    count = len(frames.pairs)
    order = torch.randperm(count, generator=generator, device=generator.device)
    index = frames.pairs[order.repeat(-(-batch // count))[:batch]]
    warps = random_warps(batch, generator)
    now, following = (bordered(frames.pixels[index + later], border, warps) for later in (0, 1))
    return now, following
