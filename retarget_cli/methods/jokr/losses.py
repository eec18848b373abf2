"""Losses of the geometry and texture phases."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from retarget_cli.errors import EnvironmentProblem
from retarget_cli.nn.perceptual import edge_differences, lpips_vgg
from retarget_cli.weights import find_weights, read_tensors


def dice(logits: Tensor, target: Tensor) -> Tensor:
    """1 - Dice overlap of silhouettes (B, H, W), averaged over the batch; target in [0, 1]."""
    drawn = torch.sigmoid(logits)
    both = (drawn * target).sum(dim=(1, 2))
    return (1 - (2 * both + 1) / (drawn.sum(dim=(1, 2)) + target.sum(dim=(1, 2)) + 1)).mean()


def silhouette_loss(logits: Tensor, target: Tensor) -> Tensor:
    """6·BCE + 4·(1 - Dice). Unlike a squared error it does not let thin parts such as legs blur away."""
    return 6 * F.binary_cross_entropy_with_logits(logits, target) + 4 * dice(logits, target)


def separation(points: Tensor, delta: float) -> Tensor:
    """Σ max(0, δ - d²) over pairs of different keypoints, per keypoint, averaged over the batch (paper eq. 5)."""
    count = points.shape[1]
    distance = (points[:, :, None] - points[:, None, :]).square().sum(dim=-1)
    apart = 1 - torch.eye(count, device=points.device)
    return (F.relu(delta - distance) * apart).sum(dim=(1, 2)).mean() / count


def inside_silhouette(maps: Tensor, silhouette: Tensor, floor: float = 1e-6) -> Tensor:
    """-log of the probability mass that each map (B, K, h, w) puts inside the silhouette (B, 1, h, w) (paper eq. 6).

    floor: added to the mass, which may be none.
    """
    return -torch.log((maps * (silhouette > 0.5)).sum(dim=(2, 3)) + floor).mean()


def temporal(now: Tensor, following: Tensor) -> Tensor:
    """Mean distance that keypoints travel between neighbouring frames (paper eq. 7)."""
    return (now - following).square().sum(dim=-1).add(1e-8).sqrt().mean()


def confusion(logits_a: Tensor, logits_b: Tensor) -> Tensor:
    """BCE of both clips' logits against 0.5: neither clip may win, unlike with the one-sided published target."""
    half_a, half_b = torch.full_like(logits_a, 0.5), torch.full_like(logits_b, 0.5)
    return F.binary_cross_entropy_with_logits(logits_a, half_a) + F.binary_cross_entropy_with_logits(logits_b, half_b)


def discrimination(logits_a: Tensor, logits_b: Tensor) -> Tensor:
    """BCE of D: 1 for clip A, 0 for clip B (paper eq. 3)."""
    return F.softplus(-logits_a).mean() + F.softplus(logits_b).mean()


Loss = Callable[[Tensor, Tensor], Tensor]
STAND_IN = "texture generators learn by structural differences and a discriminator instead of LPIPS"
_FETCH = "Run `retarget weights pull vgg16` and `pip install 'retarget[lpips]'`"


def perceptual_loss(kind: str, device: str) -> Loss:
    """Return a function of two pictures (B, 3, S, S) in [-1, 1], how unlike they look as a 0-d tensor.

    kind: ``lpips`` or ``structure``. EnvironmentProblem when LPIPS lacks its weights or its package.
    """
    if kind == "structure":
        return lambda drawn, truth: edge_differences(drawn - truth)
    path = find_weights("vgg16")
    if path is None:
        raise EnvironmentProblem(
            "LPIPS needs the weights of VGG-16, which are not here",
            where="texture.perceptual",
            fix=f"{_FETCH}, or use --set texture.perceptual=structure.",
        )
    network = lpips_vgg(read_tensors(path)).to(device)
    return lambda drawn, truth: network(drawn, truth).mean()


def notice(kind: str) -> str:
    """The sentence that tells the user which perceptual loss it is."""
    if kind == "lpips":
        return "the perceptual loss of the texture generators is LPIPS (VGG-16)"
    return f"{STAND_IN}. {_FETCH} for that."
