"""The nodes for ComfyUI, run by a stand-in for its interface."""

from __future__ import annotations

import functools
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from worlds import World

import retarget_cli
from retarget_cli.media.decode import read_frames

FOLDER = Path(__file__).parents[2] / "integrations" / "comfyui"


class Stopped(Exception):
    """What ComfyUI raises when somebody presses Cancel."""


class Comfy:
    """As much of ComfyUI as nodes see: its folders, its progress bar, its Cancel button; and a way to run a node."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.shown: list[tuple[int, int]] = []
        self.cancelled = False
        bar = SimpleNamespace(update_absolute=lambda done, total: self.shown.append((done, total)))
        modules: dict[str, dict[str, Any]] = {
            "comfy": {},
            "comfy.utils": {"ProgressBar": lambda total: bar},
            "comfy.model_management": {"throw_exception_if_processing_interrupted": self._check},
            "folder_paths": {
                "get_output_directory": lambda: str(folder / "output"),
                "get_input_directory": lambda: str(folder),
            },
        }
        for name, members in modules.items():
            module = ModuleType(name)
            vars(module).update(members)
            patch.setitem(sys.modules, name, module)
        spec = importlib.util.spec_from_file_location("nodes_of_retarget", FOLDER / "__init__.py")
        assert spec is not None and spec.loader is not None
        package = importlib.util.module_from_spec(spec)
        patch.setitem(sys.modules, "nodes_of_retarget", package)
        patch.delitem(sys.modules, "nodes_of_retarget.nodes", raising=False)  # an earlier test's
        spec.loader.exec_module(package)
        self.nodes: dict[str, Any] = package.NODE_CLASS_MAPPINGS
        assert self.nodes.keys() == package.NODE_DISPLAY_NAME_MAPPINGS.keys()

    def _check(self) -> None:
        if self.cancelled:
            raise Stopped

    def run(self, name: str, **given: Any) -> tuple[Any, ...]:
        """Run a node as ComfyUI does: with the inputs that it names, checked where they are choices."""
        kind = self.nodes[f"Retarget{name}"]
        inputs = kind.INPUT_TYPES()
        known = {**inputs["required"], **inputs.get("optional", {})}
        assert inputs["required"].keys() <= given.keys() <= known.keys()
        for key, (choices, *_) in known.items():
            assert not isinstance(choices, list) or given[key] in choices
        answer = getattr(kind(), kind.FUNCTION)(**given)
        assert len(answer) == len(kind.RETURN_TYPES) == len(kind.RETURN_NAMES)
        assert kind.CATEGORY == "retarget"
        return answer


@pytest.fixture
def comfy(world: World, monkeypatch: pytest.MonkeyPatch) -> Comfy:
    plain = functools.partial(retarget_cli.train, method="fake", device="cpu", size=64)
    monkeypatch.setattr(retarget_cli, "train", plain)
    return Comfy(world.folder, monkeypatch)


def frames(path: Path | None, channels: Any = "rgb") -> torch.Tensor:
    assert path is not None
    return torch.stack([torch.from_numpy(f.image) for f in read_frames(path, channels=channels)]).float() / 255


def test_from_two_clips_to_images_a_mask_and_keypoints(world: World, comfy: Comfy) -> None:
    masks = {"mask_a": frames(world.a.matte, "gray"), "mask_b": frames(world.b.matte, "gray")}
    (pair,) = comfy.run("LoadPair", clip_a="disc.mp4", clip_b=str(world.b.path), **masks)
    (trained,) = comfy.run("Train", pair=pair, preset="draft", seed=3, settings="")
    assert comfy.shown and all(0 <= done <= total for done, total in comfy.shown)
    drawn = comfy.run("Render", trained=trained, look="a", affine="auto", background="subject", size="96x64")
    images, mask, rate, path = drawn
    assert (images.shape, mask.shape) == ((12, 64, 96, 3), (12, 64, 96))
    assert images.dtype == mask.dtype == torch.float32
    assert images.min() >= 0 and images.max() <= 1 and 0.02 < mask.mean() < 0.5
    assert rate == pytest.approx(10)
    reddish = images[mask > 0.99].mean(0)
    assert reddish[0] > reddish[2] + 0.1
    assert Path(path).is_relative_to(world.folder / "output")
    clear = comfy.run("Render", trained=trained, look="a", affine="auto", background="alpha", size="96x64")
    assert torch.equal(clear[1], mask)
    text, file = comfy.run("Keypoints", trained=trained, look="b", affine="auto", format="json")
    assert json.loads(text) and Path(file).read_text() == text


def test_images_of_other_nodes_take_the_place_of_clips(world: World, comfy: Comfy) -> None:
    given = {"images_a": frames(world.a.path), "mask_a": frames(world.a.matte, "gray"), "fps": 12.0}
    (pair,) = comfy.run("LoadPair", clip_a="", clip_b="bar.mp4", mask_b=frames(world.b.matte, "gray"), **given)
    (again,) = comfy.run("LoadPair", clip_a="", clip_b="bar.mp4", mask_b=frames(world.b.matte, "gray"), **given)
    assert pair == again
    assert np.array_equal(np.rint(frames(pair.a).numpy() * 255), np.rint(given["images_a"].numpy() * 255))
    (trained,) = comfy.run("Train", pair=pair, preset="auto", seed=0)
    rate = comfy.run("Render", trained=trained, look="b", affine="auto", background="black")[2]
    assert rate == pytest.approx(12)


def test_what_is_missing_is_told_in_words(comfy: Comfy) -> None:
    with pytest.raises(ValueError, match="Clip B is missing"):
        comfy.run("LoadPair", clip_a="disc.mp4", clip_b="")
    with pytest.raises(ValueError, match="no clip"):
        comfy.run("LoadPair", clip_a="cat.mp4", clip_b="disc.mp4")


def test_cancel_stops_the_work(comfy: Comfy) -> None:
    (pair,) = comfy.run("LoadPair", clip_a="disc.mp4", clip_b="bar.mp4")
    comfy.cancelled = True
    with pytest.raises(Stopped):
        comfy.run("Train", pair=pair, preset="draft", seed=9)
