"""The renderer `warp`: pixels of the nearest real frames, carried along by the keypoints; only the rest is drawn.

As in the First Order Motion Model (Siarohin et al., 2019) and its heirs, a network corrects the motion, says what can
be copied, and draws what cannot. The motion itself is not learned: keypoints say it in closed form.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retarget_cli.methods.jokr.renderers.base import Carried, Renderer
from retarget_cli.methods.jokr.renderers.sources import USED, SourceFrames, Sources
from retarget_cli.methods.jokr.renderers.unet import refined_alpha, shape_maps
from retarget_cli.nn.blocks import UNet
from retarget_cli.nn.coords import look_up
from retarget_cli.nn.deformation import rigid_places

_FEATURES = 32  # of a source frame
_FARTHEST = 0.2  # half crops by which the network may correct the motion
_DRAWN = -2.0  # log odds, against those of a source, that a pixel is drawn anew
_CRISP = 3.0  # by which one source prevails over the other: a mean of both shows whatever both have, twice
_SEEN = 0.05  # matte from which on a colour can be told


class WarpingGenerator(nn.Module):
    """Keypoints, silhouette and the sources, carried to where the keypoints are, to colour and alpha."""

    def __init__(self, keypoints: int, widths: Sequence[int], size: int, point_width: float) -> None:
        super().__init__()
        self.size = size
        self.working_size = size // 2
        self.point_width = point_width
        self.look = nn.Conv2d(16, _FEATURES, 3, padding=1)
        self.unet = UNet(1 + keypoints + _FEATURES, widths)
        # Colours, alpha, and the likelihood of these colours against what can be copied.
        self.head = nn.Sequential(nn.Conv2d(widths[0], 20, 3, padding=1), nn.PixelShuffle(2))
        # What is said of each source: by what all of them together are like, and by what it is like itself.
        self.common = nn.Conv2d(widths[0], 16, 1)
        self.own = nn.Conv2d(_FEATURES, 16, 3, padding=1)
        self.each = nn.Sequential(nn.LeakyReLU(0.2), nn.Conv2d(16, 12, 3, padding=1), nn.PixelShuffle(2))
        self._begin_by_copying()

    @torch.no_grad()
    def _begin_by_copying(self) -> None:
        """What the keypoints say is right at first: the motion is not corrected, and little is drawn anew."""
        head, each = cast(nn.Conv2d, self.head[0]), cast(nn.Conv2d, self.each[1])
        for bias in (head.bias, each.bias):
            nn.init.zeros_(cast(Tensor, bias))
        cast(Tensor, head.bias)[16:] = _DRAWN
        each.weight *= 0.1

    def forward(self, silhouette: Tensor, points: Tensor, sources: Sources) -> tuple[Tensor, Tensor, Carried]:
        """Silhouettes (B, 1, h, w) in [0, 1] and keypoints (B, K, 2), drawn with their sources.

        Returns colour (B, 3, S, S) in [-1, 1], alpha logits (B, 1, S, S), and what was copied.
        """
        batch = len(points)
        frames = sources.frames.flatten(0, 1)
        places = self._places(points, sources)
        with torch.no_grad():
            moved = look_up(frames, places, "border", align_corners=True)
        seen = torch.cat([moved[:, :3], moved[:, 3:] * 2 - 1], dim=1)
        features = self.look(F.pixel_unshuffle(seen, 2))
        shares = sources.shares[:, :, None, None, None]
        mixed = (features.unflatten(0, (batch, USED)) * shares).sum(dim=1)
        pose = shape_maps(silhouette, points, self.working_size, self.point_width)
        trunk = self.unet(torch.cat([pose, mixed], dim=1))
        out = self.head(trunk).float()
        own = self.own(features).unflatten(0, (batch, USED)) + self.common(trunk)[:, None]
        said = self.each(own.flatten(0, 1)).float()
        places = places + _FARTHEST * torch.tanh(said[:, :2]).permute(0, 2, 3, 1)
        copied = look_up(frames, places, "border", align_corners=True).unflatten(0, (batch, USED))
        matte = copied[:, :, 3:]
        # Off the body of a source there is nothing to copy, and colours of its outline are mixed with the background.
        inside = (2 * matte - 1).clamp(min=1e-4)
        likely = said[:, 2:].unflatten(0, (batch, USED)) + torch.log(shares) + torch.log(inside)
        anew = torch.sigmoid(out[:, None, 4:] - torch.logsumexp(likely, dim=1, keepdim=True))
        weights = torch.cat([anew, (1 - anew) * torch.softmax(_CRISP * likely, dim=1)], dim=1)
        new = torch.tanh(out[:, None, :3])
        colours = torch.cat([new, copied[:, :, :3] / matte.clamp(min=_SEEN)], dim=1)
        colour = (weights * colours).sum(dim=1)
        carried = Carried(sources.which, places.unflatten(0, (batch, USED)), weights[:, 1:, 0], copied)
        return colour, refined_alpha(silhouette, out[:, 3:4]), carried

    def _places(self, points: Tensor, sources: Sources) -> Tensor:
        """Where in its source each pixel comes from, by keypoints alone: (B · USED, S, S, 2)."""
        here = points.float().repeat_interleave(USED, dim=0)
        coarse = rigid_places(here, sources.poses.flatten(0, 1), self.working_size).permute(0, 3, 1, 2)
        fine = F.interpolate(coarse, size=(self.size,) * 2, mode="bilinear", align_corners=True)
        return fine.permute(0, 2, 3, 1)


class WarpRenderer(Renderer):
    """Copies what it can."""

    network: WarpingGenerator
    sources: SourceFrames

    def __init__(self, network: WarpingGenerator, sources: SourceFrames) -> None:
        super().__init__()
        self.network = network
        self.sources = sources
        self.size = network.size

    def draw(self, silhouette: Tensor, points: Tensor, hidden: Tensor | None = None) -> tuple[Tensor, Tensor, Carried]:
        """See :class:`~retarget_cli.methods.jokr.renderers.base.Renderer`."""
        drawn: tuple[Tensor, Tensor, Carried] = self.network(silhouette, points, self.sources.near(points, hidden))
        return drawn
