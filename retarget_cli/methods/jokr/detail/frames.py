"""The frames that the detail phase trains on, at full size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from retarget_cli.methods.jokr.data import Frames, held_out_frames, shrink
from retarget_cli.methods.jokr.detail.fine_sources import FineSources
from retarget_cli.methods.jokr.detail.references import SCALE, References, looked_up
from retarget_cli.methods.jokr.renderers.base import Carried
from retarget_cli.training.clips import ClipArray
from retarget_cli.utils.sampling import evenly

MOST_FRAMES = 200  # of a clip; two megabytes each at 512 pixels
_AT_A_TIME = 8


class Drawing(NamedTuple):
    """What the networks of the other phases make of some frames.

    picture: (n, 4, s, s), colour and alpha logits; points: (n, K, 2); carried: what the renderer copied.
    """

    picture: Tensor
    points: Tensor
    carried: Carried | None


Draw = Callable[[Tensor, Tensor], Drawing]


@dataclass(frozen=True)
class FineFrames(Frames):
    """Frames of one clip at full size; `pairs` are the frames that are trained on.

    drawn: (N, 4, s, s), colour and alpha logits of the renderer.
    found: (N, 3, S, S) int8, detail times 127.
    """

    drawn: Tensor = field(kw_only=True)
    found: Tensor = field(kw_only=True)


def fine_frames(clip: ClipArray, size: int, draw: Draw, memory: References | FineSources, device: str) -> FineFrames:
    """Prepare a clip, and have `references` chosen of it where they are the memory.

    draw: frames (n, 4, S, S) uint8 and where in the clip they are (n,) to what is drawn for them. Frames that the other
    phases hold out are held out here too. Of a long clip an even choice is taken.
    """
    held = held_out_frames(clip.count)
    rest = np.setdiff1d(np.arange(clip.count), held) if clip.count > len(held) else held
    most_held = MOST_FRAMES // 10
    held, rest = held[evenly(len(held), most_held)], rest[evenly(len(rest), MOST_FRAMES - most_held)]
    chosen = np.concatenate([rest, held])
    pixels = shrink(clip.pictures(chosen), size, len(chosen))
    numbers = torch.from_numpy(chosen).to(device)
    drawn, points, found = [], [], []
    with torch.no_grad():
        for some, which in zip(pixels.split(_AT_A_TIME), numbers.split(_AT_A_TIME), strict=True):
            made = draw(some.to(device), which)
            drawn.append(made.picture.float())
            points.append(made.points.float())
            if isinstance(memory, FineSources):
                found.append((memory.find(*made) * SCALE).round().clamp(-SCALE, SCALE).to(torch.int8))
    pictures = torch.cat(drawn)
    if isinstance(memory, References):
        poses, real = torch.cat(points).cpu().numpy(), pixels.permute(0, 2, 3, 1).numpy()
        own = memory.choose(poses[: len(rest)], real[: len(rest)])
        itself = {int(index): place for place, index in enumerate(own)}
        found = [looked_up(memory, pictures, poses, itself)]
    everything = torch.arange(len(chosen), device=device)
    training, scored = everything[: len(rest)], everything[len(rest) :]
    detail = torch.cat(found).to(device)
    return FineFrames(pixels.to(device), training, scored, numbers, drawn=pictures, found=detail)
