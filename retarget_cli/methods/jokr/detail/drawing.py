"""Drawing with detail: the picture of a renderer, made large and sharp."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from retarget_cli.methods.base import PairContext
from retarget_cli.methods.jokr.config import JokrConfig
from retarget_cli.methods.jokr.detail.fine_sources import FineSources
from retarget_cli.methods.jokr.detail.references import References
from retarget_cli.methods.jokr.names import DETAIL_NETWORKS, FINE_SOURCES, REFERENCES
from retarget_cli.methods.jokr.networks import DetailNetwork
from retarget_cli.methods.jokr.renderers.base import Carried, Renderer
from retarget_cli.training.checkpoint import load_modules
from retarget_cli.training.device import freeze

FEW = 4  # pictures at a time: they have up to sixteen times the pixels of the renderer's


class DetailMemory(Protocol):
    """Knows the detail of one clip's real frames."""

    def find(self, drawn: Tensor, points: Tensor, carried: Carried | None) -> Tensor:
        """Detail (B, 3, S, S) from -1 to 1 for drawn pictures.

        drawn: (B, 4, s, s), colour and alpha logits; points: (B, K, 2); carried: what the renderer copied, and where.
        """
        ...


def make_memory(config: JokrConfig, texture: Renderer) -> References | FineSources:
    """Where the detail of a clip comes from, still empty: the sources of its renderer, or references of its own."""
    detail = config.detail
    if texture.sources is not None and texture.copies:
        return FineSources(len(texture.sources.numbers), detail.size)
    return References(detail.references, detail.size, config.geometry.keypoints)


def memory_name(memory: References | FineSources, channel: int) -> str:
    """Its name in stored results, of clip A (0) or B (1)."""
    return (FINE_SOURCES if isinstance(memory, FineSources) else REFERENCES)[channel]


@dataclass(frozen=True)
class DetailedTexture:
    """Draws as a renderer does, finer."""

    texture: Renderer
    detail: DetailNetwork
    memory: DetailMemory

    def __call__(self, silhouette: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """Silhouettes (B, 1, h, w) and keypoints (B, K, 2) to colour (B, 3, S, S) and alpha logits (B, 1, S, S)."""
        *picture, carried = self.texture.draw(silhouette, points)
        drawn = torch.cat(picture, dim=1)
        few = [slice(start, start + FEW) for start in range(0, len(drawn), FEW)]
        parts = (self._fine(drawn[some], points[some], None if carried is None else carried.part(some)) for some in few)
        colour, alpha = zip(*parts, strict=True)
        return torch.cat(colour), torch.cat(alpha)

    def _fine(self, drawn: Tensor, points: Tensor, carried: Carried | None) -> tuple[Tensor, Tensor]:
        colour, alpha = self.detail(drawn, self.memory.find(drawn, points, carried))
        return colour.clamp(-1, 1), alpha


def load_detailed_texture(pair: PairContext, channel: int, texture: Renderer) -> DetailedTexture:
    """Load what the detail phase learned of one clip. texture: its renderer, on the device already or soon."""
    config = pair.config
    detail, memory = DetailNetwork(config.detail, config.texture.size), make_memory(config, texture)
    load_modules({DETAIL_NETWORKS[channel]: detail, memory_name(memory, channel): memory}, pair.states["detail"])
    freeze((detail, memory), pair.device)
    return DetailedTexture(texture, detail, memory)
