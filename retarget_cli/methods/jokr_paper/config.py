"""Settings of the published recipe: the numbers of its authors' implementation (commit 0d15d32). Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from retarget_cli.errors import UsageError


@dataclass(frozen=True)
class GeometryConfig:
    """Stage 1: keypoints, silhouettes and the affine between the clips; as published with the affine."""

    steps: int = 45_002
    batch: int = 8  # frame pairs a clip and step
    size: int = 256  # of the frames, pixels; E sees them at a quarter of it
    border: float = 0.2  # of zeros round a frame, of its size on every side
    mirror: str = "auto"  # auto: B when the two face opposite ways; a: A always (the authors' --hflip); b; none
    keypoints: int = 14
    strong: bool = False  # E is the residual generator instead of the hourglass
    widths: int = 32  # of the hourglass at its top
    most_width: int = 1024
    levels: int = 5
    temperature: float = 0.1  # divides the logits before the spatial softmax
    point_width: float = 0.04  # of the keypoint maps, in normalised units
    generator_width: int = 64
    residual_blocks: int = 9
    dropout: float = 0.5
    discriminator_width: int = 512
    learning_rate: float = 1e-4  # of E, G and T, and of D
    affine: bool = True  # whether T is learned; without it T changes nothing
    affine_spread: float = 0.05  # standard deviation of T's random start
    equivariance_spread: float = 0.1
    separation_distance: float = 0.12  # squared distance under which keypoints repel
    separated: int = 10  # only so many keypoints, the first ones, repel each other
    silhouette: float = 50.0
    equivariance: float = 2.0
    separation: float = 4.0
    confusion: float = 1.0
    inside: float = 0.5
    temporal: float = 13.0


@dataclass(frozen=True)
class TextureConfig:
    """Stage 2: painting the silhouettes."""

    steps: int = 30_002
    batch: int = 6
    generator_width: int = 64
    residual_blocks: int = 9
    dropout: float = 0.5
    learning_rate: float = 1e-4
    pixel: float = 1.0  # weight of the absolute difference
    perceptual: str = "auto"  # lpips (published), structure (needs no weights), auto: lpips where it can be had
    perceptual_weight: float = 1.0  # the authors advise 0.5 when droplets appear


@dataclass(frozen=True)
class PaperConfig:
    """Everything that decides what the published recipe learns."""

    geometry: GeometryConfig = field(default_factory=GeometryConfig)
    texture: TextureConfig = field(default_factory=TextureConfig)


PRESETS: dict[str, PaperConfig] = {
    "paper": PaperConfig(),
    "paper-no-affine": PaperConfig(GeometryConfig(affine=False, strong=True, separation=1.0, confusion=0.5)),
}


def check_size(config: GeometryConfig) -> None:
    """UsageError when frames of that size do not fit through E and G."""
    step = 8 if config.strong else 4 * 2**config.levels
    if config.size % step or config.size // 4 < 8:
        raise UsageError(
            f"frames of {config.size} pixels do not fit through the networks",
            where="geometry.size",
            fix=f"Use a multiple of {max(step, 32)}"
            + ("." if config.strong else ", or fewer levels (--set geometry.levels=3)."),
        )
