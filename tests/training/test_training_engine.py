import gc
import math
import weakref
from pathlib import Path

import pytest
import torch
from cpu_graph import CpuRecorder
from noisy_line import NoisyLine

from retarget_cli.errors import EnvironmentProblem, Interrupted
from retarget_cli.events import silent
from retarget_cli.training import cuda_graph, loop
from retarget_cli.training.engine import Engine
from retarget_cli.training.precision import BF16, FP16, FP32, Precision


def weights(phase: NoisyLine) -> torch.Tensor:
    return torch.cat([value.detach().flatten() for value in phase.net.parameters()])


def test_a_step_goes_as_far_as_the_schedule_says() -> None:
    phase = NoisyLine()
    engine = Engine(phase)
    moved = []
    for progress in (0.0, 0.5, 1.0):
        before = weights(phase)
        engine.step(progress)
        moved.append(float((weights(phase) - before).abs().max()))
    assert moved[0] == pytest.approx(0.05, rel=1e-3)  # Adam's first step is as long as the rate
    assert moved[1] == pytest.approx(0.025, rel=0.1)
    assert moved[2] == 0


def test_gradients_that_are_given_lie_in_memory_as_their_parameters_do() -> None:
    phase = NoisyLine()
    phase.net = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    phase.optimizers = {"net": torch.optim.Adam(phase.net.parameters(), lr=0.1, fused=True)}
    given = [torch.randn(value.shape).contiguous() for value in phase.learned_by("net")]
    before = [value.detach().clone() for value in phase.net.parameters()]
    phase.fill("net", given)
    phase.optimizers["net"].step()
    for value, old, gradient in zip(phase.net.parameters(), before, given, strict=True):
        assert value.grad is not None
        assert value.grad.stride() == value.stride()
        torch.testing.assert_close(value.detach() - old, -0.1 * gradient.sign(), rtol=1e-3, atol=1e-4)


def test_losses_are_means_since_the_last_reading() -> None:
    single, joined = Engine(NoisyLine()), Engine(NoisyLine())
    each = []
    for step in range(5):
        single.step(step / 40)
        each.append(single.meter.read()["loss"])
        joined.step(step / 40)
    assert len(set(each)) == 5
    assert joined.meter.read()["loss"] == pytest.approx(sum(each) / 5)
    joined.step(0.2)
    assert joined.meter.read()["loss"] != pytest.approx(sum(each) / 5)


@pytest.mark.parametrize("precision", [FP32, BF16])
def test_a_loss_that_is_no_number_shows(precision: Precision) -> None:
    phase = NoisyLine(precision=precision)
    engine = Engine(phase)
    engine.step(0.0)
    phase.factor.fill_(math.inf)
    engine.step(0.0)
    assert not math.isfinite(engine.meter.read()["loss"])


def test_loss_scaling_changes_nothing_but_the_arithmetic() -> None:
    found = []
    for precision in (FP32, FP16):
        phase = NoisyLine(precision=precision)
        phase.factor.fill_(1e-3)  # so that not even the first scale is too large
        engine = Engine(phase)
        for step in range(30):
            engine.step(step / 40)
        found.append((weights(phase), engine.meter.read()["loss"]))
    torch.testing.assert_close(found[0][0], found[1][0], rtol=0.02, atol=0.01)
    assert found[0][1] == pytest.approx(found[1][1], rel=0.02)
    assert not torch.equal(found[0][0], found[1][0])


def test_a_step_that_overflows_is_left_out_and_the_scale_falls() -> None:
    phase = NoisyLine(precision=FP16)
    engine = Engine(phase)
    engine.step(0.0)
    before, scale = weights(phase), engine.state()["scaler"]["scale"]
    loss = engine.meter.read()["loss"]
    phase.factor.fill_(1e33)  # the loss is a number, its scaled gradients are not
    engine.step(0.0)
    assert torch.equal(weights(phase), before)
    assert engine.state()["scaler"]["scale"] == scale / 2
    phase.factor.fill_(math.inf)
    engine.step(0.0)
    phase.factor.fill_(1.0)
    engine.meter.read()
    engine.step(0.0)
    assert engine.meter.read()["loss"] == pytest.approx(loss, rel=0.5)
    assert not torch.equal(weights(phase), before)


def test_gradients_that_are_replayed_are_scaled_by_the_scale_of_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for recorder in (None, CpuRecorder()):
        monkeypatch.setattr(cuda_graph, "recorder", lambda generator, recorder=recorder: recorder)
        phase = NoisyLine(precision=FP16)
        engine, losses = Engine(phase), []
        for step in range(12):
            phase.factor.fill_(1e33 if step in (5, 6) else 1e-3)
            engine.step(step / 40)
            losses.append(engine.meter.read()["loss"])
        found.append((losses, engine.state()["scaler"], phase.net.weight.item()))
    assert found[0] == found[1]
    assert found[0][1]["scale"] == 2**14


def fit(phase: NoisyLine, folder: Path, stop: object = lambda: False) -> dict[str, bytes]:
    out = folder / "out"
    out.mkdir(parents=True, exist_ok=True)
    loop.fit(phase, work=folder, out=out, digest="d", stage="line", reporter=silent, stop=stop)  # type: ignore[arg-type]
    return {path.name: path.read_bytes() for path in out.iterdir()}


class Overflowing(NoisyLine):
    """Its first gradients are too large for the first scales, so that the scale is part of what it goes on from."""

    def gradients(self) -> dict[str, torch.Tensor]:
        self.factor.fill_(1e33)
        return super().gradients()


@pytest.mark.parametrize("after", [2, 7, 30])
def test_a_stopped_fp16_run_ends_as_if_it_had_not_been_stopped(tmp_path: Path, after: int) -> None:
    whole = fit(Overflowing(precision=FP16), tmp_path / "whole")
    calls = iter(range(1000))
    with pytest.raises(Interrupted):
        fit(Overflowing(precision=FP16), tmp_path / "parts", stop=lambda: next(calls) >= after - 1)
    assert fit(Overflowing(precision=FP16), tmp_path / "parts") == whole


def test_a_skipped_step_is_no_divergence_but_nothing_else_is_one(tmp_path: Path) -> None:
    class Sometimes(NoisyLine):
        broken = range(3, 5)
        done = 0

        def gradients(self) -> dict[str, torch.Tensor]:
            self.factor.fill_(math.inf if self.done in self.broken else 1.0)
            self.done += 1
            return super().gradients()

    fit(Sometimes(precision=FP16), tmp_path / "once")
    with pytest.raises(EnvironmentProblem, match="diverged"):
        fit(Sometimes(precision=FP32), tmp_path / "fp32")
    always = Sometimes(precision=FP16)
    always.broken = range(1000)
    with pytest.raises(EnvironmentProblem, match="diverged"):
        fit(always, tmp_path / "always")


@pytest.mark.parametrize("graph", [False, True])
def test_a_forgotten_training_holds_no_memory(graph: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even until the next round of garbage collection: the next phase needs the memory now."""
    monkeypatch.setattr(cuda_graph, "recorder", lambda generator: CpuRecorder() if graph else None)
    phase = NoisyLine()
    weight = weakref.ref(phase.net.weight)
    engine = Engine(phase)
    gc.disable()
    try:
        for step in range(6):
            engine.step(step / 40)
        del engine, phase
        assert weight() is None
    finally:
        gc.enable()
