from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from segment_anything import sam_model_registry
from tiny_sam import tiny

from retarget_cli.errors import EnvironmentProblem
from retarget_cli.segmentation.backends import make_segmenter
from retarget_cli.segmentation.base import Hint
from retarget_cli.segmentation.sam.network import encoder_sizes, load_network
from retarget_cli.segmentation.sam.prompts import Prompt

COUNT = 12


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.pth"
    torch.save(tiny().state_dict(), path)
    return path


def prompt() -> Prompt:
    return Prompt(np.array([8, 8, 40, 30], np.float32), np.array([[20, 20]], np.float32), np.array([1]))


def picture(seed: int = 0, size: tuple[int, int] = (40, 64)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (*size, 3), np.uint8)


def test_the_network_answers_like_the_model_it_was_saved_from(checkpoint: Path) -> None:
    network, model = load_network(checkpoint, "cpu"), tiny()
    assert (network.side, network.cells) == (64, 32)
    assert network.embedding == (32, 8, 8)
    answers = network.decode(network.encode(picture()[None])[0], prompt())
    with torch.no_grad():
        batch = {
            "image": torch.from_numpy(picture()).permute(2, 0, 1).float(),
            "original_size": (40, 64),
            "boxes": torch.tensor([[8.0, 8, 40, 30]]),
            "point_coords": torch.tensor([[[20.0, 20]]]),
            "point_labels": torch.tensor([[1]]),
        }
        expected = model([batch], multimask_output=True)[0]
    np.testing.assert_allclose(answers.logits[1:], expected["low_res_logits"][0].numpy(), atol=2e-3)
    np.testing.assert_allclose(answers.quality[1:], expected["iou_predictions"][0].numpy(), atol=2e-3)


@pytest.mark.parametrize("form", ["old", "wrapped", "safetensors", "half"])
def test_other_forms_of_the_file(form: str, checkpoint: Path, tmp_path: Path) -> None:
    state = tiny().state_dict()
    path = tmp_path / ("one.safetensors" if form == "safetensors" else "one.pth")
    if form == "safetensors":
        save_file(state, path)
    elif form == "old":
        torch.save(state, path, _use_new_zipfile_serialization=False)
    elif form == "half":
        torch.save({name: value.half() for name, value in state.items()}, path)
    else:
        torch.save({"model": state}, path)
    answers = []
    for file in (checkpoint, path):
        network = load_network(file, "cpu")
        answers.append(network.decode(network.encode(picture()[None])[0], prompt()).logits)
    np.testing.assert_allclose(*answers, atol=0.05 if form == "half" else 1e-6)


@pytest.mark.parametrize(
    ("name", "width", "depth", "heads", "everywhere"),
    [
        ("vit_b", 768, 12, 12, (2, 5, 8, 11)),
        ("vit_l", 1024, 24, 16, (5, 11, 17, 23)),
        ("vit_h", 1280, 32, 16, (7, 15, 23, 31)),
    ],
)
def test_the_known_sizes_are_recognised(
    name: str, width: int, depth: int, heads: int, everywhere: tuple[int, ...]
) -> None:
    with torch.device("meta"):
        state = sam_model_registry[name]().state_dict()
    sizes = encoder_sizes(state)
    assert (sizes.width, sizes.depth, sizes.heads, sizes.everywhere) == (width, depth, heads, everywhere)
    assert (sizes.image, sizes.patch, sizes.channels, sizes.window) == (1024, 16, 256, 14)
    assert sizes.mlp_width == 4 * width


def text(path: Path, checkpoint: Path) -> None:
    path.write_text("no network")


def empty(path: Path, checkpoint: Path) -> None:
    path.write_bytes(b"")


def truncated(path: Path, checkpoint: Path) -> None:
    path.write_bytes(checkpoint.read_bytes()[: checkpoint.stat().st_size // 2])


def something_else(path: Path, checkpoint: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, path)


def no_tensors(path: Path, checkpoint: Path) -> None:
    torch.save([1, 2], path)


def part_missing(path: Path, checkpoint: Path) -> None:
    state = tiny().state_dict()
    del state["mask_decoder.iou_token.weight"]
    torch.save(state, path)


def code(path: Path, checkpoint: Path) -> None:
    torch.save({"run": Path}, path)


BROKEN = [text, empty, truncated, something_else, no_tensors, part_missing, code]


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("make", BROKEN, ids=[make.__name__ for make in BROKEN])
def test_a_wrong_file_is_named_with_what_to_do(make: object, suffix: str, checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / f"wrong{suffix}"
    make(path, checkpoint)  # type: ignore[operator]
    with pytest.raises(EnvironmentProblem) as caught:
        load_network(path, "cpu")
    assert caught.value.exit_code == 4
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "retarget weights pull" in caught.value.fix


class Clip:
    size = (50, 30)
    count = COUNT

    def read(self, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        for index in range(COUNT):
            yield picture(index, (30, 50) if size is None else size[::-1])


def _note(steps: list[tuple[int, int]], done: int, count: int) -> None:
    steps.append((done, count))


def test_a_whole_clip_through_the_true_architecture(checkpoint: Path) -> None:
    runs = []
    for _ in range(2):
        mattes: list[np.ndarray] = []
        steps: list[tuple[int, int]] = []
        count = partial(_note, steps)
        one = make_segmenter("sam", weights=checkpoint)
        report = one.segment(Clip(), [Hint(4, (10, 5, 20, 15))], mattes.append, count)
        assert [matte.shape for matte in mattes] == [(30, 50)] * COUNT
        assert all(matte.dtype == np.uint8 and set(np.unique(matte)) <= {0, 255} for matte in mattes)
        assert steps[:COUNT] == [(done, COUNT) for done in range(1, COUNT + 1)]
        assert len(report.frame_confidence) == COUNT
        assert 0 <= report.confidence <= 1
        runs.append(np.stack(mattes))
    assert np.array_equal(*runs)
