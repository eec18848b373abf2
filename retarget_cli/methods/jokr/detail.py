"""Third phase: what the enlarged pictures of the frozen painters lack, learned on patches of the real frames."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

from retarget_cli.methods.jokr.config import DETAIL_FRAME, DetailConfig
from retarget_cli.methods.jokr.dataset import Frames, draw_batch, masked, unmasked
from retarget_cli.methods.jokr.detail_networks import ENLARGED, DetailGenerator
from retarget_cli.methods.jokr.networks import KeypointExtractor, SilhouetteGenerator, TextureGenerator
from retarget_cli.methods.jokr.painting import PaintingPhase
from retarget_cli.methods.jokr.previews import detail_rows
from retarget_cli.methods.jokr.references import fine_part, spread_out
from retarget_cli.methods.jokr.texture import keypoints_of
from retarget_cli.nn.patches import cut, cut_warped
from retarget_cli.nn.warp import random_affine, warp_image
from retarget_cli.train.device import to_device
from retarget_cli.train.phase import PreviewRow

_FRAME = DETAIL_FRAME // 2  # pixels around a patch
_MARGIN = _FRAME // ENLARGED  # of the grid that the refiners work on
REFINERS = ("refiner_a", "refiner_b")


class DetailPhase(PaintingPhase):
    """Trains one refiner a clip. E, G and the painters stay as they are and work at the size they were trained at."""

    name = "detail"
    config: DetailConfig

    def __init__(
        self,
        config: DetailConfig,
        geometry: tuple[KeypointExtractor, SilhouetteGenerator],
        painters: Sequence[TextureGenerator],
        clips: tuple[Frames, Frames],
        device: str,
        seed: int,
    ) -> None:
        self.extractor, self.shape = geometry
        self.painter_a, self.painter_b = painters
        frozen = (*geometry, *painters)
        to_device(frozen, device)
        for net in frozen:
            net.eval().requires_grad_(False)
        keypoints, painted = self.extractor.keypoints, self.painter_a.size
        super().__init__(
            config,
            lambda: {name: DetailGenerator(config, keypoints, painted) for name in REFINERS},
            clips,
            device,
            seed,
        )
        for channel in range(2):
            self._remember(channel)

    @torch.no_grad()
    def _remember(self, channel: int) -> None:
        """Give the refiner real frames to look detail up in."""
        clip, refiner = self.clips[channel], self._refiner(channel)
        found = [self._painted(channel, self._shrunk(unmasked(clip.pixels[part])))[2] for part in clip.pairs.split(16)]
        poses = torch.cat(found).float()
        chosen = spread_out(poses, self.config.references)
        frames = clip.pixels[clip.pairs[chosen]]
        high = torch.from_numpy(fine_part(frames.permute(0, 2, 3, 1).cpu().numpy())).permute(0, 3, 1, 2)
        low = F.interpolate(masked(frames), size=(refiner.working_size,) * 2, mode="area")
        distances = (poses[:, None] - poses[chosen]).square().sum(dim=3).mean(dim=2)
        refiner.remember(low, high, poses[chosen], distances.min(dim=1).values.mean().clamp(min=1e-6))

    def attempt(self, channel: int) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
        """Patches around random points of the object in random frames, moved a little."""
        clip, config = self.clips[channel], self.config
        picture = unmasked(clip.pixels[draw_batch(clip, config.batch, self.generator)])
        warp = random_affine(config.batch, config.augmentation, self.generator)
        small = warp_image(self._shrunk(picture), warp)
        corners = self._corners(small[:, 3])
        refiner = self._refiner(channel)
        painted = self._painted(channel, small)
        with self.autocast():
            seen = refiner.look(*painted)
            around = refiner(cut(seen, corners - _MARGIN, config.patch // ENLARGED + 2 * _MARGIN))
        colour, alpha = (part[..., _FRAME:-_FRAME, _FRAME:-_FRAME] for part in around)
        truth = cut_warped(picture, warp, corners * ENLARGED, config.patch)
        truth = torch.cat([truth[:, :3].clamp(-1, 1), truth[:, 3:].clamp(0, 1)], dim=1)  # cubics overshoot
        return colour, alpha, truth, {"aligned": self._unaligned(refiner, seen, small)}

    def _unaligned(self, refiner: DetailGenerator, seen: Tensor, small: Tensor) -> Tensor:
        """How far what is looked up is from the pictures (B, 4, s, s) that it is looked up for, on the working grid."""
        truth = torch.cat([small[:, :3] * small[:, 3:], small[:, 3:]], dim=1)
        truth = F.interpolate(truth, size=(refiner.working_size,) * 2, mode="area")
        return (
            self.config.alignment * (refiner.aligned(seen) - truth).abs().mean() / truth[:, 3:].mean().clamp(min=1e-2)
        )

    def paint(self, channel: int, picture: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`PaintingPhase.paint`."""
        refiner = self._refiner(channel)
        painted = self._painted(channel, self._shrunk(picture))
        with self.autocast():
            colour, alpha = refiner(refiner.look(*painted))
        return colour, alpha

    def preview(self) -> list[PreviewRow]:
        """Parts of held-out frames beside refined ones, and of each clip refined in the other's poses."""
        painters = [partial(self._refined, channel) for channel in range(2)]
        return detail_rows(self.extractor, self.shape, painters, self.clips)

    def _refined(self, channel: int, silhouette: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        refiner, painter = self._refiner(channel), (self.painter_a, self.painter_b)[channel]
        colour, alpha = painter(silhouette, points)
        refined: tuple[Tensor, Tensor] = refiner(refiner.look(colour, alpha, points))
        return refined

    def _refiner(self, channel: int) -> DetailGenerator:
        return cast(DetailGenerator, self.modules[REFINERS[channel]])

    def _shrunk(self, picture: Tensor) -> Tensor:
        return F.interpolate(picture, size=(self.painter_a.size,) * 2, mode="area")

    @torch.no_grad()
    def _painted(self, channel: int, small: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Colour, alpha logits and keypoints that the frozen networks make of pictures at the painters' size."""
        with self.autocast():
            points = keypoints_of(self.extractor, self.shape.size, small)
            silhouette = torch.sigmoid(self.shape(points))[:, channel : channel + 1]
            colour, alpha = (self.painter_a, self.painter_b)[channel](silhouette, points)
        return colour, alpha, points

    def _corners(self, matte: Tensor) -> Tensor:
        """(B, 2) rows and columns, on the grid that the refiners work on, of patches around random points of mattes."""
        grid, patch = self.config.size // ENLARGED, self.config.patch // ENLARGED
        inside = F.interpolate(matte[:, None], size=(grid, grid), mode="area").flatten(1) > 0.5
        # The largest of equally distributed numbers is anywhere: what is inside comes before what is not.
        chance = torch.rand(inside.shape, generator=self.generator, device=inside.device)
        chosen = (chance + inside).argmax(dim=1)
        middle = torch.stack([chosen // grid, chosen % grid], dim=1)
        return (middle - patch // 2).clamp(_MARGIN, grid - patch - _MARGIN)
