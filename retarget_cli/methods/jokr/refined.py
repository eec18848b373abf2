"""Painting with refined detail: a painter, the refiner of its clip and real frames to look detail up in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from retarget_cli.methods.jokr.config import JokrConfig
from retarget_cli.methods.jokr.detail_networks import Refiner
from retarget_cli.methods.jokr.fine_frames import looked_up
from retarget_cli.methods.jokr.references import References
from retarget_cli.train.checkpoint import load_modules
from retarget_cli.train.device import to_device

_FEW = 4  # pictures at a time: they have up to sixteen times the pixels of the painter's


@dataclass(frozen=True)
class Refined:
    """Paints like a painter does, finer."""

    painter: nn.Module
    refiner: Refiner
    references: References

    def __call__(self, silhouette: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """Silhouettes (B, 1, h, w) and keypoints (B, K, 2) to colour (B, 3, S, S) and alpha logits (B, 1, S, S)."""
        painted = torch.cat(self.painter(silhouette, points), dim=1)
        few = zip(painted.split(_FEW), points.split(_FEW), strict=True)
        colour, alpha = zip(*(self._fine(*some) for some in few), strict=True)
        return torch.cat(colour), torch.cat(alpha)

    def _fine(self, painted: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        found = looked_up(self.references, painted, points.cpu().numpy()).to(painted.device)
        colour, alpha = self.refiner(painted, found.float() / 127)
        return colour.clamp(-1, 1), alpha


def load_refined(config: JokrConfig, states: Mapping[str, Path], look: str, painter: nn.Module, device: str) -> Refined:
    """What the third phase learned of clip `look`, together with its painter, which is on `device` already or soon."""
    refiner = Refiner(config.detail, config.texture.size)
    references = References(config.detail.references, config.detail.size, config.geometry.keypoints)
    load_modules({f"refiner_{look}": refiner, f"references_{look}": references}, states["detail"] / "state.safetensors")
    refiner.eval().requires_grad_(False)
    to_device((refiner,), device)
    return Refined(painter, refiner, references)
