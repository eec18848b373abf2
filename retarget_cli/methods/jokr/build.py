"""The fast recipe put together: its phases and its puppet, from clips, settings and the results of earlier phases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from retarget_cli.methods.jokr.config import JokrConfig
from retarget_cli.methods.jokr.dataset import fed_by, load_frames
from retarget_cli.methods.jokr.detail import DetailPhase
from retarget_cli.methods.jokr.facing import Pair, facing_alike
from retarget_cli.methods.jokr.geometry import GeometryPhase
from retarget_cli.methods.jokr.networks import KeypointExtractor, SilhouetteGenerator, painter, shape_networks
from retarget_cli.methods.jokr.texture import PAINTERS, TexturePhase
from retarget_cli.methods.jokr.transfer import FastPuppet
from retarget_cli.train.checkpoint import load_modules

_STATE = "state.safetensors"


def alike(config: JokrConfig, clips: Pair) -> tuple[Pair, str]:
    """The clips as they are trained on, and which was mirrored for it: ``a``, ``b`` or nothing."""
    return facing_alike(clips, config.geometry.mirror)


def geometry(config: JokrConfig, clips: Pair, device: str, seed: int) -> GeometryPhase:
    """The first phase on a pair of crops."""
    pair, _ = alike(config, clips)
    size = config.geometry.size
    frames = (load_frames(pair[0], size, device), load_frames(pair[1], size, device))
    return fed_by(frames, GeometryPhase(config.geometry, frames, device, seed))


def texture(config: JokrConfig, clips: Pair, states: Mapping[str, Path], device: str, seed: int) -> TexturePhase:
    """The second phase, on top of the result of the first."""
    pair, _ = alike(config, clips)
    trained = _shape_networks(config, states)
    size = config.texture.size
    frames = (load_frames(pair[0], size, device), load_frames(pair[1], size, device))
    return fed_by(frames, TexturePhase(config.texture, trained, frames, device, seed))


def detail(config: JokrConfig, clips: Pair, states: Mapping[str, Path], device: str, seed: int) -> DetailPhase:
    """The third phase, on top of the results of both. clips: larger crops than those of the others."""
    pair, _ = alike(config, clips)
    trained = _shape_networks(config, states)
    painters = painter(config), painter(config)
    load_modules(dict(zip(PAINTERS, painters, strict=True)), states["texture"] / _STATE)
    return DetailPhase(config.detail, trained, painters, pair, device, seed)


def puppet(config: JokrConfig, states: Mapping[str, Path], look: str, device: str) -> FastPuppet:
    """The results of all phases; `look` is the clip to draw."""
    return FastPuppet.load(config, states, look, device)


def _shape_networks(config: JokrConfig, states: Mapping[str, Path]) -> tuple[KeypointExtractor, SilhouetteGenerator]:
    extractor, shape = shape_networks(config.geometry)
    load_modules({"extractor": extractor, "shape": shape}, states["geometry"] / _STATE)
    return extractor, shape
