"""The network of the high-resolution stage. Sizes come from the preset only."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retarget_cli.methods.jokr.config import DetailConfig
from retarget_cli.nn.blocks import UNet
from retarget_cli.nn.coords import grid_axis
from retarget_cli.nn.heatmaps import draw_keypoints

ENLARGED = 4  # pixels drawn, on a side, for one of the grid that the network works on
_ALIGNER = (32, 48, 64)
_REACH = 0.25  # how far the aligner can move what is looked up, in normalised units


class Residual(nn.Module):
    """Two convolutions beside a straight way. No norm: what is learned on patches must hold for whole pictures."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) → the same."""
        return x + self.layers(x)


class DetailGenerator(nn.Module):
    """The refiner: adds to the painter's picture, enlarged, the fine detail of real frames of the subject.

    It looks the detail up: each pixel of a real frame is carried along by the keypoints near it, then moved so that the
    frame looks like the painter's picture. What lies where, how much of it to believe and what else is missing is
    learned. Frames whose poses are nearer count more; that changes smoothly with the pose, so that nothing jumps.

    low: the real frames on the working grid, (R, 4, S / 4, S / 4), colour times the matte and the matte.
    high: what they have beyond the painter's reach, (R, 3, S, S). poses: their keypoints, (R, K, 2).
    """

    low: Tensor
    high: Tensor
    poses: Tensor
    spread: Tensor

    def __init__(self, config: DetailConfig, keypoints: int, painted: int) -> None:
        super().__init__()
        size, count, width = config.size, config.references, config.width
        self.working_size = size // ENLARGED
        self.fold = painted // self.working_size
        self.point_width = config.point_width
        self.register_buffer("low", torch.zeros(count, 4, self.working_size, self.working_size))
        self.register_buffer("high", torch.zeros(count, 3, size, size))
        self.register_buffer("poses", torch.zeros(count, keypoints, 2))
        self.register_buffer("spread", torch.ones(()))
        self.parts = 4 * self.fold**2, keypoints, count, 2 * count
        self.aligner = nn.Sequential(UNet(8 + keypoints, _ALIGNER), _quiet(nn.Conv2d(_ALIGNER[0], 2, 3, padding=1)))
        self.body = nn.Sequential(
            nn.Conv2d(4 * self.fold**2 + keypoints + 3 * ENLARGED**2, width, 3, padding=1),
            *(Residual(width) for _ in range(config.blocks)),
            nn.LeakyReLU(0.2),
            _quiet(nn.Conv2d(width, 5 * ENLARGED**2, 3, padding=1)),
            nn.PixelShuffle(ENLARGED),
        )

    def remember(self, low: Tensor, high: Tensor, poses: Tensor, spread: Tensor) -> None:
        """Take real frames to look detail up in. spread: 0-d, mean squared distance of poses to the nearest of them."""
        for name, value in (("low", low), ("high", high), ("poses", poses), ("spread", spread)):
            getattr(self, name).copy_(value)

    def look(self, colour: Tensor, alpha: Tensor, points: Tensor) -> Tensor:
        """What the painter drew, colour (B, 3, s, s) and alpha logits (B, 1, s, s), at keypoints (B, K, 2).

        Returns what is to know of it on the working grid, (B, C, S / 4, S / 4): the picture, keypoint maps, the shares
        of the real frames, and where in each of them every pixel is looked up.
        """
        grid = self.working_size
        maps = draw_keypoints(points, grid, self.point_width)
        distances = (points[:, None] - self.poses).square().sum(dim=3).mean(dim=2)
        shares = torch.softmax(-distances / self.spread, dim=1)[:, :, None, None].expand(-1, -1, grid, grid)
        opaque = torch.sigmoid(alpha)
        painted = F.interpolate(torch.cat([colour * opaque, opaque], dim=1), size=(grid // 2,) * 2, mode="area")
        small_maps = F.avg_pool2d(maps, 2)
        near = maps / maps.sum(dim=1, keepdim=True)
        axis = grid_axis(grid, points.device)
        here = torch.stack(torch.meshgrid(axis, axis, indexing="xy"))
        places = []
        for low, pose in zip(self.low, self.poses, strict=True):
            place = here + torch.einsum("bkhw,bkc->bchw", near, pose - points)
            carried = F.avg_pool2d(_looked_up(low, place), 2)
            moved = self.aligner(torch.cat([painted, carried, small_maps], dim=1)).float()
            places.append(place + _REACH * F.interpolate(torch.tanh(moved), scale_factor=2.0, mode="bilinear"))
        picture = F.pixel_unshuffle(torch.cat([colour, alpha], dim=1), self.fold)
        return torch.cat([picture, maps, shares, *places], dim=1)

    def aligned(self, seen: Tensor) -> Tensor:
        """The real frames, looked up whole and mixed, (B, 4, S / 4, S / 4), as :meth:`look` says."""
        _, _, shares, places = seen.split(self.parts, dim=1)
        return self._mixed(self.low, shares, places)

    def forward(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """What :meth:`look` returned, or patches of it, (B, C, h, w).

        Returns colour (B, 3, 4 h, 4 w), about [-1, 1], and alpha logits (B, 1, 4 h, 4 w).
        """
        folded, maps, shares, places = seen.split(self.parts, dim=1)
        picture = F.pixel_shuffle(folded, self.fold)
        factor = float(ENLARGED // self.fold)
        enlarged = F.interpolate(picture, scale_factor=factor, mode="bicubic", align_corners=False)
        fine = [F.interpolate(part, scale_factor=float(ENLARGED), mode="bilinear") for part in (shares, places)]
        found = self._mixed(self.high, *fine)
        known = torch.cat([picture[:, :3], torch.sigmoid(picture[:, 3:]) * 2 - 1], dim=1)
        parts = [F.pixel_unshuffle(known, self.fold), maps, F.pixel_unshuffle(found, ENLARGED)]
        out = self.body(torch.cat(parts, dim=1)).float()
        colour = enlarged[:, :3] + 2 * torch.sigmoid(out[:, 4:]) * found + out[:, :3]
        return colour, enlarged[:, 3:] + out[:, 3:4]

    def _mixed(self, frames: Tensor, shares: Tensor, places: Tensor) -> Tensor:
        """Frames (R, C, H, W) looked up at places (B, 2 R, h, w) and summed by shares (B, R, h, w): (B, C, h, w)."""
        looks = zip(frames, places.split(2, dim=1), shares.split(1, dim=1), strict=True)
        return torch.stack([share * _looked_up(frame, place) for frame, place, share in looks]).sum(dim=0)


def _looked_up(frame: Tensor, place: Tensor) -> Tensor:
    """(B, C, h, w): a frame (C, H, W) at places (B, 2, h, w), x and y in [-1, 1]."""
    frames = frame[None].expand(len(place), -1, -1, -1)
    return F.grid_sample(frames, place.permute(0, 2, 3, 1).float(), align_corners=True)


def _quiet(layer: nn.Conv2d) -> nn.Conv2d:
    """A last layer that says nearly nothing at first."""
    with torch.no_grad():
        layer.weight.mul_(0.1)
    nn.init.zeros_(cast(Tensor, layer.bias))
    return layer
