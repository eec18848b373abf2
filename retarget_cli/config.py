"""Configuration of a training run: frozen dataclasses with the meaning of every setting, and presets.

Precedence: flags over changes over file over preset. Every key that nobody knows is refused with the nearest known one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retarget_cli.utils.fields import setting
from retarget_cli.utils.hardware import cuda_devices

BACKENDS = ("auto", "given", "embedded", "sam", "sam2")
PRECISIONS = ("auto", "fp32", "bf16", "fp16")
SMALLEST_CROP = 32
DEFAULT_WORKSPACE = Path(".retarget")
BASE = "base"  # of `start`
COLOURS = ("srgb", "linear", "rec709")
"""How the numbers of a clip stand for light."""
CUTS = ("refuse", "longest", "keep")
"""What to do with a clip that has cuts."""
FLIPS = {"auto": "auto", "yes": "b", "no": "none"}


@dataclass(frozen=True)
class MatteConfig:
    """The way to find the object."""

    backend: str = setting("auto", f"how to look for the object: {', '.join(BACKENDS)}; `--backend`")
    weights: str | None = setting(
        None, "the segmentation network: a file, a folder, or a name from `retarget weights list`; `--weights`"
    )


@dataclass(frozen=True)
class CropConfig:
    """The square the networks see."""

    size: int = setting(
        128,
        f"side of the square that is cut out around the object; a multiple of 16, at least {SMALLEST_CROP}",
        "pixels",
        most=4096,
    )


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a training run, except the clips themselves.

    max_memory decides how a run is trained, and no part of what is trained.
    """

    preset: str = "draft"
    method: str = "jokr"
    seed: int = setting(0, "seed of all random numbers; `--seed`", least=-(2**63), most=2**63)
    device: str = setting("auto", "where to train: auto, cpu, cuda or cuda:N; `--device`")
    precision: str = setting(
        "auto", f"number format in which the networks calculate: {', '.join(PRECISIONS)}; `--precision`"
    )
    max_memory: str | None = setting(None, "most memory of a GPU to use, like 4GB; none: all of it; `--max-memory`")
    start: str | None = setting(
        BASE,
        "networks to begin with: base, those that come with the program, where they fit; base:KIND, those of a kind of "
        "body; none: random ones; or those of a run, by its id or the beginning of it; `--init-from`",
    )
    matte: MatteConfig = field(default_factory=MatteConfig)
    crop: CropConfig = field(default_factory=CropConfig)
    method_config: Any = None


def begins_with_base(start: str | None) -> bool:
    """True when training begins with the base, whatever its kind of body."""
    return start is not None and start.partition(":")[0] == BASE


def named_kind(start: str | None) -> str | None:
    """The kind of body that somebody named, as in ``base:quadruped``; None where it is to be recognised."""
    return (start or "").partition(":")[2] or None


# What differs outside the method; what a preset means to a method is the method's own matter.
PRESETS: dict[str, TrainConfig] = {
    "draft": TrainConfig("draft", crop=CropConfig(size=128)),
    "standard": TrainConfig("standard", crop=CropConfig(size=256)),
    "best": TrainConfig("best", crop=CropConfig(size=256)),
    "paper": TrainConfig("paper", "jokr-paper", precision="fp32", start=None, crop=CropConfig(size=256)),
    "paper-no-affine": TrainConfig(
        "paper-no-affine", "jokr-paper", precision="fp32", start=None, crop=CropConfig(size=256)
    ),
}


def default_preset() -> str:
    """``standard`` where there is a GPU, ``draft`` elsewhere."""
    return "standard" if cuda_devices() else "draft"
