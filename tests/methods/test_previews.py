"""Looking at a phase while it trains: what is shown, and that nothing changes by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from moving_clips import swinging
from safetensors.torch import save_file

from retarget_cli.methods import get_method
from retarget_cli.methods.base import PairContext
from retarget_cli.methods.jokr.previews import agreement
from retarget_cli.training.checkpoint import module_tensors
from retarget_cli.training.engine import Engine
from retarget_cli.training.phase import Phase

TINY = (
    "detail.steps=0",
    "geometry.size=32",
    "geometry.batch=2",
    "geometry.keypoints=6",
    "geometry.widths=16,24",
    "texture.batch=2",
    "texture.size=64",
    "texture.widths=16,24",
)
CLIPS = (swinging(24), swinging(120, width=0.12, phase=1.0, colour=120))


def build(name: str, folder: Path) -> Phase:
    torch.set_num_threads(1)
    method = get_method("jokr")
    config = method.config("draft", TINY)
    geometry = method.build_phase("geometry", PairContext(config, CLIPS, {}, "cpu"), seed=0)
    save_file(module_tensors(geometry), folder / "state.safetensors")
    return (
        geometry
        if name == "geometry"
        else method.build_phase(name, PairContext(config, CLIPS, {"geometry": folder}, "cpu"), 0)
    )


@pytest.mark.parametrize("name", ["geometry", "texture"])
def test_looking_changes_nothing(name: str, tmp_path: Path) -> None:
    after = []
    for looks in (False, True):
        phase = build(name, tmp_path)
        engine = Engine(phase)
        for step in range(3):
            modes = [module.training for module in phase.modules.values()]
            if looks:
                phase.held_out()
                phase.preview()
            assert [module.training for module in phase.modules.values()] == modes
            engine.step(step / 3)
        after.append((module_tensors(phase), phase.generator.get_state(), torch.get_rng_state()))
    assert all(torch.equal(value, after[1][0][key]) for key, value in after[0][0].items())
    assert torch.equal(after[0][1], after[1][1])
    assert torch.equal(after[0][2], after[1][2])


@pytest.mark.parametrize("name", ["geometry", "texture"])
def test_a_preview_shows_both_clips_and_both_crossings(name: str, tmp_path: Path) -> None:
    rows = build(name, tmp_path).preview()
    labels = [row.label for row in rows]
    assert len(set(labels)) == 6
    assert sum("A's look" in label for label in labels) == sum("B's look" in label for label in labels) == 1
    for row in rows:
        assert row.frames.dtype == np.uint8
        assert 1 <= len(row.frames) <= 8
        assert row.keypoints is None or row.keypoints.shape == (len(row.frames), 6, 2)


def test_silhouettes_over_each_other_tell_what_is_missing() -> None:
    truth, drawn = torch.tensor([[[True, True, False, False]]]), torch.tensor([[[True, False, True, False]]])
    expected = [[[255, 255, 255], [255, 0, 0], [0, 0, 255], [0, 0, 0]]]
    assert agreement(truth, drawn)[0].tolist() == expected
