"""The trunk of the default E: anti-aliased shrinking and an hourglass (Siarohin et al., 2019)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_SIGMA, _RADIUS, _STRIDE = 1.5, 6, 4


class AntiAliasShrink(nn.Module):
    """A quarter of the size: Gaussian blur (σ 1.5, 13×13, zeros outside), then every fourth pixel."""

    weight: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        offsets = torch.arange(-_RADIUS, _RADIUS + 1, dtype=torch.float32)
        bell = torch.exp(-offsets.square() / (2 * _SIGMA**2))
        kernel = bell[:, None] * bell[None, :]
        self.register_buffer("weight", (kernel / kernel.sum()).expand(channels, 1, -1, -1).clone())

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) → (B, channels, H / 4, W / 4)."""
        return F.conv2d(x, self.weight, stride=_STRIDE, padding=_RADIUS, groups=x.shape[1])


class _Step(nn.Module):
    """3×3 convolution, BatchNorm, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)))


class _Encoder(nn.Module):
    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.down_blocks = nn.ModuleList(_Step(above, below) for above, below in pairwise(widths))

    def forward(self, x: Tensor) -> list[Tensor]:
        features = [x]
        for block in self.down_blocks:
            features.append(F.avg_pool2d(block(features[-1]), 2))
        return features


class _Decoder(nn.Module):
    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        sizes = pairwise(reversed(widths))
        self.up_blocks = nn.ModuleList(
            _Step(below if level == 0 else 2 * below, above) for level, (below, above) in enumerate(sizes)
        )

    def forward(self, features: list[Tensor]) -> Tensor:
        *skips, x = features
        for block, skip in zip(self.up_blocks, reversed(skips), strict=True):
            x = torch.cat([block(F.interpolate(x, scale_factor=2.0)), skip], dim=1)
        return x


class Hourglass(nn.Module):
    """Down `levels` times and up again; every skip is concatenated, last of all the input itself.

    width doubles with every level up to `most`. outputs: width + inputs channels.
    """

    def __init__(self, inputs: int, width: int, most: int, levels: int) -> None:
        super().__init__()
        widths = [min(most, width * 2**level) for level in range(levels + 1)]
        self.encoder = _Encoder([inputs, *widths[1:]])
        self.decoder = _Decoder(widths)
        self.outputs = widths[0] + inputs

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) → (B, outputs, H, W); H and W must be divisible by 2 ** levels."""
        return self.decoder(self.encoder(x))
