"""The detail phase: detail networks learn, on patches of real frames, to make large sharp pictures."""

from __future__ import annotations

from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retarget_cli.methods.base import PairContext
from retarget_cli.methods.jokr.config import DETAIL_FRAME, DetailConfig, JokrConfig
from retarget_cli.methods.jokr.data import draw_batch, in_steady_light, unmasked
from retarget_cli.methods.jokr.detail.drawing import DetailedTexture, make_memory, memory_name
from retarget_cli.methods.jokr.detail.fine_sources import FineSources
from retarget_cli.methods.jokr.detail.frames import Drawing, FineFrames, fine_frames
from retarget_cli.methods.jokr.detail.references import SCALE
from retarget_cli.methods.jokr.facing import facing_alike
from retarget_cli.methods.jokr.model import load_shape_networks
from retarget_cli.methods.jokr.names import DETAIL_NETWORKS
from retarget_cli.methods.jokr.networks import (
    ENLARGED,
    DetailNetwork,
    KeypointExtractor,
    SilhouetteGenerator,
)
from retarget_cli.methods.jokr.previews import detail_rows
from retarget_cli.methods.jokr.renderers.base import Renderer
from retarget_cli.methods.jokr.renderers.make import load_renderer
from retarget_cli.methods.jokr.texture import AppearancePhase, keypoints_of
from retarget_cli.training.clips import ClipArray
from retarget_cli.training.device import freeze
from retarget_cli.training.phase import PreviewRow


def cut(values: Tensor, corners: Tensor, size: int) -> Tensor:
    """Patches (B, C, size, size) of `values` (B, C, H, W) that begin at `corners` (B, 2), rows and columns."""
    steps = torch.arange(size, device=values.device)
    rows, columns = (corners[:, axis, None] + steps for axis in (0, 1))
    every = torch.arange(len(values), device=values.device)[:, None, None]
    return values[every, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


_FRAME = DETAIL_FRAME // 2  # pixels around a patch


class DetailPhase(AppearancePhase):
    """Trains a detail network a clip, on patches of real frames. E, G and R work at the size they had before."""

    name = "detail"
    config: DetailConfig

    def __init__(
        self,
        config: JokrConfig,
        geometry: tuple[KeypointExtractor, SilhouetteGenerator],
        textures: tuple[Renderer, Renderer],
        clips: tuple[ClipArray, ClipArray],
        device: str,
        seed: int,
    ) -> None:
        """geometry: trained E and G; textures: trained renderers of A and of B."""
        self.extractor, self.shape = geometry
        self.textures = textures
        freeze((*geometry, *textures), device)
        detail = config.detail
        self.memories = [make_memory(config, texture) for texture in textures]
        for memory, texture, clip in zip(self.memories, textures, clips, strict=True):
            memory.to(device)
            if isinstance(memory, FineSources) and texture.sources is not None:
                memory.take(clip, texture.sources.numbers)
        frames = [
            fine_frames(clip, detail.size, partial(self._textured, channel), self.memories[channel], device)
            for channel, clip in enumerate(clips)
        ]
        torch.manual_seed(seed)
        networks: dict[str, nn.Module] = {
            name: DetailNetwork(detail, textures[0].size, memory.trusted)
            for name, memory in zip(DETAIL_NETWORKS, self.memories, strict=True)
        }
        super().__init__(detail, networks, (frames[0], frames[1]), device, seed)

    @classmethod
    def build(cls, pair: PairContext, seed: int) -> DetailPhase:
        """The phase on top of the results of the other two, on larger crops than theirs."""
        clips, _ = facing_alike(pair.clips, pair.config.geometry.mirror)
        clips = in_steady_light(clips, pair.config.texture.light)
        one, other = (load_renderer(pair.config, channel, pair.states["texture"]) for channel in (0, 1))
        return cls(pair.config, load_shape_networks(pair), (one, other), clips, pair.device, seed)

    def finish(self) -> None:
        """Add to the result where detail comes from. A checkpoint needs none of it: it is made anew from the clips."""
        self.modules |= {memory_name(memory, channel): memory for channel, memory in enumerate(self.memories)}

    def _fine(self, channel: int) -> FineFrames:
        return cast(FineFrames, self.clips[channel])

    def choose(self, channel: int) -> tuple[Tensor, Tensor]:
        """Indices of frames (B,), and for each a number in [0, 1) for every place on the grid of the detail network."""
        index, places = draw_batch(self._fine(channel), self.config.batch, self.generator), self._grid() ** 2
        chance = torch.rand(self.config.batch, places, generator=self.generator, device=index.device)
        return index, chance

    def attempt(self, channel: int, chosen: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
        """Patches around random points of the object."""
        clip, patch = self._fine(channel), self.config.patch
        index, chance = chosen
        picture = unmasked(clip.pixels[index])
        corners = self._corners(picture[:, 3:], chance)
        around = ENLARGED * corners - _FRAME
        shrunk = self.config.size // self.textures[channel].size
        wide = patch + DETAIL_FRAME
        coarse = cut(clip.drawn[index], around // shrunk, wide // shrunk)
        found = cut(clip.found[index], around, wide).float() / SCALE
        with self.autocast():
            fine = self.modules[DETAIL_NETWORKS[channel]](coarse, found)
        colour, alpha = (part[..., _FRAME:-_FRAME, _FRAME:-_FRAME] for part in fine)
        return colour, alpha, cut(picture, ENLARGED * corners, patch), {}

    def drawn(self, channel: int, index: Tensor) -> tuple[Tensor, Tensor]:
        """Whole frames, drawn from their keypoints."""
        clip = self._fine(channel)
        with self.autocast():
            colour, alpha = self.modules[DETAIL_NETWORKS[channel]](clip.drawn[index], clip.found[index].float() / SCALE)
        return colour.clamp(-1, 1), alpha

    def preview(self) -> list[PreviewRow]:
        """Parts of held-out frames beside drawn ones, and of each clip drawn in the other's poses."""
        detailed = [
            DetailedTexture(texture, cast(DetailNetwork, self.modules[name]), memory)
            for texture, name, memory in zip(self.textures, DETAIL_NETWORKS, self.memories, strict=True)
        ]
        return detail_rows(self.extractor, self.shape, detailed, self.clips)

    def _textured(self, channel: int, pixels: Tensor, numbers: Tensor) -> Drawing:
        """What the frozen networks make of frames (n, 4, S, S) uint8.

        numbers: (n,) where in the clip they are: no frame is drawn from itself.
        """
        texture = self.textures[channel]
        small = F.interpolate(unmasked(pixels), size=(texture.size,) * 2, mode="area")
        points = keypoints_of(self.extractor, self.shape.size, small)
        silhouette = torch.sigmoid(self.shape(points))[:, channel : channel + 1]
        *picture, carried = texture.draw(silhouette, points, texture.without(numbers))
        return Drawing(torch.cat(picture, dim=1), points, carried)

    def _grid(self) -> int:
        """The side of what a detail network sees of a frame, in pixels."""
        return self.config.size // ENLARGED

    def _corners(self, matte: Tensor, chance: Tensor) -> Tensor:
        """Rows and columns (B, 2), on the grid, of patches around random points of mattes. chance: (B, grid²)."""
        grid, patch, margin = self._grid(), self.config.patch // ENLARGED, _FRAME // ENLARGED
        inside = F.avg_pool2d(matte, ENLARGED).flatten(1) > 0.5
        # The largest of equally distributed numbers is anywhere: what is inside comes before what is not.
        chosen = (chance + inside).argmax(dim=1)
        middle = torch.stack([chosen // grid, chosen % grid], dim=1)
        return (middle - patch // 2).clamp(margin, grid - patch - margin)
