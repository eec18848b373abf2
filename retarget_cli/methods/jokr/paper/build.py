"""The published recipe as :class:`~retarget_cli.methods.jokr.recipe.Recipe`: its phases and its puppet put together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import nn

from retarget_cli.errors import UsageError
from retarget_cli.methods.jokr.dataset import Frames, fed_by, load_frames
from retarget_cli.methods.jokr.facing import Pair, facing_alike
from retarget_cli.methods.jokr.paper import networks
from retarget_cli.methods.jokr.paper.config import GeometryConfig, PaperConfig
from retarget_cli.methods.jokr.paper.geometry import GeometryPhase
from retarget_cli.methods.jokr.paper.puppet import PaperPuppet
from retarget_cli.methods.jokr.paper.texture import TexturePhase
from retarget_cli.nn.coords import invert_affine
from retarget_cli.train.checkpoint import load_modules

_STATE = "state.safetensors"


def alike(config: PaperConfig, clips: Pair) -> tuple[Pair, str]:
    """The clips as they are trained on, and which was mirrored for it: ``a``, ``b`` or nothing."""
    return facing_alike(clips, config.geometry.mirror)


def geometry(config: PaperConfig, clips: Pair, device: str, seed: int) -> GeometryPhase:
    """Stage 1 on a pair of crops."""
    check_size(config.geometry)
    frames = _frames(config, clips, device)
    return fed_by(frames, GeometryPhase(config.geometry, frames, device, seed))


def texture(config: PaperConfig, clips: Pair, states: Mapping[str, Path], device: str, seed: int) -> TexturePhase:
    """Stage 2, on top of the result of stage 1."""
    trained = _shape_networks(config.geometry, states)
    frames = _frames(config, clips, device)
    return fed_by(frames, TexturePhase(config, trained, frames, device, seed))


def puppet(config: PaperConfig, states: Mapping[str, Path], look: str, device: str) -> PaperPuppet:
    """The results of both stages; `look` is the clip to draw."""
    extractor, shape = _shape_networks(config.geometry, states)
    affine = networks.Affine(config.geometry.affine, config.geometry.affine_spread)
    load_modules({"affine": affine}, states["geometry"] / _STATE)
    painter = networks.texture_generator(config.texture)
    load_modules({f"painter_{look}": painter}, states["texture"] / _STATE)
    learned = affine().detach()
    to_subject = learned if look == "a" else invert_affine(learned)
    return PaperPuppet(config.geometry, (extractor, shape, painter), to_subject, 0 if look == "a" else 1, device)


def check_size(config: GeometryConfig) -> None:
    """UsageError when frames of that size do not fit through E and G."""
    step = 8 if config.strong else 4 * 2**config.levels
    if config.size % step or config.size // 4 < 8:
        raise UsageError(
            f"frames of {config.size} pixels do not fit through the networks",
            where="geometry.size",
            fix=f"Use a multiple of {max(step, 32)}"
            + ("." if config.strong else ", or fewer levels (--set geometry.levels=3)."),
        )


def _frames(config: PaperConfig, clips: Pair, device: str) -> tuple[Frames, Frames]:
    pair, _ = alike(config, clips)
    size = config.geometry.size
    return load_frames(pair[0], size, device), load_frames(pair[1], size, device)


def _shape_networks(config: GeometryConfig, states: Mapping[str, Path]) -> tuple[nn.Module, nn.Module]:
    extractor, shape = networks.keypoint_extractor(config), networks.silhouette_generator(config)
    load_modules({"extractor": extractor, "shape": shape}, states["geometry"] / _STATE)
    return extractor, shape
