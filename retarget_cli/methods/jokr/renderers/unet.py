"""The renderer `unet`: a U-Net remembers the look of a clip in its weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retarget_cli.methods.jokr.renderers.base import Renderer, Without
from retarget_cli.nn.blocks import UNet
from retarget_cli.nn.heatmaps import draw_keypoints


class TextureGenerator(nn.Module):
    """R: silhouette and keypoint maps to colour and a fine alpha, twice the size it works at."""

    def __init__(self, keypoints: int, widths: Sequence[int], size: int, point_width: float) -> None:
        super().__init__()
        self.size = size
        self.working_size = size // 2
        self.point_width = point_width
        self.unet = UNet(1 + keypoints, widths)
        self.head = nn.Sequential(nn.Conv2d(widths[0], 16, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, silhouette: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """Silhouette (B, 1, h, w) in [0, 1] and keypoints (B, K, 2).

        Returns colour (B, 3, S, S) in [-1, 1] and alpha logits (B, 1, S, S).
        """
        out = self.head(self.unet(shape_maps(silhouette, points, self.working_size, self.point_width))).float()
        return torch.tanh(out[:, :3]), refined_alpha(silhouette, out[:, 3:])


class UNetRenderer(Renderer):
    """Draws every pixel anew."""

    network: TextureGenerator

    def __init__(self, network: TextureGenerator) -> None:
        super().__init__()
        self.network = network
        self.sources = None
        self.size = network.size

    def draw(self, silhouette: Tensor, points: Tensor, without: Without | None = None) -> tuple[Tensor, Tensor, None]:
        """See :class:`~retarget_cli.methods.jokr.renderers.base.Renderer`."""
        return *self.network(silhouette, points), None


def shape_maps(silhouette: Tensor, points: Tensor, size: int, point_width: float) -> Tensor:
    """What renderers see of a pose: silhouette, from -1 to 1, and keypoint maps, (B, 1 + K, size, size)."""
    shape = F.interpolate(silhouette, size=(size,) * 2, mode="bilinear", align_corners=False)
    return torch.cat([shape * 2 - 1, draw_keypoints(points, size, point_width)], dim=1)


def refined_alpha(silhouette: Tensor, change: Tensor) -> Tensor:
    """Alpha logits (B, 1, S, S): those of the silhouette, which was drawn at a coarser size, and a learned `change`."""
    coarse = F.interpolate(silhouette.float(), size=change.shape[2:], mode="bilinear", align_corners=False)
    return change + torch.logit(coarse, eps=1e-3)
