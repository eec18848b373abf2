"""Renderers that learn dense motion: one real frame, moved by a mixture of motions, and what it hides filled in.

The way of the First Order Motion Model (Siarohin et al., 2019) and of thin plate spline motion (Zhao and Zhang, 2022).
A network mixes the motions of the parts at every place, and says what of the source frame can be used there; the
features of the frame are moved so, and a generator fills in the rest. What the parts' motions are, and whether pixels
are taken over beside features, differs, see `fomm.py` and `tps.py`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retarget_cli.methods.jokr.networks import Residual
from retarget_cli.methods.jokr.renderers.base import Carried, Renderer, Without, seen
from retarget_cli.methods.jokr.renderers.sources import SourceFrames
from retarget_cli.methods.jokr.renderers.unet import refined_alpha
from retarget_cli.nn.blocks import ConvBlock, UNet
from retarget_cli.nn.coords import grid_axis, look_up
from retarget_cli.nn.deformation import resized

_WIDTH = 0.1  # of the spot around a point that a motion belongs to, in half crops
_NEAREST = 2.0  # log odds with which, at first, the motion of the nearest part is followed
_USABLE = 2.0  # log odds, at first, that what a source frame shows can be used
_GONE = 1e4  # log odds against a motion that is not to be followed


class Motion(NamedTuple):
    """How pictures move from a source frame.

    places: (B, s, s, 2), where in it each place comes from. usable: (B, L, s, s) in [0, 1], how much of what is there
    can be used, by level of the features, the coarsest first.
    """

    places: Tensor
    usable: Tensor


class MotionNetwork(nn.Module):
    """Mixes M motions and standing still: at every place a softmax over them.

    It sees where the parts are here and there, and the source frame moved by each motion.
    """

    def __init__(self, motions: int, widths: Sequence[int], levels: int) -> None:
        """levels: for how many levels of features it says what is usable."""
        super().__init__()
        self.unet = UNet(1 + 5 * (motions + 1), widths)
        self.shares = nn.Conv2d(widths[0], motions + 1, 3, padding=1)
        self.usable = nn.Conv2d(widths[0], levels, 3, padding=1)
        nn.init.constant_(cast(Tensor, self.usable.bias), _USABLE)

    def forward(
        self, silhouette: Tensor, spots: Tensor, places: Tensor, source: Tensor, dropped: Tensor | None
    ) -> Motion:
        """Mix the motions.

        silhouette: (B, 1, s, s) here; spots: (B, 2, M, s, s), of the parts here and there; places: (B, M, s, s, 2);
        source: (B, 4, s, s), colour and matte; dropped: (B, M) bool, motions not to be followed.
        """
        batch, motions = places.shape[:2]
        axis = grid_axis(places.shape[2], places.device)
        still = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1).expand_as(places[:, :1])
        places = torch.cat([still, places], dim=1)
        every = source[:, None].expand(-1, motions + 1, -1, -1, -1).flatten(0, 1)
        moved = look_up(every, places.flatten(0, 1), "border", align_corners=True).unflatten(0, (batch, -1))
        difference = F.pad(spots[:, 0] - spots[:, 1], (0, 0, 0, 0, 1, 0))
        trunk = self.unet(torch.cat([silhouette * 2 - 1, difference, moved.flatten(1, 2)], dim=1))
        near = F.pad(spots[:, 0].clamp(min=1e-3).log(), (0, 0, 0, 0, 1, 0), value=-4.0)
        odds = self.shares(trunk).float() + _NEAREST * near
        if dropped is not None:
            odds = odds - _GONE * F.pad(dropped, (1, 0))[:, :, None, None]
        mixed = (torch.softmax(odds, dim=1)[..., None] * places).sum(dim=1)
        return Motion(mixed, torch.sigmoid(self.usable(trunk).float()))


class Inpainting(nn.Module):
    """Encodes a source frame, moves its features, and draws with them what they show and what they lack."""

    def __init__(self, widths: Sequence[int], size: int, blocks: int, skips: bool) -> None:
        """skips: features of every level are moved, not of the deepest alone."""
        super().__init__()
        self.size, self.skips = size, skips
        self.first = ConvBlock(16, widths[0])
        self.down = nn.ModuleList(ConvBlock(a, b, stride=2) for a, b in pairwise(widths))
        self.filled = nn.Sequential(
            nn.Conv2d(widths[-1] + 1, widths[-1], 3, padding=1), *(Residual(widths[-1]) for _ in range(blocks))
        )
        steps = list(reversed(list(pairwise(widths))))
        self.lift = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in steps)
        self.up = nn.ModuleList(ConvBlock(a, a) for a, _ in steps)
        self.head = nn.Sequential(nn.Conv2d(widths[0], 16, 3, padding=1), nn.PixelShuffle(2))

    def encoded(self, source: Tensor) -> list[Tensor]:
        """Features of frames (B, 4, S, S), colour and matte, from half their size on."""
        levels = [self.first(F.pixel_unshuffle(seen(source), 2))]
        for stage in self.down:
            levels.append(stage(levels[-1]))
        return levels

    def carried(self, levels: list[Tensor], motion: Motion) -> list[Tensor]:
        """The features moved, those of the deepest level first, and what cannot be used taken out."""
        used = levels[::-1] if self.skips else levels[-1:]
        usable = motion.usable.split(1, dim=1)
        return [
            moved(level, motion.places) * F.interpolate(share, size=level.shape[2:], mode="area")
            for level, share in zip(used, usable, strict=True)
        ]

    def forward(self, silhouette: Tensor, parts: list[Tensor]) -> Tensor:
        """Silhouettes (B, 1, s, s) here, and features as :meth:`carried` gives them, to colour and alpha's change."""
        shape = F.interpolate(silhouette, size=parts[0].shape[2:], mode="area") * 2 - 1
        x = self.filled(torch.cat([parts[0], shape], dim=1))
        for number, (lift, stage) in enumerate(zip(self.lift, self.up, strict=True), start=1):
            x = F.interpolate(lift(x), scale_factor=2.0, mode="bilinear")
            x = stage(x + parts[number] if self.skips else x)
        return self.head(x).float()


class DenseMotionGenerator(nn.Module):
    """What is trained of a renderer with dense motion."""

    def __init__(self, motion: MotionNetwork, inpainting: Inpainting) -> None:
        super().__init__()
        self.motion = motion
        self.inpainting = inpainting


class DenseMotionRenderer(Renderer):
    """Moves one source frame: the one in the most usual pose.

    pixels: whether its pixels are taken over too, where they can be used.
    """

    network: DenseMotionGenerator
    sources: SourceFrames
    pixels = False

    def __init__(self, network: DenseMotionGenerator, sources: SourceFrames, size: int) -> None:
        super().__init__()
        self.network = network
        self.sources = sources
        self.size = size

    @abstractmethod
    def motions(self, points: Tensor, poses: Tensor, size: int) -> Tensor:
        """(B, M, size, size, 2): where each place lies in the source by each motion.

        points, poses: (B, K, 2), keypoints here and in the source.
        """

    @abstractmethod
    def spots(self, points: Tensor, size: int) -> Tensor:
        """(B, M, size, size) in [0, 1]: where the part of each motion is, for keypoints (B, K, 2)."""

    def handicap(self, numbers: Tensor, settled: Tensor, generator: torch.Generator) -> Without | None:
        """All source frames but one are hidden: pairs of frames at any distance."""
        chance = torch.rand(len(numbers), len(self.sources.numbers), generator=generator, device=numbers.device)
        chance = chance - 2.0 * self.sources.showing(numbers)
        return Without(chance < chance.amax(dim=1, keepdim=True))

    def draw(
        self, silhouette: Tensor, points: Tensor, without: Without | None = None
    ) -> tuple[Tensor, Tensor, Carried]:
        """See :class:`~retarget_cli.methods.jokr.renderers.base.Renderer`."""
        working = self.size // 2
        which, source, poses = self.sources.first(len(points), None if without is None else without.sources)
        with torch.no_grad():
            small = F.interpolate(source, size=(working,) * 2, mode="area")
            places = self.motions(points.float(), poses, working)
            spots = torch.stack([self.spots(each.float(), working) for each in (points, poses)], dim=1)
        here = F.interpolate(silhouette, size=(working,) * 2, mode="bilinear", align_corners=False)
        dropped = None if without is None else without.motions
        motion = self.network.motion(here, spots, places, small, dropped)
        features = self.network.inpainting.carried(self.network.inpainting.encoded(source), motion)
        out = self.network.inpainting(here, features)
        drawn, places = torch.tanh(out[:, :3]), resized(motion.places, self.size)
        known = F.interpolate(motion.usable[:, -1:], size=(self.size,) * 2, mode="bilinear", align_corners=False)
        colour = drawn
        if self.pixels:
            pixels = look_up(source, places, "border", align_corners=True)
            known = known * pixels[:, 3:]
            colour = drawn * (1 - known) + known * pixels[:, :3] / pixels[:, 3:].clamp(min=0.05)
        carried = Carried(which[:, None], places[:, None], known, known, drawn)
        return colour, refined_alpha(silhouette, out[:, 3:4]), carried


def spot(points: Tensor, size: int) -> Tensor:
    """Gaussian spots (B, K, size, size) around points (B, K, 2)."""
    axis = grid_axis(size, points.device)
    across, down = (axis - points[..., 0:1]).square(), (axis - points[..., 1:2]).square()
    return torch.exp(-(down[..., :, None] + across[..., None, :]) / (2 * _WIDTH**2))


def moved(features: Tensor, places: Tensor) -> Tensor:
    """Features (B, C, h, w) taken from `places` (B, s, s, 2)."""
    return look_up(features.float(), resized(places, features.shape[2]), "border", align_corners=True)
