"""The networks: keypoints, silhouettes, detail, discriminators, and the classifier of bodies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retarget_cli.methods.jokr.config import DetailConfig, GeometryConfig
from retarget_cli.nn.blocks import ConvBlock, ExactConv2d, UNet, perceptron
from retarget_cli.nn.heatmaps import draw_keypoints, soft_argmax


class KeypointExtractor(nn.Module):
    """E: a masked frame to K keypoints, shared by both clips (paper section 3.1).

    The stem halves the size; the heatmaps have half the frame's height and width.
    """

    def __init__(self, keypoints: int, widths: Sequence[int], sharpness: float) -> None:
        super().__init__()
        self.keypoints = keypoints
        self.sharpness = sharpness
        self.stem = ConvBlock(4, widths[0], stride=2)
        self.unet = UNet(widths[0], widths)
        self.head = ExactConv2d(widths[0], keypoints, 3, padding=1)

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        """Frame (B, 4, S, S), colour in [-1, 1] times the matte and the matte itself.

        Returns keypoints (B, K, 2) and probability maps (B, K, S/2, S/2).
        """
        return soft_argmax(self.head(self.unet(self.stem(frame))), self.sharpness)


class SilhouetteGenerator(nn.Module):
    """G: keypoints to silhouettes, one trunk, one output channel a clip (paper section 3.1, two-headed)."""

    def __init__(self, keypoints: int, widths: Sequence[int], size: int, point_widths: Sequence[float]) -> None:
        super().__init__()
        self.size = size
        self.point_widths = point_widths
        self.unet = UNet(len(point_widths) * keypoints, widths)
        fine = widths[0] // 2
        self.enlarge = nn.Sequential(nn.Conv2d(widths[0], 4 * fine, 3, padding=1), nn.PixelShuffle(2))
        # Outlines get a layer of their own at full size: a third of a thin-legged silhouette's pixels lie on them.
        self.head = nn.Sequential(ConvBlock(fine, fine), nn.Conv2d(fine, 2, 3, padding=1))

    def forward(self, points: Tensor) -> Tensor:
        """Keypoints (B, K, 2) to silhouette logits (B, 2, S, S); channel 0 is clip A's, 1 is clip B's."""
        maps = torch.cat([draw_keypoints(points, self.size // 2, width) for width in self.point_widths], dim=1)
        return self.head(self.enlarge(self.unet(maps))).float()


def shape_networks(config: GeometryConfig) -> tuple[KeypointExtractor, SilhouetteGenerator]:
    """E and G of a preset, with fresh weights."""
    return (
        KeypointExtractor(config.keypoints, config.widths, config.sharpness),
        SilhouetteGenerator(config.keypoints, config.widths, config.size, config.point_widths),
    )


class PoseDiscriminator(nn.Module):
    """D: tells which clip keypoints come from (paper section 3.2)."""

    def __init__(self, keypoints: int, width: int = 128) -> None:
        super().__init__()
        self.layers = perceptron(2 * keypoints, width, width, 1)

    def forward(self, points: Tensor) -> Tensor:
        """Keypoints (B, K, 2) to logits (B,); positive means clip A."""
        return self.layers(points.flatten(1)).squeeze(1)


class LearnedAffine(nn.Module):
    """T: maps clip B's keypoints into clip A's. Scale per axis, rotation and shift; it cannot shear the body.

    start_scale, start_shift: (2,) where it begins, so that training only has to learn the difference.
    """

    start_scale: Tensor
    start_shift: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("start_scale", torch.ones(2))
        self.register_buffer("start_shift", torch.zeros(2))
        self.log_scale = nn.Parameter(torch.zeros(2))
        self.angle = nn.Parameter(torch.zeros(()))
        self.shift = nn.Parameter(torch.zeros(2))

    def start_at(self, scale: Tensor, shift: Tensor) -> None:
        """Begin at x → scale · x + shift, both (2,)."""
        self.start_scale.copy_(scale)
        self.start_shift.copy_(shift)

    def forward(self) -> Tensor:
        """The map, (2, 3)."""
        cos, sin = torch.cos(self.angle), torch.sin(self.angle)
        rotation = torch.stack([torch.stack([cos, -sin]), torch.stack([sin, cos])])
        linear = rotation * (self.start_scale * torch.exp(self.log_scale))[None, :]
        return torch.cat([linear, (self.start_shift + self.shift)[:, None]], dim=1)


class PatchDiscriminator(nn.Module):
    """Tells real patches of the subject from drawn ones. Trained on the pair itself, so it carries no prior.

    Stands in for a perceptual network: its features are also what a drawn picture must match.
    """

    def __init__(self, pictures: int = 1, widths: Sequence[int] = (24, 48, 96)) -> None:
        """pictures: how many it sees together."""
        super().__init__()
        pairs = zip((4 * pictures, *widths[:-1]), widths, strict=True)
        self.layers = nn.ModuleList(nn.Conv2d(above, below, 4, stride=2, padding=1) for above, below in pairs)
        self.head = nn.Conv2d(widths[-1], 1, 3, padding=1)

    def forward(self, picture: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Masked colours and mattes (B, 4 · pictures, S, S) to logits (B, 1, S/8, S/8) and features of each layer."""
        features = []
        for layer in self.layers:
            picture = F.leaky_relu(layer(picture), 0.2)
            features.append(picture.float())
        return self.head(picture).float(), features


class KindClassifier(nn.Module):
    """Tells by its silhouette which of the kinds of bodies that the base knows an object is."""

    def __init__(self, kinds: int) -> None:
        super().__init__()
        widths = (1, 16, 32, 64, 96)
        self.blocks = nn.Sequential(*(ConvBlock(a, b, stride=2) for a, b in pairwise(widths)))
        self.head = nn.Linear(widths[-1], kinds + 1)

    def forward(self, matte: Tensor) -> Tensor:
        """Mattes (B, 1, 64, 64) in [0, 1] to logits (B, kinds + 1); the last one is for none of them."""
        return self.head(self.blocks(matte).mean(dim=(2, 3)))


ENLARGED = 4  # pixels drawn, on a side, for one of the grid that the network works on


class Residual(nn.Module):
    """Two convolutions beside a skip connection. No norm: what is learned on patches must hold for whole pictures."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) → the same."""
        return x + self.layers(x)


class DetailNetwork(nn.Module):
    """Enlarges a texture generator's picture, weighs the detail that was looked up, and adds what is still missing.

    It sees no keypoints: what it does here it does wherever the picture looks alike, in poses never seen too.
    """

    def __init__(self, config: DetailConfig, drawn: int, trusted: float = 0.5) -> None:
        """drawn: side of the texture generator's pictures; trusted: share of the detail found with which it begins."""
        super().__init__()
        self.fold = drawn * ENLARGED // config.size
        width = config.width
        last = nn.Conv2d(width, 5 * ENLARGED**2, 3, padding=1)
        with torch.no_grad():  # a share of what was found, and nearly nothing else, is what it begins with
            last.weight.mul_(0.1)
            bias = cast(Tensor, last.bias).zero_()
            bias[4 * ENLARGED**2 :] = math.log(trusted / (1 - trusted))
        self.body = nn.Sequential(
            nn.Conv2d(4 * self.fold**2 + 3 * ENLARGED**2, width, 3, padding=1),
            *(Residual(width) for _ in range(config.blocks)),
            nn.LeakyReLU(0.2),
            last,
            nn.PixelShuffle(ENLARGED),
        )

    def forward(self, drawn: Tensor, found: Tensor) -> tuple[Tensor, Tensor]:
        """Whole pictures, or the same patches of both.

        drawn: (B, 4, s, s), colour and alpha logits as the texture generator gives them.
        found: (B, 3, S, S), detail of real frames (see references.py).
        Returns colour (B, 3, S, S), about [-1, 1], and alpha logits (B, 1, S, S).
        """
        factor = found.shape[2] / drawn.shape[2]
        enlarged = F.interpolate(drawn, scale_factor=factor, mode="bicubic", align_corners=False)
        seen = torch.cat([drawn[:, :3], torch.sigmoid(drawn[:, 3:]) * 2 - 1], dim=1)
        parts = F.pixel_unshuffle(seen, self.fold), F.pixel_unshuffle(found, ENLARGED)
        out = self.body(torch.cat(parts, dim=1)).float()
        colour = enlarged[:, :3] + torch.sigmoid(out[:, 4:]) * found + out[:, :3]
        return colour, enlarged[:, 3:] + out[:, 3:4]
