"""Targets of this program, held against what was measured. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from retarget_cli.bench.results import BenchResult, RecipeResult

_CORES, _H200 = "two CPU threads", "H200"
_PAIR = 200  # frames of the clips cat and fox together: both directions are drawn
_UNDISTURBED = 0.7  # of the threads' time; a step of two threads on a quiet CPU has more
_FAST = ("draft", "standard", "best")

Figure = Callable[[RecipeResult], float | None]


@dataclass(frozen=True)
class Target:
    """A limit on a figure. presets: whom it holds for; on: the hardware; least: the figure must not be lower."""

    what: str
    presets: tuple[str, ...]
    on: str
    limit: float
    figure: Figure
    least: bool = False


def _step(phase: str) -> Figure:
    def seconds(recipe: RecipeResult) -> float | None:
        found = [each for each in recipe.phases if each.name == phase]
        return found[0].cell(found[0].trained_in).typical if found else None

    return seconds


def _speed_up(recipe: RecipeResult) -> float | None:
    found = [each for each in recipe.phases if each.name == "geometry"]
    return found[0].speed_up(found[0].cell("graph-amp")) if found else None


def _train_and_draw(recipe: RecipeResult) -> float | None:
    if recipe.training_seconds is None or recipe.drawing is None:
        return None
    return recipe.training_seconds + _PAIR / recipe.drawing.rate


TARGETS = (
    Target("seconds a geometry step", ("draft",), _CORES, 0.18, _step("geometry")),
    Target("seconds a texture step", ("draft",), _CORES, 0.5, _step("texture")),
    Target("seconds a geometry step", _FAST, _H200, 0.0025, _step("geometry")),
    Target("speed-up of a geometry step by graph and half precision", _FAST, _H200, 4.0, _speed_up, least=True),
    Target(
        f"seconds of training and of drawing {_PAIR} frames, extrapolated, without decoding and encoding",
        ("standard",), _H200, 60.0, _train_and_draw,
    ),
    Target("seconds of training, extrapolated", ("paper",), _H200, 1200.0, lambda recipe: recipe.training_seconds),
)  # fmt: skip


def compared(result: BenchResult) -> list[dict[str, Any]]:
    """The targets for the measured presets on this kind of device, with figures.

    ``met`` is null where nothing was measured, on other hardware than the target is for, and for what was missed while
    other programs had much of the processor.
    """
    as_they_are = [recipe for recipe in result.recipes if not (recipe.note or recipe.changed)]
    return [entry for recipe in as_they_are for entry in _of_recipe(result, recipe)]


def _disturbed(device: Mapping[str, Any], recipe: RecipeResult) -> bool:
    busy = [cell.busy for phase in recipe.phases for cell in phase.cells if cell.busy is not None]
    return device["kind"] == "cpu" and min(busy, default=1.0) < _UNDISTURBED


def _of_recipe(result: BenchResult, recipe: RecipeResult) -> Iterator[dict[str, Any]]:
    device = result.device
    here = {_CORES: device["threads"] == 2, _H200: _H200 in str(device["name"])}
    kind = _CORES if device["kind"] == "cpu" else _H200
    for target in TARGETS:
        if recipe.preset not in target.presets or target.on != kind:
            continue
        found = target.figure(recipe)
        reached = found is not None and (found >= target.limit if target.least else found <= target.limit)
        fair = here[target.on] and found is not None and (reached or not _disturbed(device, recipe))
        yield {
            "what": target.what,
            "preset": recipe.preset,
            "on": target.on,
            "limit": target.limit,
            "at": "least" if target.least else "most",
            "found": found,
            "met": reached if fair else None,
        }
