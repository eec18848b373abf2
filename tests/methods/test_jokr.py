"""JOKR as a method: tiny settings, both phases and the transfer, on drawn clips."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from moving_clips import swinging

from retarget_cli.errors import UsageError
from retarget_cli.events import silent
from retarget_cli.methods import get_method
from retarget_cli.methods.base import PairContext, Playback, TransferRequest
from retarget_cli.methods.jokr import losses
from retarget_cli.methods.jokr.transfer import without_specks
from retarget_cli.metrics.shape import pairwise_iou
from retarget_cli.pipeline.settings import load_config
from retarget_cli.stages.warm_start import Start, begin
from retarget_cli.training.engine import Engine
from retarget_cli.training.loop import fit
from retarget_cli.training.phase import Phase
from retarget_cli.training.precision import BF16, FP32
from retarget_cli.utils.fields import to_json

TINY = (
    "detail.steps=0",
    "geometry.steps=60",
    "geometry.size=32",
    "geometry.batch=4",
    "geometry.keypoints=6",
    "geometry.widths=16,24",
    "texture.steps=80",
    "texture.size=64",
    "texture.widths=16,24",
)
CLIPS = (swinging(), swinging(20, width=0.12, phase=1.0, colour=120))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, Path]]:
    """Config and result folders of both phases."""
    torch.set_num_threads(1)
    folder, method, states = tmp_path_factory.mktemp("jokr"), get_method("jokr"), {}
    config = method.config("draft", TINY)
    for phase in method.phases(config):
        states[phase] = folder / phase
        states[phase].mkdir()
        built = method.build_phase(phase, PairContext(config, CLIPS, states, "cpu"), seed=0)
        fit(
            built,
            work=folder / f"{phase}-work",
            out=states[phase],
            digest="d",
            stage=phase,
            reporter=silent,
            stop=lambda: False,
        )
    return config, states


def test_both_phases_learn(trained: tuple[Any, dict[str, Path]]) -> None:
    _, states = trained
    geometry = json.loads((states["geometry"] / "fit.json").read_text())
    assert geometry["history"][-1]["silhouette"] < 0.6 * geometry["history"][0]["silhouette"]
    assert min(geometry["held_out"]["iou_a"], geometry["held_out"]["iou_b"]) > 0.5
    texture = json.loads((states["texture"] / "fit.json").read_text())
    assert texture["history"][-1]["colour_a"] < 0.6 * texture["history"][0]["colour_a"]


def trained_tensors(phase: Phase) -> Iterator[tuple[str, torch.Tensor]]:
    for name, module in phase.modules.items():
        for key, value in module.named_parameters():
            yield f"{name}/{key}", value.detach()


def test_every_parameter_is_trained(trained: tuple[Any, dict[str, Path]]) -> None:
    config, states = trained
    for name in ("geometry", "texture"):
        phase = get_method("jokr").build_phase(name, PairContext(config, CLIPS, states, "cpu"), seed=0)
        before = {path: value.clone() for path, value in trained_tensors(phase)}
        engine = Engine(phase)
        for step in range(3):
            engine.step(step / 3)
        after = dict(trained_tensors(phase))
        still = {path for path in before if torch.equal(before[path], after[path])}
        # At first discriminators are unsure, and the two halves of the hinge loss cancel in the last bias.
        assert still <= {"critic_a/head.bias", "critic_b/head.bias"}


def test_a_phase_begins_where_another_run_ended(trained: tuple[Any, dict[str, Path]]) -> None:
    """A pair of other widths and colours, so that what both share is what helps; T and discriminators are fresh."""
    config, states = trained
    clips = (swinging(20, width=0.1, phase=2.0, colour=90), swinging(22, width=0.16, phase=0.5, colour=180))
    start = Start("2026", load_config("draft", None, TINY, device="cpu"), {})
    for name, loss in (("geometry", "silhouette"), ("texture", "edges_a")):
        fresh, begun = (
            get_method("jokr").build_phase(name, PairContext(config, clips, states, "cpu"), seed=0) for _ in range(2)
        )
        begin(begun, start, states[name])
        losses = [float(phase.gradients()[loss].detach()) for phase in (fresh, begun)]
        assert losses[1] < 0.7 * losses[0]
        startable = get_method("jokr").startable(config, name).modules
        before, after = dict(trained_tensors(fresh)), dict(trained_tensors(begun))
        same = {path.partition("/")[0] for path in before if torch.equal(before[path], after[path])}
        assert same.isdisjoint(startable)
        assert same == {path.partition("/")[0] for path in before} - set(startable)


@pytest.mark.parametrize("name", ["geometry", "texture"])
def test_bf16_gives_nearly_the_same_losses_and_fp32_weights(trained: tuple[Any, dict[str, Path]], name: str) -> None:
    config, states = trained
    losses = []
    for precision in (FP32, BF16):
        phase = get_method("jokr").build_phase(name, PairContext(config, CLIPS, states, "cpu"), seed=0)
        phase.precision = precision
        losses.append({key: float(value) for key, value in phase.gradients().items()})
        assert all(p.dtype == torch.float32 for module in phase.modules.values() for p in module.parameters())
    assert losses[0] == pytest.approx(losses[1], rel=0.05, abs=0.02)
    assert losses[0] != losses[1]


@pytest.mark.parametrize("look", ["a", "b"])
def test_transfer_draws_one_frame_a_driver_frame(trained: tuple[Any, dict[str, Path]], look: Any) -> None:
    config, states = trained
    drawn = get_method("jokr").transfer(PairContext(config, CLIPS, states, "cpu"), TransferRequest(look))
    frames = list(drawn.frames)
    subject, driver = CLIPS if look == "a" else CLIPS[::-1]
    assert len(frames) == driver.count
    assert frames[0].rgba.shape == (64, 64, 4)
    assert frames[0].keypoints.shape == frames[0].driver_keypoints.shape == (6, 2)
    assert set(drawn.report["candidates"]) >= {"learned", "moments", "relative", "none"}
    best = max(drawn.report["candidates"].values(), key=lambda scores: scores["total"])
    assert drawn.report["candidates"][drawn.report["affine"]] == best
    overlap = pairwise_iou(
        np.stack([frame.rgba[:, :, 3] / 255 for frame in frames]), subject.frames[:, :, :, 3].astype(float) / 255
    )
    assert overlap.max(axis=1).mean() > 0.5


def test_a_playback_draws_its_moments(trained: tuple[Any, dict[str, Path]]) -> None:
    config, states = trained
    method = get_method("jokr")
    plain = list(method.transfer(PairContext(config, CLIPS, states, "cpu"), TransferRequest("a", "none")).frames)
    times = tuple(range(CLIPS[1].count))
    halves = Playback(Fraction(1, 25), times, (Fraction(3), Fraction(7, 2), Fraction(4)), (3, 3, 4))
    drawn = list(
        method.transfer(PairContext(config, CLIPS, states, "cpu"), TransferRequest("a", "none", halves)).frames
    )
    np.testing.assert_array_equal(drawn[0].keypoints, plain[3].keypoints)
    np.testing.assert_allclose(drawn[2].rgba, plain[4].rgba, atol=1)
    low, high = (choose(plain[3].keypoints, plain[4].keypoints) for choose in (np.minimum, np.maximum))
    assert ((drawn[1].keypoints >= low) & (drawn[1].keypoints <= high)).all()
    steady = Playback(Fraction(1, 25), times, tuple(map(Fraction, times)), times, smooth=0.5)
    smooth = list(
        method.transfer(PairContext(config, CLIPS, states, "cpu"), TransferRequest("a", "none", steady)).frames
    )
    moved, moves = (np.abs(np.diff([frame.keypoints for frame in each], axis=0)).sum() for each in (smooth, plain))
    assert moved < 0.8 * moves


def test_six_numbers_are_taken_as_they_are(trained: tuple[Any, dict[str, Path]]) -> None:
    config, states = trained
    request = TransferRequest("a", (1.0, 0.0, 0.25, 0.0, 1.0, 0.0))
    drawn = get_method("jokr").transfer(PairContext(config, CLIPS, states, "cpu"), request)
    frame = next(iter(drawn.frames))
    np.testing.assert_allclose(frame.keypoints - frame.driver_keypoints, [[0.25, 0.0]] * 6, atol=1e-5)


def test_a_mirrored_driver_is_drawn_the_way_the_subject_faces(trained: tuple[Any, dict[str, Path]]) -> None:
    config, states = trained
    tail = CLIPS[0].frames.copy()
    tail[:, 20:24, 4:20] = 255
    clips = (type(CLIPS[0])(tail), type(CLIPS[0])(tail[:, :, ::-1]))
    one = get_method("jokr").transfer(PairContext(config, clips, states, "cpu"), TransferRequest("b", "none"))
    assert one.report["mirrored"]
    straight = get_method("jokr").transfer(
        PairContext(config, (clips[0], clips[0]), states, "cpu"), TransferRequest("b", "none")
    )
    first, second = next(iter(one.frames)), next(iter(straight.frames))
    np.testing.assert_array_equal(first.rgba, second.rgba[:, ::-1])
    np.testing.assert_allclose(first.keypoints[:, 0], -second.keypoints[:, 0])


def test_either_clip_may_be_the_mirrored_one(trained: tuple[Any, dict[str, Path]]) -> None:
    _, states = trained
    method = get_method("jokr")
    request = TransferRequest("a", "none")
    turned = method.transfer(
        PairContext(method.config("draft", (*TINY, "geometry.mirror=a")), CLIPS, states, "cpu"), request
    )
    plain = method.transfer(
        PairContext(method.config("draft", (*TINY, "geometry.mirror=none")), CLIPS, states, "cpu"), request
    )
    assert (turned.report["mirrored"], plain.report["mirrored"]) == (True, False)
    first, second = next(iter(turned.frames)), next(iter(plain.frames))
    np.testing.assert_array_equal(first.rgba, second.rgba[:, ::-1])


def test_facing_found_by_itself_leaves_keys_as_they_were() -> None:
    method = get_method("jokr")
    auto, told = method.config("draft", ("geometry.mirror=auto",)), method.config("draft", ("geometry.mirror=b",))
    assert "mirror" not in method.phase_config(auto, "geometry")
    assert "mirror" not in to_json(auto)["geometry"]
    assert method.phase_config(told, "geometry")["mirror"] == to_json(told)["geometry"]["mirror"] == "b"


def test_unknown_presets_and_keys_are_refused() -> None:
    method = get_method("jokr")
    with pytest.raises(UsageError, match="preset"):
        method.config("huge", ())
    with pytest.raises(UsageError, match="stepz"):
        method.config("draft", ("geometry.stepz=3",))
    with pytest.raises(UsageError, match="which clip to mirror"):
        method.config("draft", ("geometry.mirror=yes",))


def test_a_phase_depends_on_its_own_settings_only() -> None:
    method = get_method("jokr")
    one, two = method.config("draft", ()), method.config("draft", ("texture.steps=7",))
    assert method.phase_config(one, "geometry") == method.phase_config(two, "geometry")
    assert method.phase_config(one, "texture") != method.phase_config(two, "texture")


def test_specks_are_removed_and_limbs_are_kept() -> None:
    rgba = np.zeros((32, 32, 4), np.uint8)
    rgba[4:20, 4:20, 3] = 255
    rgba[22:30, 6:9, 3] = 255
    rgba[28, 28, 3] = 200
    cleaned = without_specks(rgba)
    assert cleaned[28, 28, 3] == 0
    assert np.array_equal(cleaned[:28], rgba[:28])


def test_with_weights_lpips_takes_the_discriminators_place(
    trained: tuple[Any, dict[str, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Far(torch.nn.Module):
        def forward(self, drawn: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
            assert drawn.requires_grad
            return (drawn - truth).square().mean(dim=(1, 2, 3), keepdim=True) + 5

    config, states = trained
    monkeypatch.setattr("retarget_cli.weights.manifest.find_weights", Path)
    monkeypatch.setattr(losses, "find_weights", Path)
    monkeypatch.setattr(losses, "read_tensors", lambda path: {"of": path})
    monkeypatch.setattr(losses, "lpips_vgg", lambda tensors: Far() if tensors == {"of": Path("vgg16")} else None)
    phase = get_method("jokr").build_phase("texture", PairContext(config, CLIPS, states, "cpu"), seed=0)
    terms = phase.gradients()
    assert "LPIPS (VGG-16)" in phase.notices[0]
    assert 5 < float(terms["perceptual_a"]) < 7
    assert not any(name.startswith(("critic", "features", "discriminator")) for name in terms)
    assert phase.optimizers.keys() == {"painter_a", "painter_b"} == phase.modules.keys() - {"sources_a", "sources_b"}


def test_without_weights_it_says_what_stands_in(trained: tuple[Any, dict[str, Path]]) -> None:
    config, states = trained
    phase = get_method("jokr").build_phase("texture", PairContext(config, CLIPS, states, "cpu"), seed=0)
    assert phase.notices == (losses.notice("structure"),)
