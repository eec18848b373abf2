"""Eager CPU, eager CUDA and CUDA graph are the same training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from every_phase import PHASES, Builder, builder
from noisy_line import NoisyLine
from shared_draws import SharedDraws

from retarget_cli.errors import Interrupted
from retarget_cli.events import Event, Notice
from retarget_cli.train import loop
from retarget_cli.train.capture import WARM_UP
from retarget_cli.train.engine import Engine
from retarget_cli.train.phase import Phase
from retarget_cli.train.precision import BF16, FP16, FP32, Precision, arithmetic

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
DEVICE = "cuda"
STEPS = 20
Losses = list[dict[str, float]]


def losses(phase: Phase, engine: str = "auto") -> Losses:
    """Of every one of the first steps."""
    said: list[str] = []
    with arithmetic(phase.precision):
        trainer, found = Engine(phase, engine, said.append), []
        for step in range(STEPS):
            trainer.step(step / 200)
            found.append(trainer.meter.read())
    assert said == []
    return found


def assert_alike(found: Losses, wanted: Losses, first: float, later: float) -> None:
    for step, (one, two) in enumerate(zip(found, wanted, strict=True)):
        assert one == pytest.approx(two, rel=first if step == 0 else later, abs=first if step == 0 else later)


@pytest.mark.parametrize("name", list(PHASES))
def test_cpu_gpu_and_graph_have_the_same_losses(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {}
    for device, engine in (("cpu", "eager"), (DEVICE, "eager"), (DEVICE, "auto")):
        phase = builder(name, tmp_path, device=device)()
        with monkeypatch.context() as patch:
            SharedDraws(device).install(patch)
            found[device, engine] = losses(phase, engine)
    assert_alike(found[DEVICE, "eager"], found["cpu", "eager"], first=1e-3, later=5e-2)
    assert_alike(found[DEVICE, "auto"], found["cpu", "eager"], first=1e-3, later=5e-2)


@pytest.mark.parametrize("name", list(PHASES))
@pytest.mark.parametrize("precision", [FP32, BF16, FP16], ids=["fp32", "bf16", "fp16"])
def test_the_graph_draws_and_learns_what_eager_steps_do(name: str, precision: Precision, tmp_path: Path) -> None:
    if precision == BF16 and not torch.cuda.is_bf16_supported(including_emulation=False):
        pytest.skip("this GPU has no bf16 arithmetic")
    build = builder(name, tmp_path, device=DEVICE)
    found, states = [], []
    for engine in ("eager", "auto"):
        phase = build()
        phase.precision = precision
        found.append(losses(phase, engine))
        states.append(phase.generator.get_state())
    # Some kernels add up in any order, and halves round what that changes.
    assert_alike(found[1], found[0], first=1e-3, later=5e-2 if precision == FP32 else 0.2)
    assert torch.equal(states[0], states[1])
    assert len({tuple(values.values()) for values in found[1]}) == STEPS


@pytest.mark.parametrize("name", ["geometry", "paper-strong-geometry", "texture"])
@pytest.mark.parametrize("precision", [FP32, FP16], ids=["fp32", "fp16"])
def test_a_stopped_graph_goes_on_as_one_that_was_not(name: str, precision: Precision, tmp_path: Path) -> None:
    build = builder(name, tmp_path, device=DEVICE)
    whole = weights_after(build, precision, tmp_path / "whole", "eager")
    with pytest.raises(Interrupted):
        weights_after(build, precision, tmp_path / "parts", "auto", stop_after=8)
    parts = weights_after(build, precision, tmp_path / "parts", "auto")
    for key, value in whole.items():
        torch.testing.assert_close(parts[key], value, rtol=0.05, atol=0.02)


def weights_after(
    build: Builder, precision: Precision, folder: Path, engine: str, stop_after: int = 1000
) -> dict[str, torch.Tensor]:
    phase, calls, events = build(), iter(range(1000)), []
    phase.steps, phase.precision = 16, precision
    settings: dict[str, Any] = {"digest": "d", "stage": "s", "reporter": events.append, "engine": engine}
    out = folder / "out"
    out.mkdir(parents=True, exist_ok=True)
    loop.fit(phase, work=folder, out=out, stop=lambda: next(calls) >= stop_after - 1, **settings)
    assert not any("CUDA graph" in event.message for event in events if isinstance(event, Notice))
    return {
        f"{name}/{key}": value.detach().cpu()
        for name, module in phase.modules.items()
        for key, value in module.named_parameters()
    }


@pytest.mark.parametrize("precision", [FP32, FP16], ids=["fp32", "fp16"])
def test_a_replayed_step_goes_as_far_as_the_schedule_says(precision: Precision) -> None:
    phase = NoisyLine(device=DEVICE, precision=precision)
    phase.factor.fill_(1e-3)
    engine = Engine(phase)
    for _ in range(WARM_UP + 2):
        engine.step(0.5)
    moved = []
    for progress in (1.0, 0.9, 0.0):
        before = phase.net.weight.detach().clone()
        engine.step(progress)
        moved.append(float((phase.net.weight.detach() - before).abs()))
    assert moved[0] == 0
    assert 5 * moved[1] < moved[2]


class ReadsOnTheHost(NoisyLine):
    def gradients(self) -> dict[str, torch.Tensor]:
        found = super().gradients()
        found["loss"].item()
        return found


def test_a_step_that_cannot_be_recorded_is_trained_eagerly_with_one_notice(tmp_path: Path) -> None:
    files, notices = [], []
    for kind, engine in ((NoisyLine, "eager"), (ReadsOnTheHost, "auto")):
        events: list[Event] = []
        out = tmp_path / engine
        out.mkdir()
        settings: dict[str, Any] = {"digest": "d", "stage": "line", "reporter": events.append, "stop": lambda: False}
        loop.fit(kind(device=DEVICE), work=out / "work", out=out, engine=engine, **settings)
        files.append((out / "state.safetensors").read_bytes())
        notices.append([event.message for event in events if isinstance(event, Notice)])
    torch.cuda.empty_cache()  # the allocator is whole again
    assert files[0] == files[1]  # the draws went on where they were, too
    assert notices[0] == []
    assert len(notices[1]) == 1
    assert "CUDA graph" in notices[1][0]


def test_looking_between_replays_changes_nothing(tmp_path: Path) -> None:
    build = builder("paper-strong-geometry", tmp_path, device=DEVICE)
    states = []
    for looks in (False, True):
        phase = build()
        engine = Engine(phase)
        for step in range(8):
            engine.step(step / 200)
            if looks:
                phase.held_out()
                phase.preview()
        states.append(phase.generator.get_state())
    assert torch.equal(states[0], states[1])
