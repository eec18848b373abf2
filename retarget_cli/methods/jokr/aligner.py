"""The aligner: the driver's pose in the subject's build, learned on drawn bodies whose true answer is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from retarget_cli.utils.sampling import evenly

_SIDES = 0.05, 0.95  # quantiles that say how far a point reaches
_TRACK = 7  # numbers that describe a point's track: how far it strays, and how x and y go together
_WIDTH, _LAYERS, _HEADS = 96, 4, 4
_AT_ONCE = 128  # poses
_DESCRIBED = 200  # frames of a clip, evenly chosen, by which it is described
_OWN = 2  # poses of the subject, the most alike, that are shown for each of the driver's


class Track(NamedTuple):
    """What a clip's keypoints tell of its body. Batches of clips, or one: the first axis may be 1.

    mean: (B, K, 2); spread: (B, K, 7) about the mean; poses: (B, M, K, 2) of the clip; size: (B,) of the mean pose.
    """

    mean: Tensor
    spread: Tensor
    poses: Tensor
    size: Tensor


def describe(points: Tensor) -> Track:
    """Describe clips by their keypoints (B, N, K, 2)."""
    mean = points.mean(dim=1)
    strays = points - mean[:, None]
    deviation = strays.square().mean(dim=1).sqrt()
    together = (strays[..., 0] * strays[..., 1]).mean(dim=1)[..., None]
    low, high = torch.quantile(strays, torch.tensor(_SIDES, device=points.device), dim=1)
    size = (mean - mean.mean(dim=1, keepdim=True)).square().sum(dim=(1, 2)).sqrt().clamp(min=1e-3)
    return Track(mean, torch.cat([deviation, 10 * together, low, high], dim=-1), points, size)


class Aligner(nn.Module):
    """A transformer whose words are the keypoints of one frame.

    errors: (kinds,) how far off it is on bodies that it was not trained on, in half crops.
    """

    errors: Tensor

    def __init__(self, kinds: int, keypoints: int) -> None:
        super().__init__()
        self.register_buffer("errors", torch.zeros(kinds))
        self.names = nn.Parameter(0.02 * torch.randn(kinds, keypoints, _WIDTH))
        self.first = nn.Linear(4 + 2 * _TRACK + 6 + 2 * _OWN, _WIDTH)
        layer = nn.TransformerEncoderLayer(_WIDTH, _HEADS, 2 * _WIDTH, 0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, _LAYERS, enable_nested_tensor=False)
        self.last = nn.Sequential(nn.LayerNorm(_WIDTH), nn.Linear(_WIDTH, _WIDTH), nn.GELU(), nn.Linear(_WIDTH, 2))
        nn.init.zeros_(self.last[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.last[-1].bias)  # type: ignore[arg-type]

    def forward(self, subject: Track, driver: Track, now: Tensor, kinds: Tensor) -> Tensor:
        """Poses of the driver, now (B, K, 2), to those of the subject (B, K, 2). kinds: (B,) numbers.

        It begins as `relative` does: the driver's movement, at the subject's size, about the subject's mean pose. What
        it learns is the difference.
        """
        ratio = (subject.size / driver.size)[:, None, None]
        strays = now - driver.mean
        carried = subject.mean + ratio * strays
        alike = _nearest(subject.poses, carried)
        told = [subject.mean, 3 * subject.spread, driver.mean, 3 * driver.spread, strays, now, carried, alike]
        batch = len(now)
        words = torch.cat([part.expand(batch, *part.shape[1:]) for part in told], dim=-1)
        found = self.layers(self.first(words) + self.names[kinds])
        return carried + self.last(found).float()


def _nearest(poses: Tensor, wanted: Tensor) -> Tensor:
    """The _OWN poses of (B or 1, M, K, 2) nearest to each of (B, K, 2), beside each other: (B, K, 2 · _OWN)."""
    batch, count = wanted.shape[:2]
    poses = poses.expand(batch, *poses.shape[1:])
    distance = (poses - wanted[:, None]).square().sum(dim=(2, 3))
    index = distance.topk(_OWN, dim=1, largest=False).indices
    chosen = torch.gather(poses, 1, index[:, :, None, None].expand(batch, _OWN, count, 2))
    return chosen.permute(0, 2, 1, 3).reshape(batch, count, 2 * _OWN)


def mover(network: Aligner, subject: np.ndarray, driver: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """A function from poses of the driver (N, K, 2) to those of the subject, by an aligner of one kind.

    subject: (N, K, 2), driver: (M, K, 2): the keypoints of their clips.
    """

    def described(points: np.ndarray) -> Track:
        return describe(torch.from_numpy(points[evenly(len(points), _DESCRIBED)]).float()[None])

    tracks = described(subject), described(driver)

    @torch.no_grad()
    def move(points: np.ndarray) -> np.ndarray:
        now = torch.from_numpy(points).float()
        kinds = torch.zeros(_AT_ONCE, dtype=torch.long)
        parts = [network(*tracks, part, kinds[: len(part)]) for part in now.split(_AT_ONCE)]
        return torch.cat(parts).numpy() if parts else points.astype(np.float32)

    return move
