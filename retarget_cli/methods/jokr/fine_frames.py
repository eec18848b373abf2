"""What the third phase trains on: real frames at full size, as painted, and the detail that was looked up for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from retarget_cli.methods.jokr.dataset import Frames, held_out_frames, shrink
from retarget_cli.methods.jokr.references import References
from retarget_cli.train.clips import ClipArray

MOST_FRAMES = 200  # of a clip; two megabytes each at 512 pixels
_AT_A_TIME = 8

Paint = Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]


@dataclass(frozen=True)
class FineFrames(Frames):
    """Frames of one clip at full size; `pairs` are the frames that are trained on.

    painted: (N, 4, s, s), colour and alpha logits of the painter. found: (N, 3, S, S) int8, detail times 127.
    """

    painted: Tensor = field(kw_only=True)
    found: Tensor = field(kw_only=True)


def fine_frames(clip: ClipArray, size: int, paint: Paint, references: References, device: str) -> FineFrames:
    """Prepare a clip, and choose its `references`.

    paint: frames (n, 4, S, S) uint8 to what is painted for them: colour, alpha logits and keypoints. Frames that the
    other phases hold out are held out here too. Of a long clip an even choice is taken.
    """
    held = held_out_frames(clip.count)
    rest = np.setdiff1d(np.arange(clip.count), held) if clip.count > len(held) else held
    held, rest = _evenly(held, MOST_FRAMES // 10), _evenly(rest, MOST_FRAMES - MOST_FRAMES // 10)
    chosen = np.concatenate([rest, held])
    pixels = shrink((clip.frames[index] for index in chosen), size)
    with torch.no_grad():
        parts = [paint(some.to(device)) for some in pixels.split(_AT_A_TIME)]
    colour, alpha, points = (torch.cat(part).float() for part in zip(*parts, strict=True))
    poses, real = points.cpu().numpy(), pixels.permute(0, 2, 3, 1).numpy()
    own = references.choose(poses[: len(rest)], real[: len(rest)])
    painted = torch.cat([colour, alpha], dim=1)
    found = looked_up(references, painted, poses, {int(index): place for place, index in enumerate(own)})
    everything = torch.arange(len(chosen), device=device)
    training, scored = everything[: len(rest)], everything[len(rest) :]
    return FineFrames(pixels.to(device), training, scored, painted=painted, found=found.to(device))


def looked_up(references: References, painted: Tensor, points: np.ndarray, own: dict[int, int] | None = None) -> Tensor:
    """(N, 3, S, S) int8, on the host: detail for painted pictures (N, 4, s, s) at keypoints (N, K, 2).

    own: by index among the pictures, the reference that is the same frame and must not be looked at.
    """
    rgba = torch.cat([(painted[:, :3] + 1) / 2, torch.sigmoid(painted[:, 3:])], dim=1).clamp(0, 1)
    pictures = (rgba * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    pairs = enumerate(zip(pictures, points, strict=True))
    found = [references.look_up(picture, pose, (own or {}).get(index)) for index, (picture, pose) in pairs]
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).contiguous()


def _evenly(indices: np.ndarray, most: int) -> np.ndarray:
    return indices if len(indices) <= most else indices[np.linspace(0, len(indices) - 1, most).round().astype(int)]
