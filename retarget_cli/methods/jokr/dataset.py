"""The frames a phase trains on, as small tensors on the training device."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from retarget_cli.train.clips import ClipArray

MAX_TRAINING_FRAMES = 600
HELD_OUT_EVERY = 10


@dataclass(frozen=True)
class Frames:
    """Frames of one clip at working size. pixels: (N, 4, S, S) uint8 RGB and matte. pairs and held_out are indices.

    `pairs` are frames whose successor may be trained on too; `held_out` frames are in no pair.
    """

    pixels: Tensor
    pairs: Tensor
    held_out: Tensor


def load_frames(clip: ClipArray, size: int, device: str) -> Frames:
    """Shrink a clip to `size` and move it to `device`.

    Every tenth frame is held out. Of a clip longer than MAX_TRAINING_FRAMES an even choice of neighbouring pairs is
    kept, so memory does not grow with the clip.
    """
    chosen = _chosen_frames(clip.count)
    pixels = shrink((clip.frames[index] for index in chosen), size)
    pairs, held = _split(chosen)
    return Frames(
        pixels.to(device),
        torch.from_numpy(pairs).to(device),
        torch.from_numpy(held).to(device),
    )


def held_out_frames(count: int) -> np.ndarray:
    """Which frames of a clip of `count` frames are held out of training: indices (M,)."""
    chosen = _chosen_frames(count)
    return chosen[_split(chosen)[1]]


def shrink(frames: Iterable[np.ndarray], size: int) -> Tensor:
    """Frames (S, S, 4) uint8 as one (N, 4, size, size) uint8 tensor; the average of the pixels that become one."""
    small = [cv2.resize(np.ascontiguousarray(frame), (size, size), interpolation=cv2.INTER_AREA) for frame in frames]
    return torch.from_numpy(np.stack(small)).permute(0, 3, 1, 2).contiguous()


def _split(chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First frames of training pairs, and held-out frames, as indices into `chosen`."""
    neighbours = np.flatnonzero(np.diff(chosen) == 1)
    held = np.arange(HELD_OUT_EVERY // 2, len(chosen), HELD_OUT_EVERY)
    pairs = neighbours[~np.isin(neighbours, held) & ~np.isin(neighbours + 1, held)]
    if len(pairs) == 0 or len(held) == 0:  # a clip of a few frames: train on all of it
        return neighbours, np.arange(len(chosen))
    return pairs, held


def _chosen_frames(count: int) -> np.ndarray:
    if count <= MAX_TRAINING_FRAMES:
        return np.arange(count)
    starts = np.linspace(0, count - 2, MAX_TRAINING_FRAMES // 2).astype(int)
    return np.unique(np.concatenate([starts, starts + 1]))


def masked(pixels: Tensor) -> Tensor:
    """(B, 4, S, S) uint8 to float: colour in [-1, 1] times the matte, and the matte in [0, 1]."""
    values = pixels.float() / 255
    matte = values[:, 3:]
    return torch.cat([(values[:, :3] * 2 - 1) * matte, matte], dim=1)


def unmasked(pixels: Tensor) -> Tensor:
    """(B, 4, S, S) uint8 to float: colour in [-1, 1], background included, and the matte in [0, 1]."""
    values = pixels.float() / 255
    return torch.cat([values[:, :3] * 2 - 1, values[:, 3:]], dim=1)


def draw_batch(frames: Frames, batch: int, generator: torch.Generator) -> Tensor:
    """Indices (batch,) of random training pairs."""
    choice = torch.randint(len(frames.pairs), (batch,), generator=generator, device=generator.device)
    return frames.pairs[choice]
