"""From heatmaps to keypoints and back."""

from __future__ import annotations

import torch
from torch import Tensor

from retarget_cli.nn.coords import grid_axis


def soft_argmax(logits: Tensor, sharpness: float) -> tuple[Tensor, Tensor]:
    """Keypoints as the expectation of a spatial softmax (paper section 3.1).

    logits: (B, K, H, W). sharpness multiplies them. Returns keypoints (B, K, 2) in [-1, 1] and the probability
    maps (B, K, H, W), each summing to 1. Computed in fp32 whatever the input's type.
    """
    batch, count, height, width = logits.shape
    maps = torch.softmax(logits.float().reshape(batch, count, -1) * sharpness, dim=-1).reshape(logits.shape)
    x = (maps.sum(dim=2) * grid_axis(width, logits.device)).sum(dim=-1)
    y = (maps.sum(dim=3) * grid_axis(height, logits.device)).sum(dim=-1)
    return torch.stack([x, y], dim=-1), maps


def concentration(maps: Tensor, points: Tensor, radius: float) -> Tensor:
    """The share of each probability map (B, K, H, W) within `radius` of its point (B, K, 2): (B, K) in [0, 1].

    It is near 1 where the network saw one place for the point, and small where it wavered between several.
    """
    height, width = maps.shape[2:]
    across = (grid_axis(width, maps.device) - points[..., 0:1]).square()
    down = (grid_axis(height, maps.device) - points[..., 1:2]).square()
    near = down[..., :, None] + across[..., None, :] <= radius**2
    return (maps * near).sum(dim=(2, 3)).clamp(0, 1)


def draw_keypoints(points: Tensor, size: int, width: float) -> Tensor:
    """One map a keypoint: exp(-distance / width), alike in every direction.

    points: (B, K, 2). Returns (B, K, size, size) in (0, 1], fp32.
    """
    axis = grid_axis(size, points.device)
    points = points.float()
    across = (axis - points[..., 0:1]).square()
    down = (axis - points[..., 1:2]).square()
    # The root has no slope at 0: stay a little away from it.
    return torch.exp(-(down[..., :, None] + across[..., None, :] + 1e-6).sqrt() / width)
