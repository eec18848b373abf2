"""The renderer `attention`: several real frames, mixed by attention between poses at two scales.

The way of pose-attentive reassembling (cross-identity motion transfer, Jeon et al., 2020): features of the pose to draw
are compared with those of the poses of real frames, place by place, and take the features of those frames' looks along.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retarget_cli.methods.jokr.renderers.base import Renderer, Without, seen
from retarget_cli.methods.jokr.renderers.sources import SourceFrames
from retarget_cli.methods.jokr.renderers.unet import refined_alpha, shape_maps
from retarget_cli.nn.blocks import ConvBlock

FRAMES = 3  # real frames that are looked at
_COMPARED = 32  # channels in which poses are compared


class Levels(nn.Module):
    """Features of pictures at a quarter of their size and an eighth: those of a pose, or of a look."""

    def __init__(self, inputs: int, widths: Sequence[int]) -> None:
        """inputs: channels of what is seen at a quarter of the size; widths: of both levels."""
        super().__init__()
        self.fine = nn.Sequential(ConvBlock(inputs, widths[0]), ConvBlock(widths[0], widths[0]))
        self.coarse = nn.Sequential(ConvBlock(widths[0], widths[1], stride=2), ConvBlock(widths[1], widths[1]))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, inputs, s, s) to features at s and s / 2."""
        fine = self.fine(x)
        return fine, self.coarse(fine)


class Retrieval(nn.Module):
    """Attention of the places of one pose to those of others."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.wanted, self.offered = nn.Conv2d(width, _COMPARED, 1), nn.Conv2d(width, _COMPARED, 1)

    def forward(self, pose: Tensor, poses: Tensor, looks: Tensor) -> Tensor:
        """The looks that belong to the places of a pose, (B, C, h, w).

        pose: (B, C, h, w); poses, looks: (B, U, C, h, w), of U frames.
        """
        batch, frames = poses.shape[:2]
        query = self.wanted(pose).flatten(2).transpose(1, 2)  # (B, h w, 32)
        key = self.offered(poses.flatten(0, 1)).unflatten(0, (batch, frames)).transpose(1, 2).flatten(2).transpose(1, 2)
        value = looks.transpose(1, 2).flatten(2).transpose(1, 2)  # (B, U h w, C)
        found = F.scaled_dot_product_attention(query, key, value)
        return found.transpose(1, 2).reshape(batch, -1, *pose.shape[2:])


class AttentionGenerator(nn.Module):
    """Silhouettes and keypoints, here and of real frames, and the looks of these, to colour and alpha."""

    def __init__(self, keypoints: int, widths: Sequence[int], size: int, point_width: float) -> None:
        super().__init__()
        self.size = size
        self.point_width = point_width
        first, second, third = (widths[min(level, len(widths) - 1)] for level in range(3))
        self.outline = ConvBlock(1 + keypoints, first)
        self.pose = Levels(1 + keypoints, (second, third))
        self.look = Levels(64, (second, third))
        self.find_coarse, self.find_fine = Retrieval(third), Retrieval(second)
        self.join_coarse, self.join_fine = ConvBlock(2 * third, third), ConvBlock(3 * second, second)
        self.lift_coarse, self.lift_fine = nn.Conv2d(third, second, 1), nn.Conv2d(second, first, 1)
        self.join_outline = ConvBlock(2 * first, first)
        self.head = nn.Sequential(nn.Conv2d(first, 16, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, silhouette: Tensor, points: Tensor, frames: Tensor, poses: Tensor) -> tuple[Tensor, Tensor]:
        """Draw.

        silhouette: (B, 1, h, w) in [0, 1]; points: (B, K, 2); frames: (B, U, 4, S, S), colour and matte; poses:
        (B, U, K, 2), their keypoints. Returns colour (B, 3, S, S) in [-1, 1] and alpha logits (B, 1, S, S).
        """
        every = frames.flatten(0, 1)
        fine, coarse = self.pose(self._maps(silhouette, points, 4))
        fine_poses, coarse_poses = self._of_each(frames, self.pose(self._maps(every[:, 3:], poses.flatten(0, 1), 4)))
        fine_looks, coarse_looks = self._of_each(frames, self.look(F.pixel_unshuffle(seen(every), 4)))
        x = self.join_coarse(torch.cat([coarse, self.find_coarse(coarse, coarse_poses, coarse_looks)], dim=1))
        found = self.find_fine(fine, fine_poses, fine_looks)
        x = self.join_fine(torch.cat([fine, found, self._larger(self.lift_coarse(x))], dim=1))
        outline = self.outline(self._maps(silhouette, points, 2))
        x = self.join_outline(torch.cat([outline, self._larger(self.lift_fine(x))], dim=1))
        out = self.head(x).float()
        return torch.tanh(out[:, :3]), refined_alpha(silhouette, out[:, 3:])

    def _maps(self, silhouette: Tensor, points: Tensor, times: int) -> Tensor:
        """Maps of a pose, so many times as small as pictures."""
        return shape_maps(silhouette, points, self.size // times, self.point_width)

    @staticmethod
    def _of_each(frames: Tensor, levels: Sequence[Tensor]) -> list[Tensor]:
        """Levels (B U, C, h, w), as (B, U, C, h, w)."""
        return [level.unflatten(0, frames.shape[:2]) for level in levels]

    @staticmethod
    def _larger(x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2.0, mode="bilinear")


class AttentionRenderer(Renderer):
    """Looks up the look of every place in several real frames."""

    network: AttentionGenerator
    sources: SourceFrames
    copies = False

    def __init__(self, network: AttentionGenerator, sources: SourceFrames) -> None:
        super().__init__()
        self.network = network
        self.sources = sources
        self.size = network.size

    def draw(self, silhouette: Tensor, points: Tensor, without: Without | None = None) -> tuple[Tensor, Tensor, None]:
        """See :class:`~retarget_cli.methods.jokr.renderers.base.Renderer`."""
        near = self.sources.near(points, None if without is None else without.sources, FRAMES)
        return *self.network(silhouette, points, near.frames, near.poses), None
