"""A base with random weights, of the right names and shapes, as large or small as the networks of a test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from retarget_cli.methods.jokr.aligner import Aligner
from retarget_cli.methods.jokr.config import JokrConfig
from retarget_cli.methods.jokr.networks import KindClassifier, shape_networks

KINDS = ("biped", "quadruped")
_STEM = "unet.first."


def names(kind: str, count: int) -> list[str]:
    return [f"{kind} {index}" for index in range(count)]


def base_tensors(config: JokrConfig, aligner: bool = False) -> dict[str, Tensor]:
    """What a base for such networks holds, each kind's parts with weights of their own."""
    torch.manual_seed(99)
    found: dict[str, Tensor] = {}
    for kind in KINDS:
        extractor, shape = shape_networks(config.geometry)
        for name, value in extractor.state_dict().items():
            own = name.startswith("head.")
            found[f"heads.{kind}.{name.removeprefix('head.')}" if own else f"extractor.{name}"] = value
        for name, value in shape.state_dict().items():
            found[f"shape_stems.{kind}.{name}" if name.startswith(_STEM) else f"shape.{name}"] = value
    others: dict[str, nn.Module] = {"kinds": KindClassifier(len(KINDS))}
    if aligner:
        others["aligner"] = Aligner(len(KINDS), config.geometry.keypoints)
    for part, network in others.items():
        found |= {f"{part}.{name}": value for name, value in network.state_dict().items()}
    return found


def sure_of(tensors: Mapping[str, Tensor], kind: str | None) -> dict[str, Tensor]:
    """The same with a classifier that takes everything for `kind`, or for none that is known."""
    bias = torch.full((len(KINDS) + 1,), -4.0)
    bias[-1 if kind is None else KINDS.index(kind)] = 4.0
    weight = torch.zeros_like(tensors["kinds.head.weight"])
    return {**tensors, "kinds.head.weight": weight, "kinds.head.bias": bias}


def facts(keypoints: int, threshold: float = 0.6) -> dict[str, str]:
    told = {"kinds": {kind: names(kind, keypoints) for kind in KINDS}, "threshold": threshold, "version": 1}
    return {"base": json.dumps(told, sort_keys=True)}


def write_base(path: Path, config: JokrConfig, kind: str | None = "quadruped", aligner: bool = False) -> Path:
    """Write a base in half precision that takes everything for `kind`; returns `path`."""
    tensors = sure_of(base_tensors(config, aligner), kind)
    half = {name: value.half().contiguous() for name, value in tensors.items()}
    save_file(half, path, metadata=facts(config.geometry.keypoints))
    return path
