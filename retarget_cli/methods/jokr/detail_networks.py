"""The network of the high-resolution stage. Sizes come from the preset only."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retarget_cli.methods.jokr.config import DetailConfig

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


class Refiner(nn.Module):
    """Enlarges the painter's picture, decides how much of the detail that was looked up fits, and adds what it lacks.

    It sees no keypoints: what it does here it does wherever the picture looks alike, in poses never seen too.
    """

    def __init__(self, config: DetailConfig, painted: int) -> None:
        super().__init__()
        self.fold = painted * ENLARGED // config.size
        width = config.width
        last = nn.Conv2d(width, 5 * ENLARGED**2, 3, padding=1)
        with torch.no_grad():  # half of what was looked up, and nearly nothing else, is what it begins with
            last.weight.mul_(0.1)
            cast(Tensor, last.bias).zero_()
        self.body = nn.Sequential(
            nn.Conv2d(4 * self.fold**2 + 3 * ENLARGED**2, width, 3, padding=1),
            *(Residual(width) for _ in range(config.blocks)),
            nn.LeakyReLU(0.2),
            last,
            nn.PixelShuffle(ENLARGED),
        )

    def forward(self, painted: Tensor, found: Tensor) -> tuple[Tensor, Tensor]:
        """Whole pictures, or the same patches of both.

        painted: (B, 4, s, s), colour and alpha logits as the painter gives them. found: (B, 3, S, S), detail of real
        frames (see references.py). Returns colour (B, 3, S, S), about [-1, 1], and alpha logits (B, 1, S, S).
        """
        factor = found.shape[2] / painted.shape[2]
        enlarged = F.interpolate(painted, scale_factor=factor, mode="bicubic", align_corners=False)
        seen = torch.cat([painted[:, :3], torch.sigmoid(painted[:, 3:]) * 2 - 1], dim=1)
        parts = F.pixel_unshuffle(seen, self.fold), F.pixel_unshuffle(found, ENLARGED)
        out = self.body(torch.cat(parts, dim=1)).float()
        colour = enlarged[:, :3] + torch.sigmoid(out[:, 4:]) * found + out[:, :3]
        return colour, enlarged[:, 3:] + out[:, 3:4]
