"""Measurements, and what follows from them. Imports no torch."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from retarget_cli.bench.plan import BASELINE, PLAIN


@dataclass(frozen=True)
class Cell:
    """One phase in one mode.

    seconds: a step, as often as the clock was read; none when `why_empty` says why nothing was measured.
    processor: CPU seconds of the process a step, which other programs hardly change.
    busy: share of the time for which the device works; memory: bytes.
    """

    mode: str
    precision: str
    why_empty: str | None = None
    steps: int = 0
    seconds: Sequence[float] = ()
    processor: float | None = None
    busy: float | None = None
    memory: int | None = None

    @property
    def typical(self) -> float | None:
        """Median seconds a step."""
        return statistics.median(self.seconds) if self.seconds else None

    def times_faster_than(self, other: Cell) -> float | None:
        """By the medians; None unless both were measured."""
        return None if self.typical is None or other.typical is None else other.typical / self.typical


@dataclass(frozen=True)
class PhaseResult:
    """A phase in all modes. steps, batch: those of the preset; flops: of one step; trained_in: the mode of `train`."""

    name: str
    steps: int
    batch: int | None
    flops: int | None
    trained_in: str
    cells: Sequence[Cell]

    def cell(self, mode: str) -> Cell:
        """The cell of a mode."""
        return next(cell for cell in self.cells if cell.mode == mode)

    def speed_up(self, cell: Cell) -> float | None:
        """Times that one of the cells is faster than eager fp32."""
        return cell.times_faster_than(self.cell(BASELINE.name))

    @property
    def training_seconds(self) -> float | None:
        """Extrapolated: all steps of the phase, at the rate of the mode that `train` takes."""
        typical = self.cell(self.trained_in).typical
        return None if typical is None else self.steps * typical

    @property
    def times_plain(self) -> float | None:
        """Times that `train` is faster than the plainest mode."""
        return self.cell(self.trained_in).times_faster_than(self.cell(PLAIN.name))


@dataclass(frozen=True)
class Drawing:
    """The time that drawing took: keypoints, alignment, silhouettes and pictures of `frames` frames, loading too."""

    frames: int
    seconds: float

    @property
    def rate(self) -> float:
        """Frames a second."""
        return self.frames / self.seconds


@dataclass(frozen=True)
class RecipeResult:
    """A preset. changed: by the user's settings.

    note: why it was not measured as it is; nothing is extrapolated then.
    """

    preset: str
    changed: bool
    size: int
    note: str
    phases: Sequence[PhaseResult]
    drawing: Drawing | None

    @property
    def training_seconds(self) -> float | None:
        """Extrapolated, all phases; None when one was not measured as the preset has it."""
        each = [phase.training_seconds for phase in self.phases]
        return None if self.note or None in each else sum(seconds for seconds in each if seconds is not None)


@dataclass(frozen=True)
class BenchResult:
    """Everything. device: the conditions; rates: FLOP/s of large matrix products by precision."""

    device: dict[str, Any]
    meanings: dict[str, str]
    rates: dict[str, float]
    recipes: Sequence[RecipeResult]
    no_paper: str | None
    targets: Sequence[dict[str, Any]] = field(default_factory=tuple)

    def utilisation(self, phase: PhaseResult, cell: Cell) -> float | None:
        """FLOP/s of the step over those of a matrix product in the cell's precision."""
        if phase.flops is None or cell.typical is None:
            return None
        return phase.flops / cell.typical / self.rates[cell.precision]

    @property
    def paper_takes(self) -> float | None:
        """Times that the published recipe trains as long as the preset, extrapolated; None if it is not known."""
        whole = [recipe.training_seconds for recipe in self.recipes]
        return whole[1] / whole[0] if len(whole) == 2 and whole[0] and whole[1] else None

    def document(self) -> dict[str, Any]:
        """Everything as JSON values; times in seconds, memory in bytes. What is extrapolated says so in its name."""
        return {
            "device": self.device,
            "meanings": self.meanings,
            "matrix_flops_a_second": self.rates,
            "recipes": [self._recipe(recipe) for recipe in self.recipes],
            "no_paper": self.no_paper,
            "paper_takes_times_extrapolated": self.paper_takes,
            "targets": list(self.targets),
        }

    def _recipe(self, recipe: RecipeResult) -> dict[str, Any]:
        drawing = recipe.drawing
        drawn = drawing and {"frames": drawing.frames, "seconds": drawing.seconds, "frames_a_second": drawing.rate}
        return {
            "preset": recipe.preset,
            "changed": recipe.changed,
            "size": recipe.size,
            "note": recipe.note or None,
            "phases": [self._phase(phase, exact=not recipe.note) for phase in recipe.phases],
            "drawing": drawn,
            "training_seconds_extrapolated": recipe.training_seconds,
        }

    def _phase(self, phase: PhaseResult, exact: bool) -> dict[str, Any]:
        return {
            "phase": phase.name,
            "steps": phase.steps,
            "batch": phase.batch,
            "flops_a_step": phase.flops,
            "trained_in": phase.trained_in,
            "training_seconds_extrapolated": phase.training_seconds if exact else None,
            "modes": [self._cell(phase, cell) for cell in phase.cells],
        }

    def _cell(self, phase: PhaseResult, cell: Cell) -> dict[str, Any]:
        typical = cell.typical
        return {
            "mode": cell.mode,
            "precision": cell.precision,
            "why_empty": cell.why_empty,
            "steps_timed": cell.steps,
            "seconds_a_step": typical,
            "fastest_seconds": min(cell.seconds, default=None),
            "slowest_seconds": max(cell.seconds, default=None),
            "steps_a_second": None if typical is None else 1 / typical,
            "speed_up": phase.speed_up(cell),
            "speed_up_on_plain": cell.times_faster_than(phase.cell(PLAIN.name)),
            "processor_seconds_a_step": cell.processor,
            "busy": cell.busy,
            "utilisation": self.utilisation(phase, cell),
            "memory": cell.memory,
        }
