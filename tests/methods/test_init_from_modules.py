"""What may begin with another run's networks: the settings that are compared are those that decide shapes."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from torch import nn

from retarget_cli.config import PRESETS
from retarget_cli.methods import get_method
from retarget_cli.methods.jokr.config import RENDERERS, JokrConfig
from retarget_cli.methods.jokr.networks import shape_networks
from retarget_cli.methods.jokr.renderers.make import make_renderer
from retarget_cli.methods.jokr_paper import networks as paper

JOKR = get_method("jokr")
SMALL = ("geometry.levels=2", "geometry.residual_blocks=1", "texture.residual_blocks=1")


def shapes(config: Any, phase: str) -> dict[str, torch.Size]:
    """Of every tensor in the networks of `phase` that may begin so; without memory for their weights."""
    geometry, texture = config.geometry, config.texture
    with torch.device("meta"):
        networks: tuple[nn.Module, ...]
        if phase == "geometry":
            published = paper.KeypointExtractor, paper.silhouette_generator
            fast = isinstance(config, JokrConfig)
            networks = shape_networks(geometry) if fast else tuple(build(geometry) for build in published)
        elif isinstance(config, JokrConfig):
            networks = (make_renderer(config).network,)
        else:
            networks = (paper.texture_generator(texture),)
    return {f"{n}/{key}": value.shape for n, each in enumerate(networks) for key, value in each.state_dict().items()}


def changed(value: Any) -> Any:
    return not value if isinstance(value, bool) else value * 2  # a tuple becomes longer


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("preset", ["draft", "paper", "paper-no-affine"])
@pytest.mark.parametrize("phase", ["geometry", "texture"])
def test_what_is_not_compared_decides_no_shape(preset: str, phase: str, renderer: str) -> None:
    method = get_method(PRESETS[preset].method)
    config = method.config(preset, SMALL if preset.startswith("paper") else (f"texture.renderer={renderer}",))
    compared = method.startable(config, phase).settings
    usual = shapes(config, phase)
    deciding = set()
    for part in method.phases(config):
        settings = getattr(config, part)
        for field in dataclasses.fields(settings):
            value = getattr(settings, field.name)
            if f"{part}.{field.name}" not in compared and not isinstance(value, str):
                other = dataclasses.replace(settings, **{field.name: changed(value)})
                if shapes(dataclasses.replace(config, **{part: other}), phase) != usual:
                    deciding.add(f"{part}.{field.name}")
    assert deciding == set()
