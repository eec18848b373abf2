"""The networks of the published recipe. Parameters have the names its authors gave them: their checkpoints load."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from retarget_cli.methods.jokr.paper.config import GeometryConfig, TextureConfig
from retarget_cli.methods.jokr.paper.generator import ResidualGenerator
from retarget_cli.methods.jokr.paper.hourglass import AntiAliasShrink, Hourglass
from retarget_cli.nn.blocks import ExactConv2d
from retarget_cli.nn.heatmaps import soft_argmax


class KeypointExtractor(nn.Module):
    """E: a masked frame to K keypoints.

    Meant to stay in training mode always, also when it draws: its BatchNorm then uses the statistics of the batch it is
    given, which at inference is one frame. Published results were made so; running statistics mix both clips.
    """

    def __init__(self, config: GeometryConfig) -> None:
        super().__init__()
        self.sharpness = 1 / config.temperature
        self.down = AntiAliasShrink(3)
        self.predictor = Hourglass(3, config.widths, config.most_width, config.levels)
        self.kp = ExactConv2d(self.predictor.outputs, config.keypoints, 7)

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        """Frame (B, 3, S, S) in [-1, 1], 0 outside the matte.

        Returns keypoints (B, K, 2) and probability maps (B, K, S/4 - 6, S/4 - 6).
        """
        return soft_argmax(self.kp(self.predictor(self.down(frame))), self.sharpness)


class StrongKeypointExtractor(nn.Module):
    """The "strong" E: the residual generator on a quarter of the frame's size.

    In training mode, in which the published recipe leaves it, its dropout works also at inference.
    """

    def __init__(self, config: GeometryConfig) -> None:
        super().__init__()
        self.sharpness = 1 / config.temperature
        self.down = AntiAliasShrink(3)
        self.predictor = ResidualGenerator(
            3, config.keypoints, config.generator_width, config.residual_blocks, config.dropout, nn.Tanh()
        )

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        """As :class:`KeypointExtractor`, with maps of (B, K, S/4, S/4)."""
        return soft_argmax(self.predictor(self.down(frame)), self.sharpness)


class KeypointDiscriminator(nn.Module):
    """D: which clip do these keypoints come from?"""

    def __init__(self, keypoints: int, width: int) -> None:
        super().__init__()
        self.classify = nn.Sequential(
            nn.Linear(2 * keypoints, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, 64),
            nn.LeakyReLU(0.2),
            nn.Linear(64, 1),
            nn.Sigmoid(),
        )

    def forward(self, points: Tensor) -> Tensor:
        """Keypoints (B, K, 2) to the probability (B,) that they are clip A's."""
        return self.classify(points.flatten(1)).squeeze(1)


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


def keypoint_extractor(config: GeometryConfig) -> nn.Module:
    """E, default or strong, in training mode."""
    return (StrongKeypointExtractor if config.strong else KeypointExtractor)(config)


def silhouette_generator(config: GeometryConfig) -> ResidualGenerator:
    """G: keypoint maps (B, K, S, S) to silhouettes (B, 2, S, S) in [0, 1]; channel 0 is clip A's, 1 is clip B's."""
    return ResidualGenerator(
        config.keypoints, 2, config.generator_width, config.residual_blocks, config.dropout, nn.Sigmoid()
    )


def texture_generator(config: TextureConfig) -> ResidualGenerator:
    """R: a silhouette, repeated to (B, 3, S, S), to a masked frame (B, 3, S, S) in [-1, 1]."""
    return ResidualGenerator(3, 3, config.generator_width, config.residual_blocks, config.dropout, nn.Tanh())
