import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from every_phase import builder

from retarget_cli.methods.jokr.data import Frames
from retarget_cli.methods.jokr.geometry import box_alignment, tune_rate
from retarget_cli.methods.jokr.networks import LearnedAffine
from retarget_cli.nn.coords import apply_affine
from retarget_cli.training.checkpoint import module_tensors
from retarget_cli.training.engine import Engine
from retarget_cli.training.optim import one_cycle


def boxed(left: int, top: int, right: int, bottom: int, empty: int = 0) -> Frames:
    """Ten frames of 65 pixels with one box, then `empty` ones."""
    pixels = torch.zeros(10 + empty, 4, 65, 65, dtype=torch.uint8)
    pixels[:10, 3, top : bottom + 1, left : right + 1] = 255
    return Frames(pixels, torch.arange(9), torch.arange(1))


def test_boxes_are_brought_onto_each_other() -> None:
    scale, shift = box_alignment(boxed(16, 0, 48, 64), boxed(0, 16, 16, 32))
    corners = torch.tensor([[-1.0, -0.5], [-0.5, 0.0]])
    torch.testing.assert_close(corners * scale + shift, torch.tensor([[-0.5, -1.0], [0.5, 1.0]]))


def test_frames_without_the_object_do_not_count() -> None:
    with_gaps = box_alignment(boxed(16, 0, 48, 64, empty=30), boxed(0, 16, 16, 32))
    without = box_alignment(boxed(16, 0, 48, 64), boxed(0, 16, 16, 32))
    for one, two in zip(with_gaps, without, strict=True):
        torch.testing.assert_close(one, two)


def test_the_learned_map_begins_where_it_is_told() -> None:
    affine = LearnedAffine()
    affine.start_at(torch.tensor([2.0, 0.5]), torch.tensor([0.1, -0.2]))
    moved = apply_affine(affine().detach(), torch.tensor([[[0.3, 0.4]]]))
    torch.testing.assert_close(moved, torch.tensor([[[0.7, 0.0]]]))


def test_the_learned_map_cannot_shear() -> None:
    affine = LearnedAffine()
    with torch.no_grad():
        for value in affine.parameters():
            value.uniform_(-0.5, 0.5, generator=torch.Generator().manual_seed(0))
    columns = affine().detach().numpy()[:, :2]
    np.testing.assert_allclose(columns[:, 0] @ columns[:, 1], 0, atol=1e-6)


def changed(name: str, folder: Path, progresses: tuple[float, ...]) -> set[str]:
    """The modules that steps at these places in the training have changed."""
    phase = builder(name, folder)()
    before = module_tensors(phase)
    engine = Engine(phase)
    for progress in progresses:
        engine.step(progress)
    return {
        key.partition("/")[0] for key, value in module_tensors(phase).items() if not torch.equal(value, before[key])
    }


def test_an_extractor_from_the_base_stays_as_it_is(tmp_path: Path) -> None:
    assert changed("geometry-base", tmp_path, (0.0, 0.5, 0.9)) == {"shape", "affine", "discriminator"}
    phase = builder("geometry-base", tmp_path)()
    assert phase.steps == 40
    assert set(phase.gradients()) == {"silhouette", "mean_pose", "confusion", "prior", "discriminator"}
    assert all(parameter.grad is None for parameter in phase.modules["extractor"].parameters())


def test_an_extractor_from_the_base_is_tuned_once_it_is_no_longer_frozen(tmp_path: Path) -> None:
    assert "extractor" not in changed("geometry-tuned-base", tmp_path, (0.0, 0.3, 0.499))
    assert "extractor" in changed("geometry-tuned-base", tmp_path, (0.0, 0.3, 0.5))


def test_the_rate_of_tuning_is_exactly_zero_until_its_time() -> None:
    assert [tune_rate(at, 0.5, 2e-4) for at in (0.0, 0.4999)] == [0.0, 0.0]
    assert tune_rate(0.75, 0.5, 2e-4) == one_cycle(0.5, 2e-4)
    assert max(tune_rate(at / 100, 0.5, 2e-4) for at in range(100)) == pytest.approx(2e-4, rel=1e-2)
    assert tune_rate(0.0, 0.0, 2e-4) > 0


def test_both_texture_generators_begin_with_the_base(tmp_path: Path) -> None:
    phase = builder("texture-base", tmp_path)()
    one, other = (phase.modules[name].state_dict() for name in ("painter_a", "painter_b"))
    assert all(torch.equal(value, other[key]) for key, value in one.items())
    assert (phase.steps, dataclasses.asdict(phase.config)["base_steps"]) == (40, 40)
    fresh = builder("texture", tmp_path)()
    assert not torch.equal(fresh.modules["painter_a"].head[0].weight, fresh.modules["painter_b"].head[0].weight)
