"""The detail phase: detail networks learn, on patches of real frames, to make large sharp pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retarget_cli.methods.jokr.config import DETAIL_FRAME, DetailConfig, JokrConfig
from retarget_cli.methods.jokr.data import draw_batch, unmasked
from retarget_cli.methods.jokr.facing import Pair, facing_alike
from retarget_cli.methods.jokr.model import STATE, load_shape_networks
from retarget_cli.methods.jokr.networks import (
    ENLARGED,
    DetailNetwork,
    KeypointExtractor,
    SilhouetteGenerator,
    TextureGenerator,
    texture_generator,
)
from retarget_cli.methods.jokr.previews import detail_rows
from retarget_cli.methods.jokr.references import DetailedTexture, FineFrames, References, fine_frames
from retarget_cli.methods.jokr.texture import PAINTERS, AppearancePhase, keypoints_of
from retarget_cli.training.checkpoint import load_modules
from retarget_cli.training.clips import ClipArray
from retarget_cli.training.device import to_device
from retarget_cli.training.phase import PreviewRow


def cut(values: Tensor, corners: Tensor, size: int) -> Tensor:
    """Patches (B, C, size, size) of `values` (B, C, H, W) that begin at `corners` (B, 2), rows and columns."""
    steps = torch.arange(size, device=values.device)
    rows, columns = (corners[:, axis, None] + steps for axis in (0, 1))
    every = torch.arange(len(values), device=values.device)[:, None, None]
    return values[every, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


_FRAME = DETAIL_FRAME // 2  # pixels around a patch
REFINERS = ("refiner_a", "refiner_b")
REFERENCES = ("references_a", "references_b")


class DetailPhase(AppearancePhase):
    """Trains one refiner a clip, on patches of real frames. E, G and the painters work at the size they had before."""

    name = "detail"
    config: DetailConfig

    def __init__(
        self,
        config: DetailConfig,
        geometry: tuple[KeypointExtractor, SilhouetteGenerator],
        painters: Sequence[TextureGenerator],
        clips: tuple[ClipArray, ClipArray],
        device: str,
        seed: int,
    ) -> None:
        self.extractor, self.shape = geometry
        self.painter_a, self.painter_b = painters
        frozen = (*geometry, *painters)
        to_device(frozen, device)
        for net in frozen:
            net.eval().requires_grad_(False)
        size, keypoints = config.size, self.extractor.keypoints
        remembered = [References(config.references, size, keypoints) for _ in REFERENCES]
        frames = [
            fine_frames(clip, size, partial(self._painted, channel), remembered[channel], device)
            for channel, clip in enumerate(clips)
        ]

        def build() -> dict[str, nn.Module]:
            return {name: DetailNetwork(config, self.painter_a.size) for name in REFINERS}

        super().__init__(config, build, (frames[0], frames[1]), device, seed)
        self.modules |= dict(zip(REFERENCES, remembered, strict=True))

    @classmethod
    def build(cls, config: JokrConfig, clips: Pair, states: Mapping[str, Path], device: str, seed: int) -> DetailPhase:
        """The phase on top of the results of the other two. clips: larger crops than theirs."""
        pair, _ = facing_alike(clips, config.geometry.mirror)
        trained = load_shape_networks(config, states)
        textures = texture_generator(config), texture_generator(config)
        load_modules(dict(zip(PAINTERS, textures, strict=True)), states["texture"] / STATE)
        return cls(config.detail, trained, textures, pair, device, seed)

    def _fine(self, channel: int) -> FineFrames:
        return cast(FineFrames, self.clips[channel])

    def attempt(self, channel: int) -> tuple[Tensor, Tensor, Tensor]:
        """Patches around random points of the object in random frames."""
        clip, patch = self._fine(channel), self.config.patch
        index = draw_batch(clip, self.config.batch, self.generator)
        picture = unmasked(clip.pixels[index])
        corners = self._corners(picture[:, 3:])  # on the grid of the refiners
        around = ENLARGED * corners - _FRAME
        shrunk = self.config.size // self.painter_a.size
        wide = patch + DETAIL_FRAME
        painted = cut(clip.painted[index], around // shrunk, wide // shrunk)
        found = cut(clip.found[index], around, wide).float() / 127
        with self.autocast():
            drawn = self.modules[REFINERS[channel]](painted, found)
        colour, alpha = (part[..., _FRAME:-_FRAME, _FRAME:-_FRAME] for part in drawn)
        return colour, alpha, cut(picture, ENLARGED * corners, patch)

    def drawn(self, channel: int, index: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`PaintingPhase.drawn`."""
        clip = self._fine(channel)
        with self.autocast():
            colour, alpha = self.modules[REFINERS[channel]](clip.painted[index], clip.found[index].float() / 127)
        return colour.clamp(-1, 1), alpha

    def preview(self) -> list[PreviewRow]:
        """Parts of held-out frames beside refined ones, and of each clip refined in the other's poses."""
        painters = []
        for channel, painter in enumerate((self.painter_a, self.painter_b)):
            refiner, references = self.modules[REFINERS[channel]], self.modules[REFERENCES[channel]]
            painters.append(DetailedTexture(painter, cast(DetailNetwork, refiner), cast(References, references)))
        return detail_rows(self.extractor, self.shape, painters, self.clips)

    def _painted(self, channel: int, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Colour, alpha logits and keypoints that the frozen networks make of frames (n, 4, S, S) uint8."""
        painter = (self.painter_a, self.painter_b)[channel]
        small = F.interpolate(unmasked(pixels), size=(painter.size,) * 2, mode="area")
        points = keypoints_of(self.extractor, self.shape.size, small)
        silhouette = torch.sigmoid(self.shape(points))[:, channel : channel + 1]
        return *painter(silhouette, points), points

    def _corners(self, matte: Tensor) -> Tensor:
        """(B, 2) rows and columns, on the grid that the refiners work on, of patches around random points of mattes."""
        grid, patch, margin = (pixels // ENLARGED for pixels in (self.config.size, self.config.patch, _FRAME))
        inside = F.avg_pool2d(matte, ENLARGED).flatten(1) > 0.5
        # The largest of equally distributed numbers is anywhere: what is inside comes before what is not.
        chance = torch.rand(inside.shape, generator=self.generator, device=inside.device)
        chosen = (chance + inside).argmax(dim=1)
        middle = torch.stack([chosen // grid, chosen % grid], dim=1)
        return (middle - patch // 2).clamp(margin, grid - patch - margin)
