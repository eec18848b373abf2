"""Previews that the phases show while they train: held-out frames, and each clip's poses in the other's look."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from retarget_cli.methods.jokr import alignment
from retarget_cli.methods.jokr.data import Frames, masked, rgba_pictures
from retarget_cli.methods.jokr.networks import KeypointExtractor, SilhouetteGenerator
from retarget_cli.nn.coords import apply_affine, invert_affine
from retarget_cli.training.phase import PreviewRow

_SHOWN = 8  # frames a row
_LEGEND = "their silhouettes (white right, red missing, blue too much)"

Pair = tuple[Frames, Frames]
Texture = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


@torch.no_grad()
def geometry_rows(
    extractor: KeypointExtractor, shape: SilhouetteGenerator, affine: Tensor, clips: Pair
) -> list[PreviewRow]:
    """Keypoints and silhouettes of both clips' held-out frames, and the silhouettes of A's look at T·k_b and back.

    affine: T, (2, 3), from B's keypoints to A's.
    """
    rows: list[PreviewRow] = []
    maps = (invert_affine(affine), affine)  # of A's keypoints to B's space, of B's to A's
    for channel, (clip, across) in enumerate(zip(clips, maps, strict=True)):
        own, other = "AB"[channel], "BA"[channel]
        frames = masked(clip.pixels[shown(clip)])
        points, _ = extractor(frames)
        drawn = shape(points)[:, channel] > 0
        moved = apply_affine(across, points)
        crossed = shape(moved)[:, 1 - channel] > 0
        rows += [
            PreviewRow(f"{own}: held-out frames and keypoints", _pictures(clip), _numpy(points)),
            PreviewRow(f"{own}: {_LEGEND}", agreement(frames[:, 3] > 0.5, drawn)),
            PreviewRow(f"{other}'s look in these poses of {own}, by the learned T", _grey(crossed), _numpy(moved)),
        ]
    return rows


@torch.no_grad()
def texture_rows(
    extractor: KeypointExtractor, shape: SilhouetteGenerator, textures: Sequence[Texture], clips: Pair
) -> list[PreviewRow]:
    """Held-out frames of both clips beside drawn ones, and each clip drawn in the other's poses.

    textures: R of A and of B, from silhouettes and keypoints to colour and alpha logits. The other's poses are aligned
    by `balanced`, since R knows no T.
    """
    points = [_keypoints(extractor, shape.size, clip) for clip in clips]
    rows: list[PreviewRow] = []
    for channel, clip in enumerate(clips):
        own, other = "AB"[channel], "BA"[channel]
        subject, driver = points[channel], points[1 - channel]
        moved = alignment.align("balanced", _numpy(subject), _numpy(driver), np.eye(2, 3)).apply(_numpy(driver))
        pictures = []
        for poses in (subject, torch.from_numpy(moved).to(subject.device)):
            silhouette = torch.sigmoid(shape(poses)[:, channel : channel + 1])
            pictures.append(rgba_pictures(*textures[channel](silhouette, poses)).cpu().numpy())
        rows += [
            PreviewRow(f"{own}: held-out frames", _pictures(clip)),
            PreviewRow(f"{own}: painted from their keypoints", pictures[0]),  # the sheet is part of stored results
            PreviewRow(f"{own}'s look in poses of {other}, balanced", pictures[1]),
        ]
    return rows


def detail_rows(
    extractor: KeypointExtractor, shape: SilhouetteGenerator, textures: Sequence[Texture], clips: Pair
) -> list[PreviewRow]:
    """The rows of :func:`texture_rows`, a quarter of each side from the middle of the object, pixel for pixel."""
    rows = texture_rows(extractor, shape, textures, clips)
    return [
        PreviewRow(f"{row.label}, a part", _part(row.frames, clip))
        for clip, three in zip(clips, (rows[:3], rows[3:]), strict=True)
        for row in three
    ]


def shown(clip: Frames) -> Tensor:
    """Indices of the held-out frames that previews show, evenly spread."""
    count = len(clip.held_out)
    return clip.held_out[torch.linspace(0, count - 1, min(count, _SHOWN)).round().long().to(clip.held_out.device)]


def agreement(truth: Tensor, drawn: Tensor) -> np.ndarray:
    """Two silhouettes (N, H, W) bool over each other, (N, H, W, 3) uint8: white in both, red missing, blue too much."""
    return (torch.stack([truth, truth & drawn, drawn], dim=-1) * 255).byte().cpu().numpy()


def _pictures(clip: Frames) -> np.ndarray:
    return clip.pixels[shown(clip)][:, :3].permute(0, 2, 3, 1).cpu().numpy()


def _part(frames: np.ndarray, clip: Frames) -> np.ndarray:
    """A square of frames (N, S, S, C), S / 4 wide, around the mean place of the object in what is shown of `clip`."""
    size = frames.shape[1]
    matte = clip.pixels[shown(clip), 3].float().mean(dim=0).cpu().numpy() + 1e-6
    share = (matte.sum(axis=axis) / matte.sum() for axis in (1, 0))
    row, column = (int(np.clip(np.arange(size) @ each - size / 8, 0, size - size // 4)) for each in share)
    return frames[:, row : row + size // 4, column : column + size // 4]


def _grey(silhouettes: Tensor) -> np.ndarray:
    return (silhouettes[..., None].expand(-1, -1, -1, 3) * 150).byte().cpu().numpy()


def _keypoints(extractor: KeypointExtractor, size: int, clip: Frames) -> Tensor:
    small = F.interpolate(masked(clip.pixels[shown(clip)]), size=(size, size), mode="area")
    return extractor(small)[0].float()


def _numpy(values: Tensor) -> np.ndarray:
    return values.float().cpu().numpy()
