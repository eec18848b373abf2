"""Building blocks shared by the networks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ConvBlock(nn.Module):
    """3×3 convolution, GroupNorm, ReLU. GroupNorm keeps the two clips and the batch out of each other's statistics."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm = nn.GroupNorm(max(1, outputs // 8), outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) → (B, outputs, H / stride, W / stride)."""
        x = self.conv(x)
        # On a CPU, the norm of bf16 takes up to four times as long as that of fp32 with both conversions.
        return F.relu(self.norm(x.float()).to(x.dtype))


class ExactConv2d(nn.Conv2d):
    """A convolution that stays in fp32 under autocast: for logits that a softmax sharpens into coordinates."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve as `nn.Conv2d`, from any type to fp32."""
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())


def perceptron(*widths: int) -> nn.Sequential:
    """Linear layers between `widths`, with LeakyReLU between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


class UNet(nn.Module):
    """Encoder-decoder with additive skips: `widths` channels, halving the size between them.

    Adding the skips (after a 1×1 convolution below them) instead of concatenating costs 40 % less time at these sizes.
    Returns the features at full size, (B, widths[0], H, W); H and W must be divisible by 2 ** (len(widths) - 1).
    """

    def __init__(self, inputs: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.first = ConvBlock(inputs, widths[0])
        steps = list(pairwise(widths))
        self.down = nn.ModuleList(nn.Sequential(ConvBlock(a, b, stride=2), ConvBlock(b, b)) for a, b in steps)
        self.lift = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in reversed(steps))
        self.up = nn.ModuleList(ConvBlock(a, a) for a, _ in reversed(steps))

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) → (B, widths[0], H, W)."""
        x = self.first(x)
        skips = []
        for stage in self.down:
            skips.append(x)
            x = stage(x)
        for lift, stage in zip(self.lift, self.up, strict=True):
            x = stage(F.interpolate(lift(x), scale_factor=2.0, mode="bilinear") + skips.pop())
        return x
