"""Settings of the JOKR method and its presets. Imports no torch: planning must not wait for it."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from typing import Any

from retarget_cli.errors import UsageError
from retarget_cli.utils.fields import LATER, nearest, setting

RENDERERS = ("warp", "unet", "attention", "recurrent", "fomm", "tps")
RENDERER_VERSIONS = {"warp": 2}  # raised when the same settings give other networks; of none: 1
ALIGNER = "aligner"  # the alignment of pairs whose kind of body the base has an aligner for, and of no others
FIRST_FRAME = "first-frame"  # that of the First Order Motion Model, which `auto` does not try
MIRRORS = ("auto", "none", "a", "b")
DETAIL_FRAME = 32  # pixels by which the third phase sees more than the patches it learns from, on both sides together


@dataclass(frozen=True)
class GeometryConfig:
    """The first phase: keypoints, silhouettes and the affine between the clips."""

    steps: int = setting(1600, "optimizer steps", "steps")
    batch: int = setting(6, "frame pairs of each clip in a step", "pairs", least=1, most=4096)
    size: int = setting(
        64, "side of the pictures that the extractor and the silhouette generator work on", "pixels",
        least=16, most=2048, multiple=16,
    )  # fmt: skip
    mirror: str = setting(
        "auto", "clip to mirror for training: a, b, none; auto: b when the two face opposite ways; `--flip`", later=True
    )
    keypoints: int = setting(14, "keypoints on the object", least=1, most=512)
    widths: tuple[int, ...] = setting(
        (32, 64, 128),
        "channels of the extractor and the silhouette generator, by level",
        "channels",
        least=1,
        most=4096,
    )
    sharpness: float = setting(10.0, "what multiplies the logits before the spatial softmax of the keypoints")
    point_widths: tuple[float, ...] = setting(
        (0.04, 0.16),
        "widths of the spots that show keypoints to the generator: where, and how far",
        "half crops",
        least=1e-3,
    )
    learning_rate: float = setting(2e-3, "peak of the one-cycle schedule of the extractor and the generator")
    affine_rate: float = setting(2e-3, "learning rate of the affine map between the clips")
    discriminator_rate: float = setting(1e-4, "learning rate of the discriminator of keypoints")
    discriminator_noise: float = setting(
        0.05,
        "noise on the keypoints that the discriminator sees, so that it cannot live on tiny differences",
        "half crops",
    )
    discriminator_penalty: float = setting(0.1, "weight of R1, the squared slope of the discriminator")
    augmentation: float = setting(0.045, "standard deviation of the random affine maps of the training pictures")
    colourless: float = setting(
        0.5, "share of the pictures whose colours the extractor does not see: shape is what two clips share", "0 to 1"
    )
    equivariance_spread: float = setting(0.12, "standard deviation of the random affine maps of the equivariance loss")
    separation_distance: float = setting(
        0.12, "squared distance below which keypoints repel each other; smaller where the object is thin"
    )
    equivariance: float = setting(2.0, "weight: keypoints follow the picture when it is moved")
    separation: float = setting(4.0, "weight: keypoints keep apart")
    inside: float = setting(0.5, "weight: keypoints stay inside the silhouette")
    temporal: float = setting(
        2.0, "weight: keypoints move smoothly in time; reached between 25 and 35 % of the steps, as it freezes the "
        "limbs when it is there from the start",
    )  # fmt: skip
    confusion: float = setting(0.3, "weight: the discriminator cannot tell whose keypoints it sees")
    mean_pose: float = setting(
        2.0, "weight: mean poses of both clips agree, so that a keypoint means the same part in both"
    )
    affine_prior: float = setting(0.1, "weight: the affine map stays near its start, box onto box")
    base_steps: int = setting(
        600, "optimizer steps when it begins with the base, in the place of `steps`", "steps", least=1, later=True
    )
    anchor: float = setting(
        2.0,
        "weight: keypoints stay about where the base finds them, so that they keep the meaning of their names",
        later=True,
    )
    frozen: float = setting(
        0.0, "share of a training that begins with the base in which the extractor stays as it is, from the start; "
        "1: always", "0 to 1", later=True, most=1,
    )  # fmt: skip
    tune_rate: float = setting(
        2e-3, "peak of the one-cycle schedule of an extractor from the base, once it is no longer frozen", later=True
    )


@dataclass(frozen=True)
class TextureConfig:
    """The second phase: colouring the silhouettes."""

    steps: int = setting(600, "optimizer steps", "steps")
    batch: int = setting(
        2,
        "frames of each clip in a step; on a CPU, many small steps learn more in the same time",
        "frames",
        least=1,
        most=4096,
    )
    size: int = setting(
        128, "side of the pictures that the texture generators draw; they work at half of it", "pixels",
        least=32, most=4096, multiple=16,
    )  # fmt: skip
    renderer: str = setting(
        "warp",
        "what draws the look: warp (copies pixels of the nearest real frames, draws the rest), unet (draws all of it), "
        "recurrent (as warp, and sees the picture before), attention (mixes several real frames), fomm, tps (move one)",
        before="unet",
    )
    sources: int = setting(64, "real frames of each clip to copy from", "frames", later=True, least=3, most=512)
    widths: tuple[int, ...] = setting(
        (32, 64, 96, 128), "channels of the texture generators, by level", "channels", least=1, most=4096
    )
    point_width: float = setting(
        0.1, "width of the spots that show keypoints to the texture generators", "half crops", least=1e-3
    )
    learning_rate: float = setting(2e-3, "peak of the one-cycle schedule of the texture generators")
    augmentation: float = setting(0.04, "standard deviation of the random affine maps of the training pictures")
    critic_rate: float = setting(4e-4, "learning rate of the discriminator of pictures")  # named so in stored settings
    adversarial: float = setting(0.05, "weight: the discriminator takes generated pictures for real ones")
    features: float = setting(1.0, "weight: the discriminator's features of generated and real pictures agree")
    across: int = setting(
        0,
        "pictures of each clip in a step that are drawn in poses of the other, for the discriminator alone to judge",
        "pictures",
        later=True,
        most=4096,
    )
    anew: float = setting(0.3, "weight: warp draws little that it could copy, as what is drawn is blurred", later=True)
    drawn: float = setting(2.0, "weight: what warp would draw is right where it copies too", later=True)
    perceptual: str = setting(
        "auto",
        "perceptual loss: lpips, structure (the discriminator, needs no weights), auto (lpips where it can be had)",
    )
    perceptual_weight: float = setting(1.0, "weight of LPIPS")
    light: float = setting(
        10.0,
        "drift of the object's colours through a clip, from which on its light is evened out; 0: never",
        "levels",
        before=0.0,
    )


@dataclass(frozen=True)
class DetailConfig:
    """The third phase: making large sharp pictures of the texture generators'."""

    steps: int = setting(0, "optimizer steps; 0 leaves the phase out", "steps")
    batch: int = setting(2, "patches of each clip in a step", "patches", least=1, most=4096)
    size: int = setting(512, "side of the pictures that come out: once, twice or four times `texture.size`", "pixels")
    patch: int = setting(128, "side of the patches that it is trained on", "pixels")
    width: int = setting(
        48, "channels of the network, which works at a quarter of the size", "channels", least=1, most=4096
    )
    blocks: int = setting(4, "residual blocks of the network", most=256)
    references: int = setting(8, "real frames of each clip from which detail is taken beside `unet`", "frames")
    learning_rate: float = setting(1e-3, "peak of the one-cycle schedule of the detail networks")
    critic_rate: float = setting(4e-4, "learning rate of the discriminator of pictures")  # named so in stored settings
    adversarial: float = setting(0.05, "weight: the discriminator takes generated pictures for real ones")
    features: float = setting(1.0, "weight: the discriminator's features of generated and real pictures agree")
    perceptual: str = setting("auto", "perceptual loss, as of the texture")
    perceptual_weight: float = setting(1.0, "weight of LPIPS")


@dataclass(frozen=True)
class JokrConfig:
    """Everything that decides what JOKR learns."""

    geometry: GeometryConfig = field(default_factory=GeometryConfig)
    texture: TextureConfig = field(default_factory=TextureConfig)
    detail: DetailConfig = field(default_factory=DetailConfig, metadata=LATER)


PRESETS: dict[str, JokrConfig] = {
    "draft": JokrConfig(detail=DetailConfig(steps=150)),
    "standard": JokrConfig(texture=TextureConfig(size=256, batch=4, steps=800), detail=DetailConfig(steps=400)),
    "best": JokrConfig(
        geometry=GeometryConfig(steps=3000),
        texture=TextureConfig(size=256, batch=4, steps=1600),
        detail=DetailConfig(steps=1000),
    ),
}


BASE_SETTINGS: dict[str, Any] = {  # what the networks of the base were trained with
    "geometry.size": 64,
    "geometry.keypoints": 14,
    "geometry.widths": (32, 64, 128),
    "geometry.sharpness": 10.0,
    "geometry.point_widths": (0.04, 0.16),
}


def check_mirror(wanted: str) -> None:
    """UsageError when `wanted` does not say which clip to mirror."""
    if wanted not in MIRRORS:
        fix = nearest(wanted, MIRRORS)
        raise UsageError(f"'{wanted}' does not say which clip to mirror", where="geometry.mirror", fix=fix)


def check_renderer(wanted: str) -> None:
    """UsageError when there is no renderer `wanted`."""
    if wanted not in RENDERERS:
        raise UsageError(f"there is no renderer '{wanted}'", where="texture.renderer", fix=nearest(wanted, RENDERERS))


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
