"""Training and drawing when memory runs out, through the pipeline."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, ClassVar

import fake_method
import pytest
import torch
from worlds import World, config

from retarget_cli.errors import EnvironmentProblem, Interrupted
from retarget_cli.events import Notice
from retarget_cli.methods import METHODS
from retarget_cli.methods.base import PairContext
from retarget_cli.pipeline.train import train
from retarget_cli.stages.fit import training_curves
from retarget_cli.training import loop
from retarget_cli.utils.fields import change_fields


@dataclasses.dataclass(frozen=True)
class BatchConfig:
    steps: int = 8
    batch: int = 9
    size: int = 64
    rate: float = 0.2


@dataclasses.dataclass(frozen=True)
class HungryConfig:
    colour: BatchConfig = BatchConfig()
    polish: fake_method.ColourConfig = dataclasses.field(default_factory=fake_method.ColourConfig)


class Hungry(fake_method.FakeMethod):
    """The fake method with a first phase that needs memory by its batch."""

    name: ClassVar[str] = "hungry"
    room: ClassVar[int] = 2  # the largest batch that fits
    late: ClassVar[int] = 0  # the step from which there is so little room
    built: ClassVar[list[int]] = []  # batches of the phases that were made

    def config(self, preset: str, changes: Any) -> Any:
        return change_fields(HungryConfig(), changes)

    def build_phase(self, phase: str, pair: PairContext, seed: int) -> Any:
        made = super().build_phase(phase, pair, seed)
        if phase == "colour":
            Hungry.built.append(pair.config.colour.batch)

            def before_step(index: int) -> None:
                if index >= Hungry.late and pair.config.colour.batch > Hungry.room:
                    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

            made.before_step = before_step
        return made


@pytest.fixture
def hungry(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setitem(METHODS, "hungry", Hungry)
    monkeypatch.setattr(Hungry, "built", [])
    yield world


def warnings(world: World) -> list[str]:
    return [event.message for event in world.events if isinstance(event, Notice) and event.level == "warning"]


def test_a_smaller_batch_takes_over(hungry: World) -> None:
    result = hungry.train(method="hungry")
    assert Hungry.built == [9, 4, 2]
    assert training_curves(result.stages["colour"])["batch"] == 2
    assert training_curves(result.stages["colour"])["steps"] == 8
    assert training_curves(result.stages["polish"])["batch"] is None
    assert warnings(hungry) == [
        "memory ran out in colour with a batch of 9; it goes on with 4",
        "memory ran out in colour with a batch of 4; it goes on with 2",
    ]


def test_it_goes_on_from_the_checkpoint(hungry: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(Hungry, "late", 5)
    hungry.train(method="hungry")
    steps = [
        event.done for event in hungry.events if getattr(event, "stage", "") == "colour" and hasattr(event, "done")
    ]
    assert steps == [0, 1, 2, 3, 4, 5, 5, 5, 6, 7, 8]


def test_a_stopped_training_keeps_the_batch_it_had(hungry: World) -> None:
    clips, settings = (hungry.a, hungry.b), config(method="hungry")
    with pytest.raises(Interrupted):
        train(*clips, settings, hungry.store, stop=lambda: len(Hungry.built) == 3)
    hungry.train(method="hungry")
    assert Hungry.built == [9, 4, 2, 2]
    assert any("a batch of 2" in event.message for event in hungry.events if isinstance(event, Notice))


def test_not_even_one_fits(hungry: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hungry, "room", 0)
    with pytest.raises(EnvironmentProblem, match="even with a batch of one") as problem:
        hungry.train(method="hungry")
    assert Hungry.built == [9, 4, 2, 1]
    assert "--set colour.size=32" in problem.value.fix


def test_a_phase_without_a_batch_cannot_do_with_less(hungry: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(self: Any, *_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(fake_method.FakeMethod, "build_phase", exhausted)
    with pytest.raises(EnvironmentProblem, match=r"not enough memory for colour$"):
        hungry.train(method="fake", seed=5)
