"""The texture phase of each renderer: that of `texture.py`, and one that trains on two frames in a row."""

from __future__ import annotations

import torch
from torch import Tensor

from retarget_cli.methods.base import PairContext
from retarget_cli.methods.jokr.data import unmasked
from retarget_cli.methods.jokr.renderers.recurrent import RecurrentRenderer, remember
from retarget_cli.methods.jokr.texture import Chosen, TexturePhase
from retarget_cli.nn.coords import warp_image


class RecurrentTexturePhase(TexturePhase):
    """Trains a renderer that sees the picture before: on two frames in a row, which discriminators judge together.

    The latter as in Everybody Dance Now (Chan et al., 2019).
    """

    judged_at_once = 2

    def attempt(self, channel: int, chosen: Chosen) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
        """Frames, and after them their successors; both moved alike, the latter drawn with what was drawn before."""
        index, warp, without, _ = chosen
        renderer, clip = self.renderers[channel], self.clips[channel]
        assert isinstance(renderer, RecurrentRenderer)
        first, second = (warp_image(unmasked(clip.pixels[rows]), warp) for rows in (index, index + 1))
        colour, alpha, carried = self.draw(channel, first, without)
        terms = renderer.losses(carried, first)
        silhouette, points = self.pose(channel, second)
        before = remember(colour, alpha, self.pose(channel, first)[1])
        with self.autocast():
            next_colour, next_alpha, carried = renderer.draw_after(before, silhouette, points, without)
        terms = {name: (term + renderer.losses(carried, second)[name]) / 2 for name, term in terms.items()}
        return (
            torch.cat([colour, next_colour]),
            torch.cat([alpha, next_alpha]),
            torch.cat([first, second]),
            terms,
        )

    def drawn_across(self, channel: int, others: Tensor) -> tuple[Tensor, Tensor]:
        """Poses of the other clip, and after them their successors."""
        renderer = self.renderers[channel]
        assert isinstance(renderer, RecurrentRenderer)
        first, second = (self.pose_across(channel, rows) for rows in (others, others + 1))
        with self.autocast():
            colour, alpha = renderer(*first)
            next_colour, next_alpha, _ = renderer.draw_after(remember(colour, alpha, first[1]), *second, None)
        return torch.cat([colour, next_colour]), torch.cat([alpha, next_alpha])

    def judged(self, pictures: Tensor) -> Tensor:
        """Each frame with its successor, (B, 8, S, S)."""
        return torch.cat(pictures.chunk(2), dim=1)


class Textures:
    """Chooses the phase."""

    @staticmethod
    def build(pair: PairContext, seed: int) -> TexturePhase:
        """The phase of the renderer that the settings name, on a pair of crops and the result of the geometry phase."""
        recurrent = pair.config.texture.renderer == "recurrent"
        return (RecurrentTexturePhase if recurrent else TexturePhase).build(pair, seed)
