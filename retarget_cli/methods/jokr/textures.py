"""The texture phase of each renderer: that of `texture.py`, and those that train on more than single frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from retarget_cli.methods.base import PairContext
from retarget_cli.methods.jokr.alignment import align
from retarget_cli.methods.jokr.data import Frames, unmasked
from retarget_cli.methods.jokr.names import DISCRIMINATORS
from retarget_cli.methods.jokr.renderers.recurrent import RecurrentRenderer, remember
from retarget_cli.methods.jokr.texture import AT_A_TIME, TexturePhase, keypoints_of
from retarget_cli.nn.coords import warp_image


class RecurrentTexturePhase(TexturePhase):
    """Trains a renderer that sees the picture before: on two frames in a row, which discriminators judge together.

    The latter as in Everybody Dance Now (Chan et al., 2019).
    """

    judged_at_once = 2

    def attempt(self, channel: int, chosen: Any) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
        """Frames, and after them their successors; both moved alike, the latter drawn with what was drawn before."""
        index, warp, without = chosen
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

    def judged(self, pictures: Tensor) -> Tensor:
        """Each frame with its successor, (B, 8, S, S)."""
        return torch.cat(pictures.chunk(2), dim=1)


class CrossTexturePhase(TexturePhase):
    """Draws each clip in the other's poses too, which must look as real, as in cross-identity motion transfer.

    There is no truth for these: the discriminator alone judges them. With LPIPS there is none, and nothing to judge.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        own = [self._poses(clip) for clip in self.clips]
        self.across = [
            torch.from_numpy(align("balanced", own[channel], own[1 - channel], np.eye(2, 3)).apply(own[1 - channel]))
            for channel in (0, 1)
        ]
        self.across = [poses.to(self.generator.device) for poses in self.across]

    @torch.no_grad()
    def _poses(self, clip: Frames) -> np.ndarray:
        """(N, K, 2) keypoints of the frames of a clip."""
        pictures = (unmasked(some) for some in clip.pixels.split(AT_A_TIME))
        return torch.cat([keypoints_of(self.extractor, self.shape.size, each) for each in pictures]).cpu().numpy()

    def choose(self, channel: int) -> Any:
        """As for other renderers, and poses of the other clip, (B, K, 2) in the space of this one."""
        poses, count, device = self.across[channel], self.config.batch, self.generator.device
        rows = torch.randint(len(poses), (count,), generator=self.generator, device=device)
        return super().choose(channel), poses[rows]

    def attempt(self, channel: int, chosen: Any) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
        """Frames, moved a little, as drawn from their keypoints, and a term for the pictures across."""
        own, poses = chosen
        colour, alpha, picture, terms = super().attempt(channel, own)
        if self.lpips is None:
            with torch.no_grad(), self.autocast():
                silhouette = torch.sigmoid(self.shape(poses))[:, channel : channel + 1]
            with self.autocast():
                drawn, solid, _ = self.renderers[channel].draw(silhouette, poses)
                solid = torch.sigmoid(solid)
                logits, _ = self.modules[DISCRIMINATORS[channel]](torch.cat([drawn * solid, solid], dim=1))
            weight = self.schedules["adversarial_ramp"].value
            terms = terms | {"cross": -self.config.adversarial * weight * logits.mean()}
        return colour, alpha, picture, terms


class Textures:
    """Chooses the phase."""

    @staticmethod
    def build(pair: PairContext, seed: int) -> TexturePhase:
        """The phase of the renderer that the settings name, on a pair of crops and the result of the geometry phase."""
        phases: dict[str, type[TexturePhase]] = {"recurrent": RecurrentTexturePhase, "attention": CrossTexturePhase}
        return phases.get(pair.config.texture.renderer, TexturePhase).build(pair, seed)
