"""The renderer `recurrent`: what `warp` does, and the picture before, moved along, is seen too.

So do Everybody Dance Now (Chan et al., 2019) and the videos of GFLA (Ren et al., 2020): what is drawn anew can stay as
it was in the frame before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retarget_cli.methods.jokr.renderers.base import Carried, Renderer, Without, seen
from retarget_cli.methods.jokr.renderers.sources import Sources
from retarget_cli.methods.jokr.renderers.warp import FEATURES, WarpingGenerator, WarpRenderer
from retarget_cli.nn.coords import look_up
from retarget_cli.nn.deformation import resized, rigid_places


class Before(NamedTuple):
    """The picture before. picture: (B, 4, S, S), colour times alpha, and alpha; points: (B, K, 2), its keypoints."""

    picture: Tensor
    points: Tensor


def remember(colour: Tensor, alpha: Tensor, points: Tensor) -> Before:
    """What was drawn, colour (B, 3, S, S) and alpha logits (B, 1, S, S), for the next picture.

    Nothing is learned through it: each picture answers for itself.
    """
    solid = torch.sigmoid(alpha.detach())
    return Before(torch.cat([colour.detach() * solid, solid], dim=1), points)


class RecurrentGenerator(WarpingGenerator):
    """A warping generator that sees the picture before, moved to where the keypoints are now."""

    def __init__(self, keypoints: int, widths: Sequence[int], size: int, point_width: float) -> None:
        super().__init__(keypoints, widths, size, point_width, further=FEATURES)
        self.before = nn.Conv2d(16, FEATURES, 3, padding=1)

    def forward_after(
        self, before: Before | None, silhouette: Tensor, points: Tensor, sources: Sources
    ) -> tuple[Tensor, Tensor, Carried]:
        """As :meth:`WarpingGenerator.forward`; before: None for the first picture."""
        half = self.size // 2
        if before is None:
            further = torch.zeros(len(points), FEATURES, half, half, device=points.device)
        else:
            places = resized(rigid_places(points.float(), before.points.float(), half), self.size)
            moved = look_up(before.picture.float(), places, "border", align_corners=True)
            further = self.before(F.pixel_unshuffle(seen(moved), 2))
        drawn: tuple[Tensor, Tensor, Carried] = self(silhouette, points, sources, further)
        return drawn


class RecurrentRenderer(WarpRenderer):
    """Draws a picture after another."""

    network: RecurrentGenerator
    in_order = True

    def handicap(self, numbers: Tensor, settled: Tensor, generator: torch.Generator) -> Without | None:
        """Their successors are hidden too: they are drawn next."""
        hidden = super().handicap(numbers, settled, generator)
        assert hidden is not None
        return Without(hidden.sources | self.sources.showing(numbers + 1))

    def for_video(self) -> Renderer:
        """See :class:`InARow`."""
        return InARow(self)

    def draw(
        self, silhouette: Tensor, points: Tensor, without: Without | None = None
    ) -> tuple[Tensor, Tensor, Carried]:
        """Pictures with none before them."""
        return self.draw_after(None, silhouette, points, without)

    def draw_after(
        self, before: Before | None, silhouette: Tensor, points: Tensor, without: Without | None = None
    ) -> tuple[Tensor, Tensor, Carried]:
        """Pictures that come after others."""
        near = self.sources.near(points, None if without is None else without.sources)
        return self.network.forward_after(before, silhouette, points, near)


class InARow(RecurrentRenderer):
    """Draws the pictures of a video one by one, each after the one before, also from call to call."""

    def __init__(self, renderer: RecurrentRenderer) -> None:
        super().__init__(renderer.network, renderer.sources, 0.0, 0.0)
        self._last: Before | None = None

    def draw(
        self, silhouette: Tensor, points: Tensor, without: Without | None = None
    ) -> tuple[Tensor, Tensor, Carried]:
        """Pictures (B) of a video in their order."""
        parts = []
        for number in range(len(points)):
            some = slice(number, number + 1)
            one = self.draw_after(self._last, silhouette[some], points[some])
            self._last = remember(one[0], one[1], points[some])
            parts.append(one)
        colours, alphas, carried = zip(*parts, strict=True)
        return torch.cat(colours), torch.cat(alphas), Carried(*(torch.cat(each) for each in zip(*carried, strict=True)))
