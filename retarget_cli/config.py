"""What a training run is told: frozen dataclasses, presets, a TOML file, `key=value` changes.

Precedence: flags over changes over file over preset. Every key that nobody knows is refused with the nearest known one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from retarget_cli.utils.hardware import cuda_devices

BACKENDS = ("auto", "given", "embedded", "sam", "sam2")
PRECISIONS = ("auto", "fp32", "bf16", "fp16")
SMALLEST_CROP = 32
FLIPS = {"auto": "auto", "yes": "b", "no": "none"}


@dataclass(frozen=True)
class MatteConfig:
    """How the object is found. backend: one of BACKENDS; weights: the segmentation network's file,
    the folder it is in, or its name."""

    backend: str = "auto"
    weights: str | None = None


@dataclass(frozen=True)
class CropConfig:
    """The square the networks see. size: pixels, a multiple of 16."""

    size: int = 128


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a training run, except the clips themselves.

    max_memory: the most GPU memory to take, like ``4GB``; it decides how, and no part of what is trained.
    start: the run, by its id or the beginning of it, whose networks to begin with; None for fresh ones.
    """

    preset: str = "draft"
    method: str = "jokr"
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    max_memory: str | None = None
    start: str | None = None
    matte: MatteConfig = field(default_factory=MatteConfig)
    crop: CropConfig = field(default_factory=CropConfig)
    method_config: Any = None


# What differs outside the method; what a preset means to a method is the method's own matter.
PRESETS: dict[str, TrainConfig] = {
    "draft": TrainConfig("draft", crop=CropConfig(size=128)),
    "standard": TrainConfig("standard", crop=CropConfig(size=256)),
    "best": TrainConfig("best", crop=CropConfig(size=256)),
    "paper": TrainConfig("paper", "jokr-paper", precision="fp32", crop=CropConfig(size=256)),
    "paper-no-affine": TrainConfig("paper-no-affine", "jokr-paper", precision="fp32", crop=CropConfig(size=256)),
}


def default_preset() -> str:
    """``standard`` where there is a GPU, ``draft`` elsewhere."""
    return "standard" if cuda_devices() else "draft"
