"""Steps with a clock beside them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cpu_graph import CpuRecorder
from every_phase import builder
from noisy_line import NoisyLine
from torch import Tensor

from retarget_cli.bench.device_meter import DeviceMeter
from retarget_cli.bench.plan import BASELINE, PLAIN, Mode
from retarget_cli.bench.trainer import Trainer
from retarget_cli.training import cuda_graph
from retarget_cli.training.phase import Phase
from retarget_cli.training.precision import BF16, FP32

GRAPH = Mode("graph", graph=True)


def trainer(build: Callable[[], Phase], mode: Mode = BASELINE) -> Trainer:
    return Trainer(build, mode, BF16, DeviceMeter("cpu"))


class Idle(NoisyLine):
    """Waits for most of its time."""

    def gradients(self) -> dict[str, Tensor]:
        time.sleep(0.03)
        return super().gradients()


class Working(NoisyLine):
    def gradients(self) -> dict[str, Tensor]:
        end = time.process_time() + 0.03
        while time.process_time() < end:
            pass
        return super().gradients()


@pytest.mark.parametrize("kind", [Idle, Working])
def test_time_and_how_much_of_it_was_work(kind: type[NoisyLine], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    timed = trainer(kind)
    timed.warm_up()
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(5):
        timed.measure()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    assert len(timed.seconds) == 5
    assert min(timed.seconds) >= 0.03
    assert sum(timed.seconds) == pytest.approx(wall, rel=0.1)
    assert timed.busy() == pytest.approx(processor / wall / 2, rel=0.1, abs=0.02)
    assert timed.processor < 0.1 if kind is Idle else timed.processor >= 0.15


@pytest.mark.parametrize("name", ["geometry", "texture", "paper-geometry"])
def test_the_plain_way_is_the_same_training(name: str, tmp_path: Path) -> None:
    build = builder(name, tmp_path)
    slopes = []
    for mode in (BASELINE, PLAIN):
        found = trainer(build, mode)
        found.run(1)
        values = [value for module in found.phase.modules.values() for value in module.parameters()]
        layouts = {value.is_contiguous() for value in values if value.dim() == 4 and min(value.shape[1:]) > 1}
        assert layouts == {mode.plain}
        assert all(bool(each.param_groups[0]["fused"]) != mode.plain for each in found.phase.optimizers.values())
        slopes.append(torch.cat([value.grad.flatten() for value in values if value.grad is not None]))
    assert (slopes[0] - slopes[1]).norm() < 0.02 * slopes[0].norm()


def test_half_precision_is_that_of_the_mode() -> None:
    assert trainer(NoisyLine).phase.precision == FP32
    assert trainer(NoisyLine, Mode("amp", half=True)).phase.precision == BF16


def test_a_graph_is_replayed_before_the_clock_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = CpuRecorder()
    monkeypatch.setattr(cuda_graph, "recorder", lambda generator: recorder)
    timed = trainer(NoisyLine, GRAPH)
    timed.warm_up()
    assert recorder.replays >= 2
    timed.measure()
    assert recorder.replays >= 3
    assert timed.failure is None


def test_eager_steps_are_no_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(CpuRecorder):
        def record(self, work: Callable[[], None]) -> Callable[[], None]:
            raise RuntimeError("no such thing")

    monkeypatch.setattr(cuda_graph, "recorder", lambda generator: Broken())
    timed = trainer(NoisyLine, GRAPH)
    timed.warm_up()
    assert timed.failure is not None
    assert "no such thing" in timed.failure


def test_more_steps_than_the_phase_has() -> None:
    timed = trainer(lambda: NoisyLine(steps=2))
    timed.run(9)
    assert all(value.isfinite().all() for value in timed.phase.net.parameters())  # type: ignore[attr-defined]
