"""The published networks: hourglass and strong keypoint extractors, generators, discriminator, and their dropout."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retarget_cli.methods.jokr_paper.config import GeometryConfig, TextureConfig
from retarget_cli.nn.blocks import ExactConv2d, perceptron
from retarget_cli.nn.heatmaps import soft_argmax


class Dropout(nn.Module):
    """In training mode sets a share `rate` of the numbers to zero and scales the others up; see :func:`draw_from`."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Any shape in, the same shape out."""
        if not self.training or self.rate == 0:
            return x
        kept = torch.rand(x.shape, generator=self.generator, device=x.device) >= self.rate
        return x * kept / (1 - self.rate)


def draw_from(generator: torch.Generator, modules: Iterable[nn.Module]) -> None:
    """Let every dropout inside `modules` draw from `generator`, which must be on their device."""
    for module in modules:
        for part in module.modules():
            if isinstance(part, Dropout):
                part.generator = generator


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


class ResidualBlock(nn.Module):
    """x + two 3×3 convolutions with reflected borders, InstanceNorm, and dropout between them."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3),
            nn.InstanceNorm2d(width),
            nn.ReLU(),
            Dropout(dropout),
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3),
            nn.InstanceNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) in and out."""
        return x + self.conv_block(x)


class ResidualGenerator(nn.Module):
    """Two halvings of the size, residual blocks, two doublings (Johnson et al., 2016, as in CycleGAN).

    Names and order of the parameters are those of the published state dicts. last: the activation at the end.
    """

    def __init__(self, inputs: int, outputs: int, width: int, blocks: int, dropout: float, last: nn.Module) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(inputs, width, 7), nn.InstanceNorm2d(width)]
        layers.append(nn.ReLU())
        for factor in (1, 2):
            above, below = width * factor, width * factor * 2
            layers += [nn.Conv2d(above, below, 3, stride=2, padding=1), nn.InstanceNorm2d(below), nn.ReLU()]
        layers += [ResidualBlock(4 * width, dropout) for _ in range(blocks)]
        for factor in (4, 2):
            below, above = width * factor, width * factor // 2
            up = nn.ConvTranspose2d(below, above, 3, stride=2, padding=1, output_padding=1)
            layers += [up, nn.InstanceNorm2d(above), nn.ReLU()]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, outputs, 7), last]
        self.model = nn.Sequential(*layers)
        self.apply(_small_normal)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) → (B, outputs, H, W); H and W must be divisible by 4."""
        return self.model(x)


def _small_normal(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, 0.02)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


class KeypointExtractor(nn.Module):
    """E: a masked frame to K keypoints, by an hourglass or, the "strong" E, by the residual generator.

    Meant to stay in training mode always, also when it draws: its BatchNorm then uses the statistics of the batch it is
    given, which at inference is one frame, and the dropout of the strong E goes on working. Published results were made
    so; running statistics mix both clips.
    """

    def __init__(self, config: GeometryConfig) -> None:
        super().__init__()
        self.sharpness = 1 / config.temperature
        self.down = AntiAliasShrink(3)
        self.predictor: nn.Module
        self.kp: nn.Module
        if config.strong:
            self.predictor = _residual_generator(config, 3, config.keypoints, nn.Tanh())
            self.kp = nn.Identity()
        else:
            hourglass = Hourglass(3, config.widths, config.most_width, config.levels)
            self.predictor, self.kp = hourglass, ExactConv2d(hourglass.outputs, config.keypoints, 7)

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        """Frame (B, 3, S, S) in [-1, 1], 0 outside the matte.

        Returns keypoints (B, K, 2) and probability maps (B, K, s, s), s being S/4 - 6, or S/4 for the strong E.
        """
        return soft_argmax(self.kp(self.predictor(self.down(frame))), self.sharpness)


class KeypointDiscriminator(nn.Module):
    """D: tells which clip keypoints come from."""

    def __init__(self, keypoints: int, width: int) -> None:
        super().__init__()
        self.classify = nn.Sequential(*perceptron(2 * keypoints, width, width, 64, 1), nn.Sigmoid())

    def forward(self, points: Tensor) -> Tensor:
        """Keypoints (B, K, 2) to the probability (B,) that they are clip A's."""
        return torch.sigmoid(self.logits(points))

    def logits(self, points: Tensor) -> Tensor:
        """The same as log odds, of which the cross-entropy stays exact near 0 and 1."""
        return self.classify[:-1](points.flatten(1)).squeeze(1)


class Affine(nn.Module):
    """T: maps clip B's keypoints into clip A's, a free (2, 3) map that starts near the identity, or stays there."""

    theta: Tensor

    def __init__(self, learned: bool, spread: float) -> None:
        super().__init__()
        start = torch.eye(2, 3)
        if learned:
            self.theta = nn.Parameter(start + spread * torch.randn(2, 3))
        else:
            self.register_buffer("theta", start)

    def forward(self) -> Tensor:
        """The map, (2, 3)."""
        return self.theta


def silhouette_generator(config: GeometryConfig) -> ResidualGenerator:
    """G: keypoint maps (B, K, S, S) to silhouettes (B, 2, S, S) in [0, 1]; channel 0 is clip A's, 1 is clip B's."""
    return _residual_generator(config, config.keypoints, 2, nn.Sigmoid())


def texture_generator(config: TextureConfig) -> ResidualGenerator:
    """R: a silhouette, repeated to (B, 3, S, S), to a masked frame (B, 3, S, S) in [-1, 1]."""
    return _residual_generator(config, 3, 3, nn.Tanh())


def _residual_generator(
    config: GeometryConfig | TextureConfig, inputs: int, outputs: int, last: nn.Module
) -> ResidualGenerator:
    return ResidualGenerator(inputs, outputs, config.generator_width, config.residual_blocks, config.dropout, last)
