"""Checkpoints in the format of the published JOKR implementation, with random weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch

from retarget_cli.methods.jokr_paper import networks
from retarget_cli.methods.jokr_paper.config import PRESETS, GeometryConfig, PaperConfig, TextureConfig

TINY = PaperConfig(
    GeometryConfig(
        keypoints=6, widths=8, most_width=32, levels=4, generator_width=8, residual_blocks=2, discriminator_width=16
    ),
    TextureConfig(generator_width=8, residual_blocks=3),
)
TINY_STRONG = dataclasses.replace(TINY, geometry=dataclasses.replace(TINY.geometry, strong=True, affine=False))
FULL = PRESETS["paper"]


def table(config: PaperConfig, stage: int) -> dict[str, Any]:
    """What the published code saves after `stage` 1 or 2."""
    torch.manual_seed(stage)
    shape = networks.silhouette_generator(config.geometry)
    learned = (torch.eye(2, 3) + 0.05 * torch.randn(2, 3))[None].requires_grad_()
    found: dict[str, Any] = {
        "G_A": shape.state_dict(),
        "KP": networks.KeypointExtractor(config.geometry).state_dict(),
        "learned_t": learned if config.geometry.affine else None,
        "epoch": 3,
    }
    optimizer = torch.optim.Adam(shape.parameters(), lr=1e-4, betas=(0.5, 0.999))
    if stage == 1:
        discriminator = networks.KeypointDiscriminator(config.geometry.keypoints, config.geometry.discriminator_width)
        second = torch.optim.Adam(discriminator.parameters()).state_dict()
        return found | {"Disc": discriminator.state_dict(), "g_opt": optimizer.state_dict(), "d_opt": second}
    painters = {name: networks.texture_generator(config.texture).state_dict() for name in ("R_A", "R_B")}
    return found | painters | {"g_opt2": optimizer.state_dict()}


def save(path: Path, config: PaperConfig, stage: int, **instead: Any) -> Path:
    """Write a checkpoint to `path`; `instead`: entries to put in the place of the right ones, None for none."""
    torch.save(table(config, stage) | instead, path)
    return path
