"""The frames a phase trains on, as small tensors on the training device."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
import torch
from torch import Tensor

from retarget_cli.methods.base import PairContext
from retarget_cli.methods.jokr.budget import worth_seeing
from retarget_cli.methods.jokr.facing import Pair, facing_alike
from retarget_cli.training.clips import ClipArray
from retarget_cli.training.stream import PARTS, Stream
from retarget_cli.vision.light import find_light

MAX_TRAINING_FRAMES = 600  # on the device at a time
HELD_OUT_EVERY = 10


@dataclass(frozen=True)
class Frames:
    """Frames of one clip at working size.

    pixels: (N, 4, S, S) uint8, RGB and matte.
    pairs: indices of frames whose successor may be trained on too.
    held_out: indices of frames that are in no pair.
    numbers: (N,) int64, where in the clip they are.
    streams: bring other pairs of a long clip into their places in `pixels`, and their numbers; none for a clip that is
        there as a whole.
    left_out: what to tell of a clip of which not everything is looked at.
    """

    pixels: Tensor
    pairs: Tensor
    held_out: Tensor
    numbers: Tensor
    streams: tuple[Stream, ...] = ()
    left_out: str = ""


def streams_of(clips: Iterable[Frames]) -> tuple[Stream, ...]:
    """The streams that bring other frames of long clips before a phase's steps."""
    return tuple(stream for clip in clips for stream in clip.streams)


def load_pair(pair: PairContext, size: int, light: float = 0.0) -> tuple[Frames, Frames]:
    """Both clips at `size` on the device, facing the same way. light: as :func:`in_steady_light` takes it."""
    (a, b), _ = facing_alike(pair.clips, pair.config.geometry.mirror)
    a, b = in_steady_light((a, b), light)
    return load_frames(a, size, pair.device), load_frames(b, size, pair.device)


def in_steady_light(clips: Pair, least: float) -> Pair:
    """Both clips, to be seen in one light each where it drifts by `least` grey levels; 0: as they are."""
    if least <= 0:
        return clips

    def steady(clip: ClipArray) -> ClipArray:
        light = find_light(clip.frames, least)
        clip.let_go()
        return clip if light is None else replace(clip, correct=light.steady)

    return steady(clips[0]), steady(clips[1])


def load_frames(clip: ClipArray, size: int, device: str) -> Frames:
    """Shrink a clip to `size` and move it to `device`.

    Every tenth frame is held out. Of a clip longer than MAX_TRAINING_FRAMES that many are on the device, and others
    take their places while it is trained on; memory does not grow with the clip.
    """
    if clip.count > MAX_TRAINING_FRAMES:
        return _long_clip(clip, size, device)
    pixels = shrink(clip.pictures(range(clip.count)), size, clip.count)
    pairs, held = _split(np.arange(clip.count))
    training, scored, numbers = (torch.from_numpy(each).to(device) for each in (pairs, held, np.arange(clip.count)))
    return Frames(pixels.to(device), training, scored, numbers)


def _long_clip(clip: ClipArray, size: int, device: str) -> Frames:
    """Pairs of neighbours, each in two places of their own, and after them the held-out frames, which stay."""
    held = held_out_frames(clip.count)
    every = np.setdiff1d(np.arange(clip.count - 1), [held - 1, held])
    starts = worth_seeing(clip, every)
    places = (MAX_TRAINING_FRAMES - len(held)) // 2
    places = places // PARTS * PARTS or places
    pixels = torch.empty((2 * places + len(held), 4, size, size), dtype=torch.uint8, device=device)
    pixels[2 * places :] = shrink(clip.pictures(held), size, len(held)).to(device)
    numbers = torch.cat([torch.zeros(2 * places, dtype=torch.int64), torch.from_numpy(held)]).to(device)
    # Two windows in step: the order in which a stream shows its rows depends on how many there are, and nothing else.
    reads = (pixels, partial(_pairs, clip, size, starts)), (numbers, partial(_numbers, starts))
    streams = tuple(Stream(len(starts), window[: 2 * places].unflatten(0, (places, 2)), read) for window, read in reads)
    for stream in streams:
        stream.bring(0)
    indices = torch.arange(len(pixels), device=device)
    told = ""
    if len(starts) < len(every):
        told = f"{len(starts)} of its {clip.count} frames are trained on, spread over the poses that it shows"
    return Frames(pixels, indices[: 2 * places : 2], indices[2 * places :], numbers, streams, told)


def _pairs(clip: ClipArray, size: int, starts: np.ndarray, rows: np.ndarray) -> Tensor:
    """(n, 2, 4, size, size) uint8: the frames that begin some of the pairs, and their successors."""
    wanted = [index for start in starts[rows] for index in (start, start + 1)]
    return shrink(clip.pictures(wanted), size, len(wanted)).unflatten(0, (len(rows), 2))


def _numbers(starts: np.ndarray, rows: np.ndarray) -> Tensor:
    """(n, 2) int64: the numbers of the frames of some of the pairs."""
    return torch.from_numpy(starts[rows][:, None] + np.arange(2))


def held_out_frames(count: int) -> np.ndarray:
    """Indices (M,) of the frames that are held out of training in a clip of `count` frames."""
    chosen = _chosen_frames(count)
    return chosen[_split(chosen)[1]]


def shrink(frames: Iterable[np.ndarray], size: int, count: int | None = None) -> Tensor:
    """Frames (S, S, 4) uint8 as one (N, 4, size, size) uint8 tensor; the average of the pixels that become one.

    count: N, where `frames` has no length.
    """
    small = np.empty((len(frames) if count is None else count, 4, size, size), np.uint8)  # type: ignore[arg-type]
    for place, frame in zip(small, frames, strict=True):  # one at a time: large frames of a long clip fill the memory
        shrunk = cv2.resize(np.ascontiguousarray(frame), (size, size), interpolation=cv2.INTER_AREA)
        place[:] = shrunk.transpose(2, 0, 1)
    return torch.from_numpy(small)


def _split(chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First frames of training pairs, and held-out frames, as indices into `chosen`."""
    neighbours = np.flatnonzero(np.diff(chosen) == 1)
    held = np.arange(HELD_OUT_EVERY // 2, len(chosen), HELD_OUT_EVERY)
    pairs = neighbours[~np.isin(neighbours, held) & ~np.isin(neighbours + 1, held)]
    if len(pairs) == 0 or len(held) == 0:  # a clip of a few frames: train on all of it
        return neighbours, np.arange(len(chosen))
    return pairs, held


def _chosen_frames(count: int) -> np.ndarray:
    """All frames; of a long clip an even choice of neighbours, so that those held out do not grow with the clip."""
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


def rgba_pictures(colour: Tensor, alpha: Tensor) -> Tensor:
    """Colour (B, 3, S, S) in [-1, 1] and alpha logits (B, 1, S, S) as pictures (B, S, S, 4) uint8, straight alpha."""
    picture = torch.cat([(colour + 1) / 2, torch.sigmoid(alpha)], dim=1).clamp(0, 1)
    return (picture * 255).round().byte().permute(0, 2, 3, 1)


def draw_batch(frames: Frames, batch: int, generator: torch.Generator) -> Tensor:
    """Indices (batch,) of random training pairs."""
    choice = torch.randint(len(frames.pairs), (batch,), generator=generator, device=generator.device)
    return frames.pairs[choice]
