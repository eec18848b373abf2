"""Source frames: real frames of a clip, to copy pixels from, and the choice among them by pose."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from retarget_cli.methods.jokr.data import masked

USED = 2
"""Source frames that a picture is made of, where a renderer does not say otherwise."""


class Sources(NamedTuple):
    """The source frames of a batch of pictures.

    which: (B, U). frames: (B, U, 4, S, S), colour in [-1, 1] times the matte, and the matte. poses: (B, U, K, 2), their
    keypoints. shares: (B, U), sums of 1, by which frames come and go gently as poses change.
    """

    which: Tensor
    frames: Tensor
    poses: Tensor
    shares: Tensor


class SourceFrames(nn.Module):
    """Frames of one clip, spread over its poses; nothing of it is trained.

    frames: (P, 4, S, S) uint8, RGB and matte. poses: (P, K, 2), their keypoints. numbers: (P,) where in the clip they
    are. spread: 0-d, the mean squared distance of one of them to the nearest other.
    """

    frames: Tensor
    poses: Tensor
    numbers: Tensor
    spread: Tensor

    def __init__(self, count: int, size: int, keypoints: int) -> None:
        super().__init__()
        self.register_buffer("frames", torch.zeros(count, 4, size, size, dtype=torch.uint8))
        self.register_buffer("poses", torch.zeros(count, keypoints, 2))
        self.register_buffer("numbers", torch.full((count,), -1))
        self.register_buffer("spread", torch.ones(()))

    def fill(self, frames: Tensor, poses: Tensor, numbers: Tensor) -> None:
        """Take P frames with their keypoints and numbers; fewer are taken several times."""
        place = torch.arange(len(self.numbers), device=frames.device) % len(frames)
        self.frames.copy_(frames[place])
        self.poses.copy_(poses[place])
        self.numbers.copy_(numbers[place])
        if len(poses) > 1:
            apart = distances(poses, poses) + torch.eye(len(poses), device=poses.device) * 1e9
            self.spread.copy_(apart.min(dim=1).values.mean())

    def showing(self, numbers: Tensor) -> Tensor:
        """(B, P) bool: which of the source frames are the frames of these numbers (B,)."""
        return self.numbers == numbers[:, None]

    def near(self, points: Tensor, hidden: Tensor | None = None, used: int = USED) -> Sources:
        """The `used` sources for pictures at keypoints (B, K, 2). hidden: (B, P) bool, frames not to be looked at."""
        apart = distances(points.float(), self.poses) / self.spread.clamp(min=1e-6)
        if hidden is not None:
            apart = apart + hidden * 1e6  # farther than all others, and still there when there are no others
        shares, which = shares_of(apart, used)
        frames = masked(self.frames[which].flatten(0, 1)).unflatten(0, which.shape)
        return Sources(which, frames, self.poses[which], shares)

    def first(self, count: int, hidden: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """One source for each of `count` pictures: the one in the most usual pose that is not hidden, (B, P).

        Returns which it is (B,), frames (B, 4, S, S), colour in [-1, 1] times the matte, and the matte, and keypoints
        (B, K, 2).
        """
        order = torch.arange(len(self.numbers), device=self.numbers.device).expand(count, -1)
        if hidden is not None:
            order = order + hidden * len(self.numbers)
        which = order.argmin(dim=1)
        return which, masked(self.frames[which]), self.poses[which]


def distances_between(points: Tensor) -> Tensor:
    """(K, K) squared distances of points (K, 2)."""
    return (points[:, None] - points).square().sum(dim=-1)


def distances(points: Tensor, poses: Tensor) -> Tensor:
    """(B, P) mean squared distances between keypoints (B, K, 2) and those of poses (P, K, 2)."""
    return (points[:, None] - poses).square().sum(dim=-1).mean(dim=-1)


def shares_of(apart: Tensor, used: int = USED) -> tuple[Tensor, Tensor]:
    """Shares (B, used) of the nearest frames, and which they are, by squared distances (B, P), P > used.

    By how much nearer they are than the first that is not used: as poses change, a frame goes before another comes.
    """
    nearest, which = apart.topk(used + 1, dim=1, largest=False)
    likely = torch.exp(nearest[:, :1] - nearest)
    shares = (likely[:, :used] - likely[:, used:]).clamp(min=1e-4)
    return shares / shares.sum(dim=1, keepdim=True), which[:, :used]
