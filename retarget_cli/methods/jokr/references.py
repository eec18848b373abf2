"""Real frames of the subject that a painter looks at: the nearest pose, bent until its keypoints fit."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retarget_cli.nn.coords import grid_axis

_REACH = 0.15  # of a keypoint's pull on its surroundings, normalised units


class References(nn.Module):
    """Frames of one clip with their keypoints. Buffers, so that they are saved and loaded with the painter.

    pixels: (M, 4, S, S) uint8, colour and matte; points: (M, K, 2); frames: (M,) where they stand in the clip.
    """

    pixels: Tensor
    points: Tensor
    frames: Tensor

    def __init__(self, count: int, keypoints: int, size: int) -> None:
        super().__init__()
        self.register_buffer("pixels", torch.zeros(count, 4, size, size, dtype=torch.uint8))
        self.register_buffer("points", torch.zeros(count, keypoints, 2))
        self.register_buffer("frames", torch.zeros(count, dtype=torch.long))

    def fill(self, pixels: Tensor, points: Tensor, frames: Tensor) -> None:
        """Take `count` frames, evenly chosen from (N, 4, S, S) with keypoints (N, K, 2) and places (N,)."""
        chosen = torch.linspace(0, len(frames) - 1, len(self.frames)).round().long().to(frames.device)
        self.pixels.copy_(pixels[chosen])
        self.points.copy_(points[chosen])
        self.frames.copy_(frames[chosen])

    def choose(self, points: Tensor, near: Tensor | None = None, apart: int = 0, rank: Tensor | None = None) -> Tensor:
        """Which frame to look at, (B,), for keypoints (B, K, 2): the one in the nearest pose.

        near: (B,) places in the clip; frames within `apart` of them are passed over. rank: (B,) 0 for the nearest pose,
        1 for the next, and so on; training takes any of the first, as no pose of another clip is ever quite met.
        """
        distance = (points[:, None] - self.points[None]).square().sum(dim=(2, 3))
        if near is not None:
            close = (self.frames[None] - near[:, None]).abs() <= apart
            distance = torch.where(close, distance + 1e3, distance)
        if rank is None:
            return distance.argmin(dim=1)
        return distance.argsort(dim=1).gather(1, rank[:, None])[:, 0]

    def carried(self, chosen: Tensor, points: Tensor) -> Tensor:
        """The chosen (B,) frames bent to keypoints (B, K, 2): colour in [-1, 1] times the matte, and the matte.

        Returns (B, 4, S, S). Every place moves as the keypoints around it do, weighted by a Gaussian of the distance.
        """
        values = self.pixels[chosen].float() / 255
        matte = values[:, 3:]
        picture = torch.cat([(values[:, :3] * 2 - 1) * matte, matte], dim=1)
        size = picture.shape[-1]
        grid = _bent_grid(points.float(), self.points[chosen], max(16, size // 2))
        grid = F.interpolate(grid.permute(0, 3, 1, 2), size=(size, size), mode="bilinear", align_corners=True)
        return F.grid_sample(picture, grid.permute(0, 2, 3, 1), mode="bilinear", align_corners=True)


def _bent_grid(points: Tensor, sources: Tensor, size: int) -> Tensor:
    """Where each place of a picture with keypoints `points` comes from in one with `sources`, both (B, K, 2).

    Returns (B, size, size, 2) in [-1, 1].
    """
    axis = grid_axis(size, points.device)
    across = (axis - points[..., 0:1]).square()
    down = (axis - points[..., 1:2]).square()
    pull = torch.softmax(-(down[..., :, None] + across[..., None, :]) / (2 * _REACH**2), dim=1)
    moves = torch.einsum("bkhw,bkc->bhwc", pull, sources - points)
    return torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1) + moves
