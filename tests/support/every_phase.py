"""Every phase that the method has, at a tiny size, for tests of what the engine may expect of all of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from fake_base import write_base
from moving_clips import swinging
from safetensors.torch import save_file
from torch import nn

from retarget_cli.config import PRESETS
from retarget_cli.methods import get_method
from retarget_cli.methods.base import PairContext
from retarget_cli.methods.jokr import losses
from retarget_cli.training.checkpoint import module_tensors
from retarget_cli.training.phase import Phase

SEED = 1234  # not one that anything else draws with
CLIPS = (swinging(14), swinging(12, width=0.12, phase=1.0, colour=120))
FAST = (
    "geometry.steps=40", "geometry.size=32", "geometry.batch=2", "geometry.keypoints=6", "geometry.widths=16,24",
    "texture.steps=40", "texture.batch=2", "texture.size=32", "texture.widths=16,24",
    "detail.steps=40", "detail.size=64", "detail.patch=32", "detail.width=16", "detail.blocks=1", "detail.references=2",
)  # fmt: skip
PAPER = (
    "geometry.steps=40", "geometry.batch=2", "geometry.size=32", "geometry.keypoints=6", "geometry.widths=8",
    "geometry.most_width=32", "geometry.levels=3", "geometry.generator_width=8", "geometry.residual_blocks=1",
    "geometry.discriminator_width=32",
    "texture.steps=40", "texture.batch=2", "texture.generator_width=8", "texture.residual_blocks=1",
)  # fmt: skip
BASED = {  # phases that begin with the base, and settings of theirs
    "geometry-base": ("geometry.base_steps=40",),
    "geometry-late-base": ("geometry.base_steps=40", "geometry.frozen=0.5"),
    "geometry-fixed-base": ("geometry.base_steps=40", "geometry.frozen=1"),
}
RENDERED = {f"texture-{name}": f"texture.renderer={name}" for name in ("attention", "recurrent", "fomm", "tps")}
PHASES = {  # by its name here: preset, phase, whether it learns by LPIPS
    "geometry": ("draft", "geometry", False),
    "geometry-base": ("draft", "geometry", False),
    "geometry-late-base": ("draft", "geometry", False),
    "geometry-fixed-base": ("draft", "geometry", False),
    "texture": ("draft", "texture", False),
    "texture-lpips": ("draft", "texture", True),
    "texture-attention": ("draft", "texture", False),
    "texture-recurrent": ("draft", "texture", False),
    "texture-fomm": ("draft", "texture", False),
    "texture-tps": ("draft", "texture", False),
    "detail": ("draft", "detail", False),
    "detail-lpips": ("draft", "detail", True),
    "paper-geometry": ("paper", "geometry", False),
    "paper-strong-geometry": ("paper-no-affine", "geometry", False),
    "paper-texture": ("paper", "texture", False),
    "paper-texture-lpips": ("paper", "texture", True),
}


class LikeLpips(nn.Module):
    """Built as LPIPS is: distances of normalised features of a frozen network, over the picture."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.ModuleList([nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1, stride=2)])
        self.requires_grad_(False)

    def forward(self, drawn: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        found = []
        for layer in self.layers:
            drawn, truth = layer(drawn).relu(), layer(truth).relu()
            one, two = (x / (x.square().sum(dim=1, keepdim=True).sqrt() + 1e-10) for x in (drawn, truth))
            found.append((one - two).square().mean(dim=(1, 2, 3), keepdim=True))
        return torch.stack(found).sum(dim=0)


Builder = Callable[[], Phase]


def builder(
    name: str,
    folder: Path,
    network: Callable[[], nn.Module] = LikeLpips,
    device: str = "cpu",
    changes: tuple[str, ...] = (),
) -> Builder:
    """What makes the same fresh phase again and again; `network` is LPIPS in it."""
    torch.set_num_threads(1)
    preset, kind, lpips = PHASES[name]
    method = get_method(PRESETS[preset].method)
    own = (*BASED.get(name, ()), *([RENDERED[name]] if name in RENDERED else []))
    config = method.config(preset, (*(FAST if preset == "draft" else PAPER), *changes, *own))
    base = write_base(folder / "base.safetensors", config) if name in BASED else None
    pair = PairContext(config, CLIPS, {}, device, None if base is None else "quadruped")
    states: dict[str, Path] = {}
    for earlier in method.phase_names[: method.phase_names.index(kind)]:
        built = method.build_phase(earlier, PairContext(config, CLIPS, states, device), SEED)
        (folder / earlier).mkdir(exist_ok=True)
        save_file(module_tensors(built), folder / earlier / "state.safetensors")
        states[earlier] = folder / earlier

    def build() -> Phase:
        with pytest.MonkeyPatch.context() as patch:
            if lpips:
                patch.setattr("retarget_cli.weights.manifest.find_weights", Path)
                patch.setattr(losses, "find_weights", Path)
                patch.setattr(losses, "read_tensors", lambda path: {})
                patch.setattr(losses, "lpips_vgg", lambda tensors: network())
            if base is not None:
                patch.setattr("retarget_cli.weights.base.base_path", lambda: base)
            return method.build_phase(kind, dataclasses.replace(pair, states=states), SEED)

    return build
