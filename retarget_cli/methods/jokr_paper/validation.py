"""Scores of the published networks on frames that they were not trained on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from retarget_cli.methods.jokr.data import Frames
from retarget_cli.methods.jokr_paper.config import GeometryConfig
from retarget_cli.methods.jokr_paper.data import bordered
from retarget_cli.methods.jokr_paper.losses import keypoint_maps


@contextmanager
def only_looking(generator: torch.Generator, *modules: nn.Module) -> Iterator[None]:
    """Afterwards the generator and the statistics of the modules (E's BatchNorm) are what they were before."""
    random = generator.get_state()
    buffers = [(buffer, buffer.clone()) for module in modules for buffer in module.buffers()]
    yield
    generator.set_state(random)
    for buffer, before in buffers:
        buffer.copy_(before)


def held_out_frames(clip: Frames, border: float) -> Iterator[Tensor]:
    """One (1, 4, S, S) a held-out frame: E must see them one by one, as it will when it draws."""
    for index in clip.held_out.split(1):
        yield bordered(clip.pixels[index], border)


def draw_again(frame: Tensor, extractor: nn.Module, shape: nn.Module, config: GeometryConfig) -> Tensor:
    """G(E(frame)): both silhouettes (B, 2, S, S) of frames (B, 4, S, S)."""
    points, _ = extractor(frame[:, :3])
    return shape(keypoint_maps(points, frame.shape[-1], config.point_width))


def foreground_psnr(drawn: Tensor, frame: Tensor) -> float:
    """dB inside the matte, of drawn colours (1, 3, S, S) in [-1, 1] against a frame (1, 4, S, S)."""
    inside = frame[:, 3:]
    squared = ((drawn - frame[:, :3]) / 2).square() * inside
    return float(-10 * torch.log10((squared.sum() / (3 * inside.sum()).clamp(min=1)).clamp(min=1e-8)))
