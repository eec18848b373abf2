"""The plan of a measurement: which presets, in which modes, for how long. Imports no torch."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from retarget_cli.config import TrainConfig
from retarget_cli.methods import get_method
from retarget_cli.pipeline.settings import load_config
from retarget_cli.utils.fields import change_fields

_PUBLISHED = "paper"
_FEWEST = 2  # steps that are timed of what takes very long


@dataclass(frozen=True)
class Mode:
    """A mode to train the same phase in. half: networks multiply in half precision; graph: steps are replayed.

    plain: as one writes it at first: no channels-last memory, no fused optimizer.
    """

    name: str
    half: bool = False
    graph: bool = False
    plain: bool = False


BASELINE = Mode("eager-fp32")  # what speed-ups are against
PLAIN = Mode("plain-fp32", plain=True)
MODES = (
    PLAIN,
    BASELINE,
    Mode("eager-amp", half=True),
    Mode("graph-fp32", graph=True),
    Mode("graph-amp", half=True, graph=True),
)


@dataclass(frozen=True)
class Budget:
    """The number of steps that are timed of each mode: about `seconds` of them, at least `least` and at most `most`.

    Of steps that each take longer than `seconds`, two are timed.
    """

    least: int
    most: int
    seconds: float

    @classmethod
    def exactly(cls, steps: int) -> Budget:
        """A fixed number, however long the steps take."""
        return cls(steps, steps, math.inf)

    def steps(self, seconds_a_step: float) -> int:
        """The number for steps that take so long."""
        if self.least < self.most and seconds_a_step > self.seconds:
            return _FEWEST
        return max(self.least, math.ceil(min(self.most, self.seconds / max(seconds_a_step, 1e-9))))


@dataclass(frozen=True)
class Recipe:
    """One preset to be measured. modes: those to compare; note: how it differs from the preset, if it does."""

    config: TrainConfig
    budget: Budget
    modes: tuple[Mode, ...] = MODES
    draws: bool = True
    note: str = ""


@dataclass(frozen=True)
class Plan:
    """Recipes to measure, and why the published one is not among them (None where it is)."""

    recipes: tuple[Recipe, ...]
    no_paper: str | None


def plan(config: TrainConfig, cuda: bool, paper: bool | None = None, steps: int | None = None) -> Plan:
    """The preset of `config` and, for comparison, the published recipe.

    paper: whether to measure that too; None: where there is a GPU. steps: of each mode instead of a time budget.
    """
    usual = Budget(20, 500, 20.0) if cuda else Budget(5, 500, 3.0)
    budget = usual if steps is None else Budget.exactly(steps)
    own = Recipe(config, budget)
    published = load_config(_PUBLISHED, device=config.device)
    if config.method == published.method:
        return Plan((own,), "it is what was asked for")
    if config.method != TrainConfig.method:
        return Plan((own,), f"{config.method} has none")
    if not (cuda if paper is None else paper):
        reason = "left out by --no-paper" if paper is False else "its steps take long on a CPU; ask for it with --paper"
        return Plan((own,), reason)
    if cuda:
        return Plan((own, Recipe(published, budget, draws=False)), None)
    few = Budget.exactly(steps or _FEWEST)
    note = "one frame pair a step, on a CPU, instead of the published batch: not comparable in time"
    return Plan((own, Recipe(_batch_of_one(published), few, (BASELINE,), draws=False, note=note)), None)


def _batch_of_one(config: TrainConfig) -> TrainConfig:
    phases = get_method(config.method).phases(config.method_config)
    changed = change_fields(config.method_config, [f"{phase}.batch=1" for phase in phases])
    return dataclasses.replace(config, method_config=changed)
