"""Perceptual losses: how unlike two pictures look to an eye rather than pixel by pixel."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def edge_differences(difference: Tensor, scales: int = 3) -> Tensor:
    """4 · mean absolute slopes of a difference (B, C, H, W), summed over scales that halve the size.

    Slopes are what tells a sharp picture from a blurred one. Needs no weights.
    """
    found = []
    for _ in range(scales):
        across = (difference[..., :, 1:] - difference[..., :, :-1]).abs().mean()
        down = (difference[..., 1:, :] - difference[..., :-1, :]).abs().mean()
        found.append(across + down)
        difference = F.avg_pool2d(difference, 2)
    return 4 * torch.stack(found).sum()


def lpips_vgg(vgg16: Mapping[str, Tensor]) -> nn.Module:
    """LPIPS on VGG-16 features (Zhang et al., 2018): two pictures (B, 3, H, W) in [-1, 1] to (B, 1, 1, 1).

    vgg16: torchvision's state dict, of which the ``features.…`` are used. The package `lpips` brings its linear layers
    along; nothing is downloaded. The network is frozen.
    """
    import lpips

    with warnings.catch_warnings():  # it calls torchvision in a way that is out of date
        warnings.simplefilter("ignore", UserWarning)
        network = lpips.LPIPS(net="vgg", pnet_rand=True, verbose=False)
    own = network.net.state_dict()  # slice1.0.weight: the number is the one in features.0.weight
    network.net.load_state_dict({name: vgg16[f"features.{name.partition('.')[2]}"] for name in own})
    return network.eval().requires_grad_(False)
