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
from retarget_cli.events import Event, Notice, silent
from retarget_cli.training import checkpoint, loop
from retarget_cli.training.cuda_graph import WARM_UP
from retarget_cli.training.engine import Engine
from retarget_cli.training.phase import Phase
from retarget_cli.training.precision import BF16, FP16, FP32, Precision, arithmetic

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
DEVICE = "cuda"
STEPS = 20
LARGER = ("geometry.size=64", "geometry.batch=4")  # the smallest maps are too small for rounding to stay small
Losses = list[dict[str, float]]


def build(name: str, folder: Path, device: str) -> Builder:
    return builder(name, folder, device=device, changes=LARGER)


def losses(phase: Phase, engine: str = "auto", steps: range = range(STEPS), saved: Path | None = None) -> Losses:
    """Of every step, at low rates: at the usual ones a last bit grows into tenths in 20 steps.

    saved: where to go on from, and to save to.
    """
    said: list[str] = []
    for group in (group for optimizer in phase.optimizers.values() for group in optimizer.param_groups):
        group["lr"] = group["lr"] if isinstance(group["lr"], torch.Tensor) else 0.1 * group["lr"]
    with arithmetic(phase.precision):
        trainer, found = Engine(phase, engine, said.append), []
        if saved is not None:
            assert checkpoint.restore(trainer, saved, "d").step == steps.start
        for step in steps:
            trainer.step(step / 2000)  # where the rate that is scheduled rises slowly
            found.append(trainer.meter.read())
        if saved is not None:
            checkpoint.save(trainer, saved, "d", checkpoint.Record(steps.stop))
    assert said == []
    return found


def assert_alike(found: Losses, wanted: Losses, first: float, later: float) -> None:
    for step, (one, two) in enumerate(zip(found, wanted, strict=True)):
        assert one == pytest.approx(two, rel=first if step == 0 else later, abs=first if step == 0 else later)


@pytest.mark.parametrize("name", list(PHASES))
def test_cpu_gpu_and_graph_have_the_same_losses(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {}
    for device, engine in (("cpu", "eager"), (DEVICE, "eager"), (DEVICE, "auto")):
        phase = build(name, tmp_path, device)()
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
    make = build(name, tmp_path, DEVICE)
    found, states = [], []
    for engine in ("eager", "auto"):
        phase = make()
        phase.precision = precision
        found.append(losses(phase, engine))
        states.append(phase.generator.get_state())
    # Some kernels add up in any order, and halves round what that changes.
    assert_alike(found[1], found[0], first=1e-3, later=5e-2 if precision == FP32 else 0.2)
    assert torch.equal(states[0], states[1])
    assert len({tuple(values.values()) for values in found[1]}) == STEPS


@pytest.mark.parametrize("precision", [FP32, FP16], ids=["fp32", "fp16"])
def test_a_stopped_graph_ends_as_eager_steps_without_a_stop(precision: Precision, tmp_path: Path) -> None:
    def train(folder: str, engine: str, stop_after: int = 1000) -> bytes:
        out, calls = tmp_path / folder / "out", iter(range(1000))
        out.mkdir(parents=True, exist_ok=True)
        settings: dict[str, Any] = {"digest": "d", "stage": "line", "reporter": silent, "engine": engine}
        phase = NoisyLine(device=DEVICE, precision=precision)
        loop.fit(phase, work=out.parent, out=out, stop=lambda: next(calls) >= stop_after - 1, **settings)
        return (out / "state.safetensors").read_bytes()

    with pytest.raises(Interrupted):
        train("parts", "auto", stop_after=11)
    assert train("parts", "auto") == train("whole", "eager")


@pytest.mark.parametrize("name", list(PHASES))
def test_every_phase_goes_on_from_what_a_graph_saved(name: str, tmp_path: Path) -> None:
    make = build(name, tmp_path, DEVICE)
    first = make()
    started = losses(first, steps=range(8), saved=tmp_path)
    second = make()
    found = losses(second, steps=range(8, STEPS), saved=tmp_path)
    whole = make()
    assert_alike([*started, *found], losses(whole, "eager"), first=1e-3, later=5e-2)
    assert torch.equal(second.generator.get_state(), whole.generator.get_state())


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
    make = build("paper-strong-geometry", tmp_path, DEVICE)
    states = []
    for looks in (False, True):
        phase = make()
        engine = Engine(phase)
        for step in range(8):
            engine.step(step / 200)
            if looks:
                phase.held_out()
                phase.preview()
        states.append(phase.generator.get_state())
    assert torch.equal(states[0], states[1])
