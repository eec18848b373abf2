"""Settings of the JOKR method and its presets. Imports no torch: planning must not wait for it."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field

from retarget_cli.errors import UsageError
from retarget_cli.utils.fields import LATER

MIRRORS = ("auto", "none", "a", "b")
DETAIL_FRAME = 32  # pixels by which the third phase sees more than the patches it learns from, on both sides together


@dataclass(frozen=True)
class GeometryConfig:
    """The first phase: keypoints, silhouettes and the affine between the clips."""

    steps: int = 1600
    batch: int = 6  # frame pairs a clip and step
    size: int = 64  # working size of E and G, pixels
    mirror: str = field(default="auto", metadata=LATER)  # auto: B when the two face opposite ways; none, a, b
    keypoints: int = 14
    widths: tuple[int, ...] = (32, 64, 128)
    sharpness: float = 10.0  # multiplies the logits before the spatial softmax
    point_widths: tuple[float, ...] = (0.04, 0.16)  # of the keypoint maps, in normalised units: where, and how far
    learning_rate: float = 2e-3  # peak of the one-cycle schedule of E and G
    affine_rate: float = 2e-3
    discriminator_rate: float = 1e-4
    discriminator_noise: float = 0.05  # on D's input, so that it cannot live on tiny differences
    discriminator_penalty: float = 0.1  # weight of R1, the squared slope of D
    augmentation: float = 0.045  # standard deviation of the affine noise on what is trained on
    colourless: float = 0.5  # share of the views whose colours E does not see: shape is what two clips share
    equivariance_spread: float = 0.12  # standard deviation of the affine noise of the equivariance term
    separation_distance: float = 0.12
    equivariance: float = 2.0
    separation: float = 4.0
    inside: float = 0.5
    temporal: float = 2.0  # reached between 25 and 35 % of the steps; from the start it would freeze the limbs
    confusion: float = 0.3
    mean_pose: float = 2.0  # pulls the mean poses together, so that a keypoint means the same part in both clips
    affine_prior: float = 0.1  # pulls T towards its start, box onto box


@dataclass(frozen=True)
class TextureConfig:
    """The second phase: painting the silhouettes."""

    steps: int = 3400
    batch: int = 2  # on a CPU many small steps learn more in the same time
    size: int = 128  # of the picture that R draws, pixels; it works at half of it
    widths: tuple[int, ...] = (32, 96, 160, 192)
    point_width: float = 0.1
    learning_rate: float = 2e-3
    augmentation: float = 0.04
    critic_rate: float = 4e-4
    adversarial: float = 0.05
    features: float = 1.0  # weight of the differences between the critic's features of drawn and real pictures
    perceptual: str = "auto"  # lpips, structure (the critic, needs no weights), auto: lpips where it can be had
    perceptual_weight: float = 1.0  # of LPIPS


@dataclass(frozen=True)
class DetailConfig:
    """The third phase: making large sharp pictures of the painters'."""

    steps: int = 0  # 0: there is no such phase
    batch: int = 2
    size: int = 512  # of the picture that comes out, pixels; once, twice or four times texture.size
    patch: int = 128  # side of what it is trained on at a time, pixels of that picture
    width: int = 48  # channels of the network, which works at a quarter of the size
    blocks: int = 4
    references: int = 8  # real frames of each clip that detail is looked up in
    learning_rate: float = 1e-3
    critic_rate: float = 4e-4
    adversarial: float = 0.05
    features: float = 1.0  # these four as of the texture
    perceptual: str = "auto"
    perceptual_weight: float = 1.0


@dataclass(frozen=True)
class JokrConfig:
    """Everything that decides what JOKR learns."""

    geometry: GeometryConfig = field(default_factory=GeometryConfig)
    texture: TextureConfig = field(default_factory=TextureConfig)
    detail: DetailConfig = field(default_factory=DetailConfig, metadata=LATER)


PRESETS: dict[str, JokrConfig] = {
    "draft": JokrConfig(detail=DetailConfig(steps=400)),
    "standard": JokrConfig(texture=TextureConfig(size=256, batch=4, steps=2400), detail=DetailConfig(steps=1000)),
    "best": JokrConfig(
        geometry=GeometryConfig(steps=3000),
        texture=TextureConfig(size=256, batch=4, steps=4000),
        detail=DetailConfig(steps=2000),
    ),
}


def check_detail(config: JokrConfig) -> None:
    """UsageError when the sizes of the third phase do not fit those of the second, if there is a third."""
    detail, painted = config.detail, config.texture.size
    if not detail.steps:
        return
    if detail.size not in (painted, 2 * painted, 4 * painted):
        fix = f"Use {painted}, {2 * painted} or {4 * painted}: once, twice or four times texture.size."
        raise UsageError(
            f"pictures of {painted} pixels are not enlarged to {detail.size}", where="detail.size", fix=fix
        )
    if detail.patch % 8 or not 0 < detail.patch <= detail.size - DETAIL_FRAME:
        fix = f"Use a multiple of 8, at most {detail.size - DETAIL_FRAME}."
        raise UsageError(f"patches cannot be {detail.patch} pixels wide", where="detail.patch", fix=fix)
    if detail.references < 1:
        raise UsageError("detail is looked up in at least one frame", where="detail.references", fix="Use 8.")


PERCEPTUAL = ("auto", "lpips", "structure")


def perceptual_kind(wanted: str) -> str:
    """``lpips`` or ``structure``: what `wanted`, one of PERCEPTUAL, means here. UsageError for anything else.

    ``auto`` means LPIPS where its package and the weights of VGG-16 are there.
    """
    if wanted not in PERCEPTUAL:
        raise UsageError(
            f"there is no perceptual term '{wanted}'",
            where="texture.perceptual",
            fix=f"Choose one of: {', '.join(PERCEPTUAL)}.",
        )
    if wanted != "auto":
        return wanted
    from retarget_cli.weights.manifest import find_weights

    there = importlib.util.find_spec("lpips") is not None and find_weights("vgg16") is not None
    return "lpips" if there else "structure"
