"""The renderers by name, and those of a stored result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from torch import nn

from retarget_cli.errors import WorkspaceError
from retarget_cli.methods.jokr.config import JokrConfig
from retarget_cli.methods.jokr.names import SOURCE_FRAMES, TEXTURE_GENERATORS
from retarget_cli.methods.jokr.renderers.attention import AttentionGenerator, AttentionRenderer
from retarget_cli.methods.jokr.renderers.base import Renderer
from retarget_cli.methods.jokr.renderers.dense_motion import DenseMotionGenerator, Inpainting, MotionNetwork
from retarget_cli.methods.jokr.renderers.fomm import FommRenderer
from retarget_cli.methods.jokr.renderers.recurrent import RecurrentGenerator, RecurrentRenderer
from retarget_cli.methods.jokr.renderers.sources import SourceFrames
from retarget_cli.methods.jokr.renderers.tps import TpsRenderer
from retarget_cli.methods.jokr.renderers.unet import TextureGenerator, UNetRenderer
from retarget_cli.methods.jokr.renderers.warp import WarpingGenerator, WarpRenderer
from retarget_cli.training.checkpoint import load_modules

_FILLING = 4  # residual blocks that fill in what a source frame does not show


def _unet(config: JokrConfig) -> Renderer:
    texture = config.texture
    return UNetRenderer(TextureGenerator(config.geometry.keypoints, texture.widths, texture.size, texture.point_width))


def _warp(config: JokrConfig) -> Renderer:
    keypoints, texture = config.geometry.keypoints, config.texture
    network = WarpingGenerator(keypoints, texture.widths, texture.size, texture.point_width)
    sources = SourceFrames(texture.sources, texture.size, keypoints)
    return WarpRenderer(network, sources, texture.anew, texture.drawn)


def _recurrent(config: JokrConfig) -> Renderer:
    keypoints, texture = config.geometry.keypoints, config.texture
    network = RecurrentGenerator(keypoints, texture.widths, texture.size, texture.point_width)
    sources = SourceFrames(texture.sources, texture.size, keypoints)
    return RecurrentRenderer(network, sources, texture.anew, texture.drawn)


def _attention(config: JokrConfig) -> Renderer:
    keypoints, texture = config.geometry.keypoints, config.texture
    network = AttentionGenerator(keypoints, texture.widths, texture.size, texture.point_width)
    return AttentionRenderer(network, SourceFrames(texture.sources, texture.size, keypoints))


def _fomm(config: JokrConfig) -> Renderer:
    return FommRenderer(*_moving(config, depth=2, skips=False))


def _tps(config: JokrConfig) -> Renderer:
    return TpsRenderer(*_moving(config, depth=3, skips=True))


def _moving(config: JokrConfig, depth: int, skips: bool) -> tuple[DenseMotionGenerator, SourceFrames, int]:
    """depth: levels of features at most, the first at half the size; skips: all of them are moved, not the deepest."""
    keypoints, texture = config.geometry.keypoints, config.texture
    widths = texture.widths[:depth]
    motion = MotionNetwork(keypoints, texture.widths[:3], len(widths) if skips else 1)
    sources = SourceFrames(texture.sources, texture.size, keypoints)
    return DenseMotionGenerator(motion, Inpainting(widths, texture.size, _FILLING, skips)), sources, texture.size


_MAKERS: Mapping[str, Callable[[JokrConfig], Renderer]] = {  # those of config.RENDERERS
    "unet": _unet,
    "warp": _warp,
    "attention": _attention,
    "recurrent": _recurrent,
    "fomm": _fomm,
    "tps": _tps,
}


def make_renderer(config: JokrConfig) -> Renderer:
    """The renderer of one clip that the settings name, with fresh weights and no source frames yet."""
    return _MAKERS[config.texture.renderer](config)


def load_renderer(config: JokrConfig, channel: int, folder: Path) -> Renderer:
    """The renderer of clip A (0) or B (1), as the result of the texture phase in `folder` holds it.

    Raises WorkspaceError where another version of this program, with other networks, trained it.
    """
    renderer = make_renderer(config)
    try:
        load_modules(stored_parts(renderer, channel), folder)
    except RuntimeError as error:
        what = f"the renderer '{config.texture.renderer}' of this run is not built like that of this version"
        fix = "Run `retarget train` with these clips again; what it learned of their motion is kept."
        raise WorkspaceError(what, where=folder, fix=fix) from error
    return renderer


def stored_parts(renderer: Renderer, channel: int) -> dict[str, nn.Module]:
    """The modules of a renderer by their names in stored results."""
    parts = {TEXTURE_GENERATORS[channel]: renderer.network}
    if renderer.sources is not None:
        parts[SOURCE_FRAMES[channel]] = renderer.sources
    return parts
