"""The network of the high-resolution stage. Sizes come from the preset only."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retarget_cli.methods.jokr.config import DetailConfig
from retarget_cli.nn.coords import grid_axis
from retarget_cli.nn.heatmaps import draw_keypoints

ENLARGED = 4  # pixels drawn, on a side, for one of the grid that the network works on


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
    """The refiner: adds to the painter's picture, enlarged, what it lacks to a real one of that size.

    It looks up a real frame of the subject, each point of it moved as the keypoints near it have moved since.
    reference: that frame, (1, 4, S, S), colour times the matte and the matte; pose: its keypoints, (1, K, 2).
    """

    reference: Tensor
    pose: Tensor

    def __init__(self, config: DetailConfig, keypoints: int, painted: int) -> None:
        super().__init__()
        self.size = config.size
        self.working_size = config.size // ENLARGED
        self.fold = painted // self.working_size
        self.point_width = config.point_width
        self.register_buffer("reference", torch.zeros(1, 4, config.size, config.size))
        self.register_buffer("pose", torch.zeros(1, keypoints, 2))
        drawn, width = 4 * self.fold**2 + keypoints, config.width
        self.flow = nn.Sequential(
            nn.Conv2d(drawn, 32, 3, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.LeakyReLU(0.2),
            _quiet(nn.Conv2d(32, 2, 3, padding=1)),
        )
        self.body = nn.Sequential(
            nn.Conv2d(drawn + 4 * ENLARGED**2, width, 3, padding=1),
            *(Residual(width) for _ in range(config.blocks)),
            nn.LeakyReLU(0.2),
            _quiet(nn.Conv2d(width, 4 * ENLARGED**2, 3, padding=1)),
            nn.PixelShuffle(ENLARGED),
        )

    def look(self, colour: Tensor, alpha: Tensor, points: Tensor) -> Tensor:
        """What the painter drew, colour (B, 3, s, s) and alpha logits (B, 1, s, s), at keypoints (B, K, 2).

        Returns what the network wants to know of it, (B, C, S / 4, S / 4): the picture, keypoint maps, and where in the
        reference each pixel is looked up.
        """
        picture = F.pixel_unshuffle(torch.cat([colour, alpha], dim=1), self.fold)
        maps = draw_keypoints(points, self.working_size, self.point_width)
        near = maps / maps.sum(dim=1, keepdim=True)
        moved = torch.einsum("bkhw,bkc->bchw", near, self.pose - points)
        axis = grid_axis(self.working_size, points.device)
        place = torch.stack(torch.meshgrid(axis, axis, indexing="xy")) + moved
        return torch.cat([picture, maps, place], dim=1)

    def forward(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """What :meth:`look` returned, or patches of it, (B, C, h, w).

        Returns colour (B, 3, 4 h, 4 w), about [-1, 1], and alpha logits (B, 1, 4 h, 4 w).
        """
        picture, maps, place = seen.split([4 * self.fold**2, seen.shape[1] - 4 * self.fold**2 - 2, 2], dim=1)
        picture = F.pixel_shuffle(picture, self.fold)
        factor = float(ENLARGED // self.fold)
        enlarged = F.interpolate(picture, scale_factor=factor, mode="bicubic", align_corners=False)
        known = torch.cat([picture[:, :3], torch.sigmoid(picture[:, 3:]) * 2 - 1], dim=1)
        drawn = torch.cat([F.pixel_unshuffle(known, self.fold), maps], dim=1)
        bent = F.interpolate(self.flow(drawn).float(), scale_factor=2.0, mode="bilinear")
        place = F.interpolate(place + bent, scale_factor=float(ENLARGED), mode="bilinear").permute(0, 2, 3, 1)
        real = F.grid_sample(self.reference.expand(len(seen), -1, -1, -1), place, align_corners=True)
        out = enlarged + self.body(torch.cat([drawn, F.pixel_unshuffle(real, ENLARGED)], dim=1)).float()
        return out[:, :3], out[:, 3:]


def _quiet(layer: nn.Conv2d) -> nn.Conv2d:
    """A last layer that at first says nearly nothing."""
    with torch.no_grad():
        layer.weight.mul_(0.1)
    nn.init.zeros_(cast(Tensor, layer.bias))
    return layer
