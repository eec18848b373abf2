"""The stages of a comparison: flicker along the motion, LPIPS where its weights are, drifting light."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from worlds import config

from retarget_cli.media.archive import ArchiveWriter
from retarget_cli.metrics.fidelity import Frame
from retarget_cli.stages.clip import SourceClip
from retarget_cli.stages.comparison import reconstruction
from retarget_cli.stages.comparison.steadiness import _flicker
from retarget_cli.store.engine import Entry
from retarget_cli.vision.light import Light

CLIPS = SourceClip("cat", Path("cat.mp4"), "0" * 64), SourceClip("fox", Path("fox.mp4"), "1" * 64)


def moving(frames: int, flicker: int = 0) -> np.ndarray:
    """A textured square that moves to the right, (N, 64, 64, 4); flicker: by how much its colours change at random."""
    random = np.random.default_rng(0)
    texture = np.kron(random.integers(40, 200, (8, 8, 3)), np.ones((4, 4, 1))).astype(int)
    clip = np.zeros((frames, 64, 64, 4), np.uint8)
    for index, frame in enumerate(clip):
        change = random.integers(-flicker, flicker + 1) if flicker else 0
        frame[16:48, 8 + 2 * index : 40 + 2 * index, :3] = (texture + change).clip(0, 255)
        frame[16:48, 8 + 2 * index : 40 + 2 * index, 3] = 255
    return clip


def test_motion_is_no_flicker() -> None:
    still, plain, flickering = (
        _flicker(clip, 64, lambda done: None)
        for clip in (np.repeat(moving(1), 8, axis=0), moving(8), moving(8, flicker=40))
    )
    assert still == 0
    assert plain is not None
    assert flickering is not None
    assert flickering > 3 * plain
    assert _flicker(moving(1), 64, lambda done: None) is None
    assert _flicker(np.zeros((4, 64, 64, 4), np.uint8), 64, lambda done: None) is None


def test_a_drawing_in_steady_light_is_compared_in_the_light_of_its_frames(tmp_path: Path) -> None:
    light = Light(np.ones((3, 3)), np.array([[0.0] * 3, [20.0] * 3, [-20.0] * 3]))
    (tmp_path / "report.json").write_text(json.dumps({"light": light.to_json()}), encoding="utf-8")
    with ArchiveWriter(tmp_path / "layer.zip") as layer:
        for _ in range(3):
            layer.write(np.full((8, 8, 4), 100, np.uint8))
    entry = Entry("transfer", "0" * 64, tmp_path, {"files": {"layer.zip": {}, "report.json": {}}})
    job: Any = SimpleNamespace(entries={"transfer": entry})
    assert [int(frame[0, 0, 0]) for frame in reconstruction._drawn(job, [0, 2])] == [100, 80]


def test_with_the_weights_of_lpips_or_other_frames_it_is_another_result() -> None:
    plain = reconstruction.reconstruction(config(), CLIPS, "a", "transfer:cat-as-cat", [1], {}, {})
    more = reconstruction.reconstruction(
        config(), CLIPS, "a", "transfer:cat-as-cat", [1], {"vgg16": Path("vgg16.pth")}, {"vgg16": "2" * 64}
    )
    other = reconstruction.reconstruction(config(), CLIPS, "a", "transfer:cat-as-cat", [2], {}, {})
    assert len({stage.key({}) for stage in (plain, more, other)}) == 3
    assert more.files["vgg16"] == Path("vgg16.pth")


def test_lpips_is_measured_where_it_can_be(tmp_path: Path) -> None:
    pytest.importorskip("lpips")
    import torch
    from safetensors.torch import save_file
    from torchvision.models import vgg

    torch.manual_seed(0)
    state = vgg.make_layers(vgg.cfgs["D"]).state_dict()
    save_file({f"features.{name}": value for name, value in state.items()}, tmp_path / "own.safetensors")
    job: Any = SimpleNamespace(
        stage=SimpleNamespace(path=lambda role: tmp_path / "own.safetensors"), check=lambda: None
    )
    random, mask = np.random.default_rng(1), np.full((64, 64), 255, np.uint8)
    real = Frame(random.integers(0, 256, (64, 64, 3), dtype=np.uint8), mask)
    other = Frame(random.integers(0, 256, (64, 64, 3), dtype=np.uint8), mask)
    same, far = reconstruction._perceptual(job, [real, other], [real, real])
    assert same == 0
    assert far > 0.001
