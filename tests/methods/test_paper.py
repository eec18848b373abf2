"""The published recipe at a tiny size: both stages train, go on exactly where they were stopped, and draw."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from moving_clips import swinging
from safetensors.torch import load_file

from retarget_cli.errors import EnvironmentProblem, Interrupted, UsageError
from retarget_cli.events import Event, Notice, silent
from retarget_cli.methods import get_method
from retarget_cli.methods.base import PairContext, TransferRequest
from retarget_cli.methods.jokr import losses
from retarget_cli.methods.jokr_paper.method import JokrPaper
from retarget_cli.pipeline.settings import load_config
from retarget_cli.stages.warm_start import Start, begin
from retarget_cli.training import loop
from retarget_cli.training.checkpoint import module_tensors
from retarget_cli.training.engine import Engine
from retarget_cli.training.precision import BF16, FP32

TINY = (
    "geometry.steps=30", "geometry.batch=2", "geometry.size=64", "geometry.keypoints=6", "geometry.widths=8",
    "geometry.most_width=32", "geometry.levels=4", "geometry.generator_width=8", "geometry.residual_blocks=2",
    "geometry.discriminator_width=32", "geometry.learning_rate=2e-3",
    "texture.steps=27", "texture.batch=2", "texture.generator_width=8", "texture.residual_blocks=2",
    "texture.learning_rate=2e-3",
)  # fmt: skip
CLIPS = (swinging(16), swinging(14, width=0.12, phase=1.0, colour=120))


def fit(phase: Any, folder: Path, **options: Any) -> Path:
    out = folder / "out"
    out.mkdir(parents=True, exist_ok=True)
    settings = {"reporter": silent, "stop": lambda: False, **options}
    loop.fit(phase, work=folder / "work", out=out, digest="d", stage=phase.name, **settings)
    return out


def build(preset: str, name: str, states: dict[str, Path], *changes: str) -> Any:
    method = get_method("jokr-paper")
    return method.build_phase(name, PairContext(method.config(preset, (*TINY, *changes)), CLIPS, states, "cpu"), seed=0)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Path], list[Event]]:
    """Result folders of both stages, with the affine, and what was reported."""
    torch.set_num_threads(1)
    folder, states, events = tmp_path_factory.mktemp("paper"), {}, []
    for name in ("geometry", "texture"):
        phase = build("paper", name, states)
        states[name] = fit(phase, folder / name, reporter=events.append)
    return states, events


def test_both_stages_learn(trained: tuple[dict[str, Path], list[Event]]) -> None:
    states, events = trained
    geometry, texture = (json.loads((states[name] / "fit.json").read_text()) for name in ("geometry", "texture"))
    first, last = geometry["history"][0], geometry["history"][-1]
    assert last["silhouette"] < 0.7 * first["silhouette"]
    assert last["inside"] < first["inside"]
    assert all(0 <= geometry["held_out"][name] <= 1 for name in ("iou_a", "iou_b"))
    assert texture["history"][-1]["colour_a"] < 0.8 * texture["history"][0]["colour_a"]
    assert all(math.isfinite(texture["held_out"][name]) for name in ("psnr_a", "psnr_b"))
    assert [event.message for event in events if isinstance(event, Notice)] == [losses.notice("structure")]


@pytest.mark.parametrize("name", ["geometry", "texture"])
def test_a_stage_begins_where_another_run_ended(trained: tuple[dict[str, Path], list[Event]], name: str) -> None:
    states, _ = trained
    start = Start("2026", load_config("paper", None, TINY, device="cpu"), {})
    fresh, begun = (build("paper", name, states) for _ in range(2))
    begin(begun, start, states[name])
    ended = load_file(states[name] / "state.safetensors")
    startable = get_method("jokr-paper").startable(start.config.method_config, name).modules
    begins = module_tensors(fresh) | {path: ended[path] for path in ended if path.partition("/")[0] in startable}
    found = module_tensors(begun)
    assert found.keys() == begins.keys()
    assert all(torch.equal(found[path], begins[path]) for path in found)


@pytest.mark.parametrize("preset", ["paper", "paper-no-affine"])
def test_every_parameter_is_trained(preset: str, trained: tuple[dict[str, Path], list[Event]], tmp_path: Path) -> None:
    phase = build(preset, "geometry", {})
    before = module_tensors(phase)
    engine = Engine(phase)
    for _ in range(2):
        engine.step(0.0)
    still = {name for name, value in module_tensors(phase).items() if torch.equal(value, before[name])}
    buffers = {name for name in before if name.endswith(("down.weight", "num_batches_tracked"))}
    # InstanceNorm takes the mean away again that a bias of the convolution before it adds.
    cancelled = {name for name in before if name.endswith("bias") and "shape/" in name}
    assert still <= buffers | cancelled | ({"affine/theta"} if preset == "paper-no-affine" else set())


@pytest.mark.parametrize(
    ("preset", "name"), [("paper", "geometry"), ("paper-no-affine", "geometry"), ("paper", "texture")]
)
def test_a_stopped_training_goes_on_bit_for_bit(
    preset: str, name: str, trained: tuple[dict[str, Path], list[Event]], tmp_path: Path
) -> None:
    short = (f"{name}.steps=5",)
    states = trained[0] if name == "texture" else {}
    whole = fit(build(preset, name, states, *short), tmp_path / "whole")
    calls = iter(range(100))
    with pytest.raises(Interrupted):
        fit(build(preset, name, states, *short), tmp_path / "parts", stop=lambda: next(calls) >= 2)
    torch.rand(7)  # what else is drawn meanwhile must not matter
    parts = fit(build(preset, name, states, *short), tmp_path / "parts")
    assert (parts / "state.safetensors").read_bytes() == (whole / "state.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("preset", "name"), [("paper", "geometry"), ("paper-no-affine", "geometry"), ("paper", "texture")]
)
def test_scores_on_held_out_frames_change_nothing(
    preset: str, name: str, trained: tuple[dict[str, Path], list[Event]]
) -> None:
    looked, other = (build(preset, name, trained[0] if name == "texture" else {}) for _ in range(2))
    before = {key: value.clone() for key, value in module_tensors(looked).items()}
    assert looked.held_out() == looked.held_out()
    assert all(torch.equal(value, before[key]) for key, value in module_tensors(looked).items())
    assert looked.gradients() == other.gradients()


@pytest.mark.parametrize("look", ["a", "b"])
def test_transfer_draws_one_frame_a_driver_frame(look: Any, trained: tuple[dict[str, Path], list[Event]]) -> None:
    method = get_method("jokr-paper")
    config = method.config("paper", TINY)
    drawn = method.transfer(PairContext(config, CLIPS, trained[0], "cpu"), TransferRequest(look, "learned"))
    frames = list(drawn.frames)
    assert len(frames) == CLIPS[1 if look == "a" else 0].count
    assert frames[0].rgba.shape == (64, 64, 4)
    assert frames[0].keypoints.shape == (6, 2)
    again = next(
        iter(method.transfer(PairContext(config, CLIPS, trained[0], "cpu"), TransferRequest(look, "learned")).frames)
    )
    np.testing.assert_array_equal(again.rgba, frames[0].rgba)
    auto = method.transfer(PairContext(config, CLIPS, trained[0], "cpu"), TransferRequest(look))
    assert "learned" in auto.report["candidates"]


def test_the_verdict_judges_this_recipe_too(trained: tuple[dict[str, Path], list[Event]]) -> None:
    method = get_method("jokr-paper")
    found = method.diagnose(PairContext(method.config("paper", TINY), CLIPS, trained[0], "cpu"))
    assert {"silhouettes", "picture"} <= {finding.name for finding in found}


def test_points_of_the_model_are_in_the_crop(trained: tuple[dict[str, Path], list[Event]]) -> None:
    """T works between bordered pictures; seen from the crop its shift is as much larger as the border makes them."""
    config = get_method("jokr-paper").config("paper", TINY)
    models = {look: JokrPaper().models(PairContext(config, CLIPS, trained[0], "cpu"))(look) for look in "ab"}
    theta = build("paper", "geometry", {}).affine
    from retarget_cli.training.checkpoint import load_modules

    load_modules({"affine": theta}, trained[0]["geometry"])
    linear, shift = theta().detach().numpy()[:, :2], theta().detach().numpy()[:, 2]
    np.testing.assert_allclose(models["a"].to_subject[:, :2], linear, rtol=1e-5)
    np.testing.assert_allclose(models["a"].to_subject[:, 2], 1.4 * shift, rtol=1e-5)
    there = models["a"].to_subject @ [0.3, -0.2, 1]
    np.testing.assert_allclose(models["b"].to_subject @ [*there, 1], [0.3, -0.2], atol=1e-5)


def test_points_are_drawn_where_they_are_in_the_crop(trained: tuple[dict[str, Path], list[Event]]) -> None:
    config = get_method("jokr-paper").config("paper", TINY)
    model: Any = JokrPaper().models(PairContext(config, CLIPS, trained[0], "cpu"))("a")
    model.shape = lambda maps: maps[:, :2]  # draws the first keypoints themselves
    points = np.tile(np.array([0.4, -0.6], np.float32), (1, 6, 1))
    y, x = np.unravel_index(model.silhouettes(points)[0].argmax(), (64, 64))
    np.testing.assert_allclose([x / 31.5 - 1, y / 31.5 - 1], [0.4, -0.6], atol=0.05)


def test_over_grey_the_layer_is_what_was_drawn(trained: tuple[dict[str, Path], list[Event]]) -> None:
    config = get_method("jokr-paper").config("paper", (*TINY, "geometry.border=0"))
    model: Any = JokrPaper().models(PairContext(config, CLIPS, trained[0], "cpu"))("a")
    soft = torch.linspace(0.1, 0.9, 64).expand(1, 2, 64, 64)
    model.shape = lambda maps: soft
    model.texture = lambda silhouette: silhouette * torch.tensor([0.8, -0.4, 0.0])[None, :, None, None]
    layer = model.draw(np.zeros((1, 6, 2), np.float32))[0][0].numpy().astype(float)
    alpha = layer[..., 3:] / 255
    np.testing.assert_allclose(alpha[0, :, 0], soft[0, 0, 0], atol=0.003)
    composite = layer[..., :3] * alpha + 127.5 * (1 - alpha)
    wanted = soft[0, 0, 0, :, None].numpy() * [0.8, -0.4, 0.0]
    np.testing.assert_allclose(composite[0], (wanted + 1) * 127.5, atol=1.5)
    assert layer[..., 0].std() < 1  # one colour everywhere: only the alpha is soft


@pytest.mark.parametrize("name", ["geometry", "texture"])
def test_bf16_gives_finite_losses_and_fp32_weights(name: str, trained: tuple[dict[str, Path], list[Event]]) -> None:
    losses = []
    for precision in (FP32, BF16):
        phase = build("paper", name, trained[0])
        phase.precision = precision
        losses.append({key: float(value) for key, value in phase.gradients().items()})
        assert all(p.dtype == torch.float32 for module in phase.modules.values() for p in module.parameters())
    assert losses[0] == pytest.approx(losses[1], rel=0.1, abs=0.05)
    assert losses[0] != losses[1]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("preset", ["paper", "paper-no-affine"])
def test_it_trains_and_draws_on_a_gpu(preset: str, tmp_path: Path) -> None:
    method, states = get_method("jokr-paper"), {}
    config = method.config(preset, (*TINY, "geometry.steps=3", "texture.steps=3"))
    for name in ("geometry", "texture"):
        phase = method.build_phase(name, PairContext(config, CLIPS, states, "cuda"), seed=0)
        states[name] = fit(phase, tmp_path / name)
    frames = list(method.transfer(PairContext(config, CLIPS, states, "cuda"), TransferRequest("a", "learned")).frames)
    assert len(frames) == CLIPS[1].count


def test_each_frame_is_judged_by_its_own_statistics(trained: tuple[dict[str, Path], list[Event]]) -> None:
    """E stays in training mode: neither the other frames of the clip nor the running statistics count."""
    config = get_method("jokr-paper").config("paper", TINY)
    model: Any = JokrPaper().models(PairContext(config, CLIPS, trained[0], "cpu"))("a")
    together = model.keypoints(CLIPS[0]).points
    for name, buffer in model.extractor.named_buffers():
        if "running" in name:
            buffer.fill_(7.0)
    alone = model.keypoints(type(CLIPS[0])(CLIPS[0].frames[3:4])).points
    np.testing.assert_array_equal(alone[0], together[3])


def test_without_the_affine_nothing_is_moved() -> None:
    phase = build("paper-no-affine", "geometry", {})
    Engine(phase).step(0.0)
    torch.testing.assert_close(phase.affine(), torch.eye(2, 3))


def test_frames_are_mirrored_as_asked(trained: tuple[dict[str, Path], list[Event]]) -> None:
    method = get_method("jokr-paper")
    plain = method.config("paper", (*TINY, "geometry.mirror=none"))
    turned = method.config("paper", (*TINY, "geometry.mirror=a"))
    flipped = (type(CLIPS[0])(CLIPS[0].frames[:, :, ::-1]), CLIPS[1])
    request = TransferRequest("a", "none")
    straight = next(iter(method.transfer(PairContext(plain, CLIPS, trained[0], "cpu"), request).frames))
    back = next(iter(method.transfer(PairContext(turned, flipped, trained[0], "cpu"), request).frames))
    np.testing.assert_array_equal(back.rgba, straight.rgba[:, ::-1])
    with pytest.raises(UsageError, match="mirror"):
        method.build_phase(
            "geometry", PairContext(method.config("paper", ("geometry.mirror=c",)), CLIPS, {}, "cpu"), seed=0
        )


@pytest.mark.parametrize("change", ["geometry.size=100", "geometry.size=96"])
def test_sizes_that_do_not_fit_are_refused(change: str) -> None:
    method = get_method("jokr-paper")
    with pytest.raises(UsageError, match="fit") as caught:
        method.build_phase("geometry", PairContext(method.config("paper", (change,)), CLIPS, {}, "cpu"), seed=0)
    assert "128" in caught.value.fix


def test_with_weights_the_texture_generators_learn_by_lpips(
    trained: tuple[dict[str, Path], list[Event]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Far(torch.nn.Module):
        def forward(self, drawn: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
            assert drawn.requires_grad
            return (drawn - truth).square().mean(dim=(1, 2, 3), keepdim=True) + 5

    monkeypatch.setattr("retarget_cli.weights.manifest.find_weights", Path)
    monkeypatch.setattr(losses, "find_weights", Path)
    monkeypatch.setattr(losses, "read_tensors", lambda path: {"of": path})
    monkeypatch.setattr(losses, "lpips_vgg", lambda tensors: Far() if tensors == {"of": Path("vgg16")} else None)
    phase = build("paper", "texture", trained[0], "texture.perceptual_weight=0.5")
    assert "LPIPS" in phase.notices[0]
    terms = phase.gradients()
    assert 2.5 < float(terms["perceptual_a"]) < 3.5


def test_lpips_without_weights_is_refused_with_a_fix() -> None:
    with pytest.raises(EnvironmentProblem) as caught:
        losses.perceptual_loss("lpips", "cpu")
    assert "weights pull vgg16" in caught.value.fix


def test_the_key_of_stage_2_says_which_perceptual_term_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    method = get_method("jokr-paper")
    config = method.config("paper", ())
    assert method.phase_config(config, "texture")["perceptual"] == "structure"
    monkeypatch.setattr("retarget_cli.weights.manifest.find_weights", Path)
    assert method.phase_config(config, "texture")["perceptual"] == "lpips"
    forced = dataclasses.replace(config, texture=dataclasses.replace(config.texture, perceptual="structure"))
    assert method.phase_config(forced, "texture")["perceptual"] == "structure"
    with pytest.raises(UsageError, match="magic"):
        method.phase_config(method.config("paper", ("texture.perceptual=magic",)), "texture")
