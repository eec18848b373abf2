"""The renderer `warp`: pixels of the nearest real frames, carried along by the keypoints; only the rest is drawn.

As in the First Order Motion Model (Siarohin et al., 2019) and its heirs, a network says what can be copied, and draws
what cannot. Unlike there, the motion is not learned: keypoints say it in closed form, better than what a network learns
of a hundred frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retarget_cli.methods.jokr.renderers.base import Carried, Renderer, Without, seen
from retarget_cli.methods.jokr.renderers.sources import USED, SourceFrames, Sources
from retarget_cli.methods.jokr.renderers.unet import refined_alpha, shape_maps
from retarget_cli.nn.blocks import UNet
from retarget_cli.nn.coords import look_up
from retarget_cli.nn.deformation import rigid_places

FEATURES = 32  # of a source frame
_COPIED = 2.0  # log odds, at first, that what can be copied is
_CRISP = 3.0  # by which one source prevails over the other: a mean of both shows whatever both have, twice
_WHOLE, _TORN = 0.2, 0.5  # distortion up to which a copy is whole, and from which on it is torn
_ENDS = (2, (0, 0, 0, 1)), (3, (0, 1, 0, 0))  # axes, and where one value is missing after a difference
_LEAST = 1e-4
_SEEN = 0.05  # matte from which on a colour can be told


class WarpingGenerator(nn.Module):
    """Keypoints, silhouette and the sources, carried to where the keypoints are, to colour and alpha."""

    def __init__(self, keypoints: int, widths: Sequence[int], size: int, point_width: float, further: int = 0) -> None:
        """further: channels that it sees at half the size beside these."""
        super().__init__()
        self.size = size
        self.working_size = size // 2
        self.point_width = point_width
        self.look = nn.Conv2d(16, FEATURES, 3, padding=1)
        self.unet = UNet(1 + keypoints + FEATURES + further, widths)
        self.head = nn.Sequential(nn.Conv2d(widths[0], 16, 3, padding=1), nn.PixelShuffle(2))  # colours and alpha
        self.copied = nn.Conv2d(widths[0], 1, 3, padding=1)  # log odds that a copy is better than these colours
        self._begin()

    @torch.no_grad()
    def _begin(self) -> None:
        """Most is copied, and the four pixels of a place are drawn alike: else they make a pattern for long.

        The latter is the ICNR of Aitken et al. (2017).
        """
        head = cast(nn.Conv2d, self.head[0])
        head.weight.copy_(head.weight[::4].repeat_interleave(4, dim=0))
        nn.init.zeros_(cast(Tensor, head.bias))
        nn.init.constant_(cast(Tensor, self.copied.bias), _COPIED)

    def forward(
        self, silhouette: Tensor, points: Tensor, sources: Sources, further: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Carried]:
        """Silhouettes (B, 1, h, w) in [0, 1] and keypoints (B, K, 2), drawn with their sources.

        further: (B, C, S / 2, S / 2), for a network that sees more.
        Returns colour (B, 3, S, S) in [-1, 1], alpha logits (B, 1, S, S), and what was copied.
        """
        batch = len(points)
        shares = sources.shares[:, :, None, None, None]
        with torch.no_grad():
            places, whole = self._places(points, sources)
            moved = look_up(sources.frames.flatten(0, 1), places, "border", align_corners=True)
        features = self.look(F.pixel_unshuffle(seen(moved), 2)).unflatten(0, (batch, USED))
        pose = shape_maps(silhouette, points, self.working_size, self.point_width)
        parts = [pose, (features * shares).sum(dim=1), *([] if further is None else [further])]
        trunk = self.unet(torch.cat(parts, dim=1))
        out = self.head(trunk).float()
        better = F.interpolate(torch.sigmoid(self.copied(trunk).float()), scale_factor=2, mode="bilinear")
        moved, whole = moved.unflatten(0, (batch, USED)), whole.unflatten(0, (batch, USED))
        matte = moved[:, :, 3:]
        # Off the body of a source there is nothing to copy, and colours of its outline are mixed with the background.
        inside = ((4 * matte - 3) * whole).clamp(min=_LEAST)
        chosen = torch.softmax(_CRISP * (torch.log(shares) + torch.log(inside)), dim=1)
        known = inside.amax(dim=1)
        copies = (known * better)[:, None] * chosen
        drawn = torch.tanh(out[:, :3])
        colour = (1 - known * better) * drawn + (copies * moved[:, :, :3] / matte.clamp(min=_SEEN)).sum(dim=1)
        carried = Carried(sources.which, places.unflatten(0, (batch, USED)), copies[:, :, 0], known, drawn)
        return colour, refined_alpha(silhouette, out[:, 3:4]), carried

    def _places(self, points: Tensor, sources: Sources) -> tuple[Tensor, Tensor]:
        """Where in its source each pixel comes from, by keypoints alone (B · USED, S, S, 2), and how whole it is there.

        The latter is (B · USED, 1, S, S), 0 where things that lie apart in the source are squeezed together, as between
        two legs that meet here and do not meet there.
        """
        here = points.float().repeat_interleave(USED, dim=0)
        coarse = rigid_places(here, sources.poses.flatten(0, 1), self.working_size).permute(0, 3, 1, 2)
        whole = ((_TORN - F.max_pool2d(_distortion(coarse), 3, 1, 1)) / (_TORN - _WHOLE)).clamp(0, 1)
        fine = F.interpolate(torch.cat([coarse, whole], dim=1), (self.size,) * 2, mode="bilinear", align_corners=True)
        return fine[:, :2].permute(0, 2, 3, 1), fine[:, 2:]


def _distortion(places: Tensor) -> Tensor:
    """How far the map from here to places (B, 2, h, w) in the source is from turning and moving: (B, 1, h, w).

    Its Jacobian has the singular values s + t and s - t, where s is the part that turns and scales, and t the part that
    only shears. Scaled down is well: it is the larger of t and of how much s + t is above 1.
    """
    pixels = places * (places.shape[-1] - 1) / 2
    down, across = (F.pad(pixels.diff(dim=axis), pad, mode="replicate") for axis, pad in _ENDS)
    turned = torch.stack([across[:, 0] + down[:, 1], across[:, 1] - down[:, 0]]).norm(dim=0) / 2
    sheared = torch.stack([across[:, 0] - down[:, 1], across[:, 1] + down[:, 0]]).norm(dim=0) / 2
    return torch.maximum(sheared, turned + sheared - 1)[:, None]


class WarpRenderer(Renderer):
    """Copies what it can."""

    network: WarpingGenerator
    sources: SourceFrames

    def __init__(self, network: WarpingGenerator, sources: SourceFrames, anew: float, drawn: float) -> None:
        """anew, drawn: the weights of :func:`carried_terms`."""
        super().__init__()
        self.network = network
        self.sources = sources
        self.size = network.size
        self._weights = {"anew": anew, "drawn": drawn}

    def draw(
        self, silhouette: Tensor, points: Tensor, without: Without | None = None
    ) -> tuple[Tensor, Tensor, Carried]:
        """See :class:`~retarget_cli.methods.jokr.renderers.base.Renderer`."""
        hidden = None if without is None else without.sources
        drawn: tuple[Tensor, Tensor, Carried] = self.network(silhouette, points, self.sources.near(points, hidden))
        return drawn

    def losses(self, carried: Carried | None, picture: Tensor) -> dict[str, Tensor]:
        """The terms of :func:`carried_terms`."""
        assert carried is not None
        return {name: self._weights[name] * term for name, term in carried_terms(carried, picture).items()}


def carried_terms(carried: Carried, picture: Tensor) -> dict[str, Tensor]:
    """What is drawn though a source shows it, and how far what would be drawn is from the truth (B, 4, S, S).

    The latter counts where it is copied too: in new poses, other places are drawn than in those of the training.
    """
    truth, matte = picture[:, :3], picture[:, 3:].clamp(0, 1)
    size = matte.sum() + 1
    missed = (carried.known[:, 0] - carried.weights.sum(dim=1)) * matte[:, 0]
    return {"anew": missed.sum() / size, "drawn": ((carried.drawn - truth) * matte).abs().sum() / (3 * size)}
