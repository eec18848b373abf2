import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from every_phase import builder

from retarget_cli.errors import Interrupted
from retarget_cli.events import silent
from retarget_cli.methods.jokr.data import Frames, masked
from retarget_cli.methods.jokr.geometry import GeometryPhase, box_alignment, tune_rate
from retarget_cli.methods.jokr.networks import KeypointExtractor, LearnedAffine
from retarget_cli.nn.coords import apply_affine
from retarget_cli.training.checkpoint import module_tensors
from retarget_cli.training.engine import Engine
from retarget_cli.training.loop import fit
from retarget_cli.training.optim import one_cycle


def boxed(left: int, top: int, right: int, bottom: int, empty: int = 0) -> Frames:
    """Ten frames of 65 pixels with one box, then `empty` ones."""
    pixels = torch.zeros(10 + empty, 4, 65, 65, dtype=torch.uint8)
    pixels[:10, 3, top : bottom + 1, left : right + 1] = 255
    return Frames(pixels, torch.arange(9), torch.arange(1), torch.arange(10))


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


def test_an_extractor_from_the_base_may_stay_as_it_is(tmp_path: Path) -> None:
    assert changed("geometry-fixed-base", tmp_path, (0.0, 0.5, 0.9)) == {"shape", "affine", "discriminator"}
    phase = builder("geometry-fixed-base", tmp_path)()
    assert (phase.steps, phase.teacher) == (40, None)
    assert set(phase.gradients()) == {"silhouette", "mean_pose", "confusion", "prior", "discriminator"}
    assert all(parameter.grad is None for parameter in phase.modules["extractor"].parameters())


def test_an_extractor_from_the_base_is_tuned_from_the_start_or_once_it_is_no_longer_frozen(tmp_path: Path) -> None:
    assert "extractor" in changed("geometry-base", tmp_path, (0.0,))
    assert "extractor" not in changed("geometry-late-base", tmp_path, (0.0, 0.3, 0.499))
    assert "extractor" in changed("geometry-late-base", tmp_path, (0.0, 0.3, 0.5))


def test_keypoints_of_the_base_are_held_where_it_finds_them_and_not_pushed_apart(tmp_path: Path) -> None:
    fresh, based = (set(builder(name, tmp_path)().gradients()) for name in ("geometry", "geometry-base"))
    assert (fresh - based, based - fresh) == ({"separation"}, {"anchor"})


def test_the_clips_are_brought_together_by_moving_keypoints_only_without_the_base(tmp_path: Path) -> None:
    def slopes(name: str, weight: int) -> list[torch.Tensor]:
        changes = (f"geometry.mean_pose={weight}", f"geometry.confusion={weight}")
        phase = builder(name, tmp_path, changes=changes)()
        phase.gradients()
        return [parameter.grad for parameter in (*phase.extractor.parameters(), *phase.affine.parameters())]

    for name, same in (("geometry", False), ("geometry-base", True)):
        pairs = list(zip(slopes(name, 0), slopes(name, 9), strict=True))
        affine = len(list(LearnedAffine().parameters()))
        assert all(torch.equal(one, other) for one, other in pairs[:-affine]) == same
        assert not any(torch.equal(one, other) for one, other in pairs[-affine:])  # T learns it all the same


@pytest.mark.parametrize("name", ["geometry", "geometry-base", "geometry-fixed-base"])
def test_clips_taken_together_teach_what_they_teach_one_by_one(name: str, tmp_path: Path) -> None:
    losses, slopes = [], []
    for channels in ([(0,), (1,)], [(0, 1)]):
        phase = builder(name, tmp_path)()
        phase._channels = channels
        losses.append(phase.gradients())
        slopes.append([value.grad for each in phase.optimizers for value in phase.learned_by(each)])
    apart, together = losses
    torch.testing.assert_close(apart, together, rtol=1e-4, atol=1e-6)
    largest = max(float(slope.abs().max()) for slope in slopes[1])
    for one, other in zip(*slopes, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5 * largest)


def found(extractor: KeypointExtractor, phase: GeometryPhase) -> torch.Tensor:
    """(2, N, K, 2) keypoints of both clips."""
    with torch.no_grad():
        return torch.stack([extractor(masked(clip.pixels[:12]))[0] for clip in phase.clips])


def tuned(folder: Path, *changes: str) -> GeometryPhase:
    """A phase that began with the base, after 20 steps."""
    phase = builder("geometry-base", folder, changes=changes)()
    engine = Engine(phase)
    for step in range(20):
        engine.step(step / 20)
    return phase


def test_the_anchor_keeps_keypoints_near_the_places_where_the_base_finds_them(tmp_path: Path) -> None:
    strays = {}
    for weight in (0, 20):
        phase = tuned(tmp_path, f"geometry.anchor={weight}")
        fresh = builder("geometry-base", tmp_path)()
        torch.testing.assert_close(found(phase.teacher, phase), found(fresh.extractor, fresh), rtol=0, atol=0)
        strays[weight] = (found(phase.extractor, phase) - found(phase.teacher, phase)).norm(dim=-1).mean().item()
    assert strays[0] > 0.1
    assert strays[20] < 0.6 * strays[0]


def test_small_steps_away_from_the_base_are_free(tmp_path: Path) -> None:
    phase = builder("geometry-base", tmp_path)()
    seen = masked(torch.cat([clip.pixels[:6] for clip in phase.clips]))
    with torch.no_grad():
        points = phase.teacher(seen)[0]
    for step, price in ((0.0, 0.0), (0.02, 0.0), (0.13, 0.1)):
        away = points + torch.tensor([step, 0.0])
        assert phase._straying(phase.teacher, seen, away).item() == pytest.approx(price, abs=1e-3)


def test_the_teacher_is_neither_trained_nor_stored(tmp_path: Path) -> None:
    phase = builder("geometry-base", tmp_path)()
    assert set(phase.modules) == {"extractor", "shape", "affine", "discriminator"}
    assert all(module is not phase.teacher for module in phase.modules.values())
    own = {id(parameter) for parameter in phase.teacher.parameters()}
    held = [p for optimizer in phase.optimizers.values() for group in optimizer.param_groups for p in group["params"]]
    assert not own & {id(parameter) for parameter in held}
    assert not any(parameter.requires_grad for parameter in phase.teacher.parameters())
    assert builder("geometry", tmp_path)().teacher is None


def test_a_stopped_training_goes_on_with_the_same_teacher_bit_for_bit(tmp_path: Path) -> None:
    build = builder("geometry-base", tmp_path)

    def train(folder: str, stop: Callable[[], bool] = lambda: False) -> dict[str, bytes]:
        out = tmp_path / folder / "out"
        out.mkdir(parents=True, exist_ok=True)
        phase = build()
        phase.steps = 12
        fit(phase, work=out.parent, out=out, digest="d", stage="geometry", reporter=silent, stop=stop)
        return {path.name: path.read_bytes() for path in out.iterdir()}

    calls = iter(range(100))
    with pytest.raises(Interrupted):
        train("parts", stop=lambda: next(calls) >= 6)
    whole = train("whole")
    assert train("parts") == whole
    assert json.loads(whole["fit.json"])["history"][-1]["anchor"] > 0.01  # it had strayed: another teacher would show


def test_the_rate_of_tuning_is_exactly_zero_until_its_time() -> None:
    assert [tune_rate(at, 0.5, 2e-4) for at in (0.0, 0.4999)] == [0.0, 0.0]
    assert tune_rate(0.75, 0.5, 2e-4) == one_cycle(0.5, 2e-4)
    assert max(tune_rate(at / 100, 0.5, 2e-4) for at in range(100)) == pytest.approx(2e-4, rel=1e-2)
    assert tune_rate(0.0, 0.0, 2e-4) > 0
