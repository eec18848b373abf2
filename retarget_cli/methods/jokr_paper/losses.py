"""The maps and loss terms of the published recipe, each as its authors compute it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from retarget_cli.methods.jokr.losses import inside_silhouette
from retarget_cli.nn.coords import apply_affine, grid_axis, look_up


def keypoint_maps(points: Tensor, size: int, width: float) -> Tensor:
    """Keypoints (B, K, 2) as maps (B, K, size, size): exp(-(|x - kx| + |y - ky|) / width) over the batch's largest.

    What one frame looks like so depends a little on the others: at inference the batch is one frame.
    """
    axis = grid_axis(size, points.device)
    across = torch.exp(-(axis - points[..., 0:1].float()).abs() / width)
    down = torch.exp(-(axis - points[..., 1:2].float()).abs() / width)
    maps = down[..., :, None] * across[..., None, :]
    return maps / maps.max()


def warp_frame(frame: Tensor, theta: Tensor) -> Tensor:
    """The frame (B, C, H, W) seen through theta (B, 2, 3): the pixel at p shows what was at theta(p), edges reflected.

    Coordinates run from corner centre to corner centre but are looked up with ``align_corners=False``, as published.
    """
    height, width = frame.shape[2:]
    y, x = torch.meshgrid(grid_axis(height, frame.device), grid_axis(width, frame.device), indexing="ij")
    places = torch.stack([x, y], dim=-1).reshape(1, -1, 2).expand(len(frame), -1, -1)
    grid = apply_affine(theta, places).reshape(-1, height, width, 2)
    return look_up(frame, grid, "reflection", align_corners=False)


def equivariance(points: Tensor, of_warped: Tensor, theta: Tensor) -> Tensor:
    """mean |k - Θ(E(warp x))| of keypoints and those of the warped frames, both (B, K, 2); theta: (B, 2, 3)."""
    return (points - apply_affine(theta, of_warped)).abs().mean()


def separation(points: Tensor, delta: float, first: int) -> Tensor:
    """Σ max(0, δ - d²) over all pairs of the first keypoints, each with itself too, / (2 · first · batch)."""
    points = points[:, :first]
    squared = (points[:, :, None] - points[:, None, :]).square().sum(dim=-1)
    return F.relu(delta - squared).sum() / (2 * points.shape[0] * points.shape[1])


def inside(maps: Tensor, matte: Tensor) -> Tensor:
    """mean -log of the mass of maps (B, K, h, w) inside the matte (B, 1, H, W), shrunk to their size and cut at 0.5."""
    small = F.interpolate(matte, size=maps.shape[2:], mode="bilinear", align_corners=False)
    return inside_silhouette(maps, small, floor=1e-12)


def temporal(now: Tensor, following: Tensor) -> Tensor:
    """Mean distance that keypoints (B, K, 2) travel between neighbouring frames."""
    return torch.linalg.vector_norm(now - following, dim=-1).mean()  # its slope at 0 is 0, that of a root is not


def confusion(of_a: Tensor, of_b: Tensor) -> Tensor:
    """Cross-entropy of D's log odds when both clips claim to be A."""
    return _claimed(of_a, 1.0) + _claimed(of_b, 1.0)


def discrimination(of_a: Tensor, of_b: Tensor) -> Tensor:
    """Cross-entropy of D's log odds: 1 for clip A, 0 for clip B."""
    return _claimed(of_a, 1.0) + _claimed(of_b, 0.0)


def _claimed(odds: Tensor, truth: float) -> Tensor:
    """Cross-entropy of log odds (B,). Of probabilities, torch ends the process on a GPU when one is not a number."""
    return F.binary_cross_entropy_with_logits(odds, torch.full_like(odds, truth))
