"""What a CUDA graph asks of a training step, tested of every phase without a GPU.

A graph repeats the kernels of one step on the memory that they had then: no number may pass through the host, random
numbers must come from the phase's own generator, nothing may move or change its size.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from cpu_graph import CpuRecorder
from every_phase import PHASES, SEED, LikeLpips, builder
from step_guard import StepGuard
from torch import Tensor, nn

from retarget_cli.errors import Interrupted
from retarget_cli.events import silent
from retarget_cli.training import cuda_graph, loop
from retarget_cli.training.checkpoint import module_tensors
from retarget_cli.training.engine import Engine, Meter
from retarget_cli.training.phase import Phase

every_phase = pytest.mark.parametrize("name", list(PHASES))


@every_phase
def test_steps_call_the_same_kernels_and_read_nothing(name: str, tmp_path: Path) -> None:
    phase = builder(name, tmp_path)()
    engine = Engine(phase)
    engine.step(0.0)  # makes the optimizers' state
    seen, untouched = [], torch.get_rng_state()
    for progress in (0.3, 0.9):
        for schedule in phase.schedules.values():
            schedule.set(progress)
        with StepGuard(SEED) as guard:
            engine.whole_step()
        seen.append(guard.kernels)
    assert len(seen[0]) > 100
    assert any("_fused_adam_" in kernel for kernel, _ in seen[0])
    assert seen[0] == seen[1]
    assert torch.equal(torch.get_rng_state(), untouched)


@every_phase
def test_nothing_moves_between_steps(name: str, tmp_path: Path) -> None:
    phase = builder(name, tmp_path)()
    engine = Engine(phase)
    engine.step(0.0)
    before = addresses(phase, engine)
    for step in range(1, 4):
        engine.step(step / 4)
    phase.held_out()
    assert addresses(phase, engine) == before


def addresses(phase: Phase, engine: Engine) -> dict[str, int]:
    """Where lies what steps share: weights, buffers, optimizer state, learning rates, schedules, clips, losses."""
    tensors: dict[str, Tensor] = {}
    for name, module in phase.modules.items():
        tensors |= {f"{name}/{key}": value for key, value in module.state_dict(keep_vars=True).items()}
    for name, optimizer in phase.optimizers.items():
        groups = optimizer.param_groups
        for index, parameter in enumerate(p for group in groups for p in group["params"]):
            tensors |= {f"{name}/{index}/{key}": value for key, value in optimizer.state[parameter].items()}
        rates = {f"{name}/rate/{index}": group["lr"] for index, group in enumerate(groups)}
        tensors |= {key: rate for key, rate in rates.items() if isinstance(rate, Tensor)}
    tensors |= {f"schedule/{key}": schedule.value for key, schedule in phase.schedules.items()}
    tensors |= {f"clip/{index}": clip.pixels for index, clip in enumerate(phase.clips)}  # type: ignore[attr-defined]
    assert engine.meter._sums is not None
    return {key: value.data_ptr() for key, value in (tensors | {"losses": engine.meter._sums}).items()}


@every_phase
def test_a_replayed_training_is_the_eager_one(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build, found = builder(name, tmp_path), []
    for recorder in (None, CpuRecorder()):
        monkeypatch.setattr(cuda_graph, "recorder", lambda generator, recorder=recorder: recorder)
        phase = build()
        engine, losses = Engine(phase), []
        for step in range(7):
            engine.step(step / 7)
            losses.append(engine.meter.read())
            if step == 5:
                phase.held_out()  # what is looked at meanwhile must not matter
        found.append((losses, module_tensors(phase), phase.generator.get_state()))
    assert recorder is not None
    assert (recorder.warm_ups, recorder.replays) == (cuda_graph.WARM_UP, 7 - cuda_graph.WARM_UP)
    eager, replayed = found
    assert eager[0] == replayed[0]
    assert len({tuple(losses.values()) for losses in replayed[0]}) == 7
    assert all(torch.equal(value, replayed[1][key]) for key, value in eager[1].items())
    assert torch.equal(eager[2], replayed[2])


@every_phase
def test_a_replayed_training_that_was_stopped_goes_on_bit_for_bit(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = builder(name, tmp_path)
    monkeypatch.setattr(loop, "HELD_OUT_TIMES", 1)

    def train(folder: str, graph: bool, stop: Callable[[], bool] = lambda: False) -> dict[str, bytes]:
        monkeypatch.setattr(cuda_graph, "recorder", lambda generator: CpuRecorder() if graph else None)
        out = tmp_path / folder / "out"
        out.mkdir(parents=True, exist_ok=True)
        phase = build()
        phase.steps = 6
        loop.fit(phase, work=out.parent, out=out, digest="d", stage=name, reporter=silent, stop=stop)
        return {path.name: path.read_bytes() for path in out.iterdir()}

    calls = iter(range(100))
    with pytest.raises(Interrupted):
        train("parts", True, stop=lambda: next(calls) >= 3)
    assert train("parts", True) == train("whole", False)


@every_phase
def test_nothing_in_a_step_is_made_elsewhere(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a device that computes nothing: what a step makes on the CPU would be frozen, or copied without leave."""
    networks: list[nn.Module] = []

    def network() -> nn.Module:
        networks.append(LikeLpips())
        return networks[-1]

    phase = builder(name, tmp_path, network)()
    move_to_meta(phase, networks)
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: contextlib.nullcontext())  # there is none on that device
    for draw in ("rand", "randn", "randint", "randperm"):
        monkeypatch.setattr(torch, draw, without_generator(getattr(torch, draw)))
    with StepGuard(SEED, "meta") as guard:
        losses = phase.gradients()
        for patient in (False, True):
            Meter(patient).add(losses)
    assert len(guard.kernels) > 100
    assert all(value.shape == () and not value.requires_grad for value in losses.values())
    for optimizer in phase.optimizers.values():
        assert all(p.grad is not None for group in optimizer.param_groups for p in group["params"])


def move_to_meta(phase: Any, others: list[nn.Module]) -> None:
    own = [value for value in vars(phase).values() if isinstance(value, nn.Module)]
    modules = {id(module): module for module in [*own, *phase.modules.values(), *others]}
    moved: dict[Tensor, Tensor] = {}
    for module in modules.values():
        before = dict(module.named_parameters())
        module.to("meta")
        moved |= {before[key]: value for key, value in module.named_parameters()}
    for optimizer in phase.optimizers.values():
        for group in optimizer.param_groups:
            group["params"] = [moved[parameter] for parameter in group["params"]]
    phase.clips = tuple(
        dataclasses.replace(
            clip, **{name: value.to("meta") for name, value in vars(clip).items() if isinstance(value, Tensor)}
        )
        for clip in phase.clips
    )
    for schedule in phase.schedules.values():
        schedule.value = schedule.value.to("meta")
    phase.generator = SimpleNamespace(device=torch.device("meta"))


def without_generator(draw: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def drawn(*args: Any, generator: object, **options: Any) -> Tensor:
        assert torch.device(options["device"]).type == "meta"
        return draw(*args, **options)

    return drawn


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
