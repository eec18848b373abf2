"""The fast recipe put together: its phases and its puppet, from clips, settings and the results of earlier phases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from retarget_cli.methods.jokr.config import JokrConfig
from retarget_cli.methods.jokr.dataset import fed_by, load_frames
from retarget_cli.methods.jokr.facing import mirror, opposite_facing
from retarget_cli.methods.jokr.geometry import GeometryPhase
from retarget_cli.methods.jokr.networks import shape_networks
from retarget_cli.methods.jokr.texture import TexturePhase
from retarget_cli.methods.jokr.transfer import FastPuppet
from retarget_cli.train.checkpoint import load_modules
from retarget_cli.train.clips import ClipArray

Pair = tuple[ClipArray, ClipArray]


def facing_alike(clips: Pair) -> tuple[Pair, bool]:
    """The clips with B mirrored when the two objects face opposite ways, and whether it was."""
    if opposite_facing(*clips):
        return (clips[0], mirror(clips[1])), True
    return clips, False


def alike(_config: JokrConfig, clips: Pair) -> tuple[Pair, str]:
    """The clips as they are trained on, and which was mirrored for it: ``b`` or nothing."""
    pair, mirrored = facing_alike(clips)
    return pair, "b" if mirrored else ""


def geometry(config: JokrConfig, clips: Pair, device: str, seed: int) -> GeometryPhase:
    """The first phase on a pair of crops."""
    alike, _ = facing_alike(clips)
    size = config.geometry.size
    frames = (load_frames(alike[0], size, device), load_frames(alike[1], size, device))
    return fed_by(frames, GeometryPhase(config.geometry, frames, device, seed))


def texture(config: JokrConfig, clips: Pair, states: Mapping[str, Path], device: str, seed: int) -> TexturePhase:
    """The second phase, on top of the result of the first."""
    alike, _ = facing_alike(clips)
    extractor, shape = shape_networks(config.geometry)
    load_modules({"extractor": extractor, "shape": shape}, states["geometry"] / "state.safetensors")
    size = config.texture.size
    frames = (load_frames(alike[0], size, device), load_frames(alike[1], size, device))
    return fed_by(frames, TexturePhase(config.texture, (extractor, shape), frames, device, seed))


def puppet(config: JokrConfig, states: Mapping[str, Path], look: str, device: str) -> FastPuppet:
    """The results of both phases; `look` is the clip to draw."""
    return FastPuppet.load(config, states, look, device)
