"""Settings of the published recipe: the numbers of its authors' implementation (commit 0d15d32). Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from retarget_cli.errors import UsageError
from retarget_cli.utils.fields import setting


@dataclass(frozen=True)
class GeometryConfig:
    """Stage 1: keypoints, silhouettes and the affine between the clips; as published with the affine."""

    steps: int = setting(45_002, "optimizer steps", "steps")
    batch: int = setting(8, "frame pairs of each clip in a step", "pairs", least=1, most=4096)
    size: int = setting(256, "side of the frames; the extractor sees them at a quarter of it", "pixels", most=4096)
    border: float = setting(
        0.2, "width of the black border around a frame, on every side", "share of its size", most=10
    )
    mirror: str = setting(
        "auto", "clip to mirror for training: a (the authors' `--hflip`), b, none; auto: b when the two face opposite "
        "ways; `--flip`",
    )  # fmt: skip
    keypoints: int = setting(14, "keypoints on the object", least=1, most=512)
    strong: bool = setting(False, "the extractor is the residual generator instead of the hourglass")
    widths: int = setting(32, "channels of the hourglass at its top", "channels", least=1, most=4096)
    most_width: int = setting(1024, "most channels that a level of the hourglass has", "channels", least=1, most=4096)
    levels: int = setting(5, "levels of the hourglass", least=1, most=10)
    temperature: float = setting(0.1, "what divides the logits before the spatial softmax of the keypoints", least=1e-6)
    point_width: float = setting(
        0.04, "width of the spots that show keypoints to the generator", "half crops", least=1e-3
    )
    generator_width: int = setting(
        64, "channels of the silhouette generator at its top", "channels", least=1, most=4096
    )
    residual_blocks: int = setting(9, "residual blocks of the silhouette generator", most=256)
    dropout: float = setting(0.5, "share of features that dropout removes", "0 to 1", most=0.999)
    discriminator_width: int = setting(512, "width of the discriminator of keypoints", least=1, most=65536)
    learning_rate: float = setting(1e-4, "learning rate of all networks and of the affine map")
    affine: bool = setting(True, "the affine map is learned; without it, it changes nothing")
    affine_spread: float = setting(0.05, "standard deviation of the affine map's random start")
    equivariance_spread: float = setting(0.1, "standard deviation of the random affine maps of the equivariance loss")
    separation_distance: float = setting(0.12, "squared distance below which keypoints repel each other")
    separated: int = setting(10, "only so many keypoints, the first ones, repel each other", "keypoints")
    silhouette: float = setting(50.0, "weight: silhouettes are those of the mattes")
    equivariance: float = setting(2.0, "weight: keypoints follow the picture when it is moved")
    separation: float = setting(4.0, "weight: keypoints keep apart")
    confusion: float = setting(1.0, "weight: the discriminator cannot tell whose keypoints it sees")
    inside: float = setting(0.5, "weight: keypoints stay inside the silhouette")
    temporal: float = setting(13.0, "weight: keypoints move smoothly in time")


@dataclass(frozen=True)
class TextureConfig:
    """Stage 2: colouring the silhouettes."""

    steps: int = setting(30_002, "optimizer steps", "steps")
    batch: int = setting(6, "frames of each clip in a step", "frames", least=1, most=4096)
    generator_width: int = setting(
        64, "channels of the texture generators at their top", "channels", least=1, most=4096
    )
    residual_blocks: int = setting(9, "residual blocks of the texture generators", most=256)
    dropout: float = setting(0.5, "share of features that dropout removes", "0 to 1", most=0.999)
    learning_rate: float = setting(1e-4, "learning rate of the texture generators")
    pixel: float = setting(1.0, "weight: colours are those of the frame (absolute difference)")
    perceptual: str = setting(
        "auto", "perceptual loss: lpips (published), structure (needs no weights), auto (lpips where it can be had)"
    )
    perceptual_weight: float = setting(
        1.0, "weight of the perceptual loss; the authors advise 0.5 when droplets appear"
    )


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
