"""One phase of a method, trained for some steps in every mode that is possible here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from time import monotonic

from retarget_cli.bench.clips import sample_clips
from retarget_cli.bench.device_meter import DeviceMeter
from retarget_cli.bench.plan import BASELINE, MODES, Mode, Recipe
from retarget_cli.bench.results import Cell, PhaseResult
from retarget_cli.bench.trainer import Trainer
from retarget_cli.errors import Interrupted
from retarget_cli.events import Progress, Reporter, StageFinished, StageStarted
from retarget_cli.methods import get_method
from retarget_cli.methods.base import MotionMethod, PairContext
from retarget_cli.training.checkpoint import save_modules
from retarget_cli.training.clips import ClipArray
from retarget_cli.training.precision import FP32, Precision, pick_precision
from retarget_cli.utils.memory import attempted, release_memory

_NO_MEMORY = "there is too little memory"


@dataclass
class Bench:
    """The things that the phases of one recipe share.

    half: what half precision means here, FP32 where there is none worth having.
    folder: for what phases have learned; states: by phase, where that is.
    stop: turns true when the user has enough.
    """

    recipe: Recipe
    meter: DeviceMeter
    half: Precision
    folder: Path
    reporter: Reporter
    stop: Callable[[], bool]
    states: dict[str, Path] = field(default_factory=dict)

    @cached_property
    def clips(self) -> tuple[ClipArray, ClipArray]:
        """The sample pair at the size of the preset."""
        return sample_clips(self.recipe.config.crop.size)

    def clips_of(self, phase: str) -> tuple[ClipArray, ClipArray]:
        """The sample pair at the size that `phase` trains on."""
        size = self.method.crop_size(self.recipe.config.method_config, phase)
        return self.clips if size in (None, self.recipe.config.crop.size) else sample_clips(size)

    def pair(self, clips: tuple[ClipArray, ClipArray]) -> PairContext:
        """The clips with what the phases have learned."""
        return PairContext(self.recipe.config.method_config, clips, self.states, str(self.meter.device))

    @property
    def method(self) -> MotionMethod:
        """The method of the recipe."""
        return get_method(self.recipe.config.method)

    @property
    def phases(self) -> tuple[str, ...]:
        """The names of those that the recipe trains."""
        return self.method.phases(self.recipe.config.method_config)

    def trained_in(self) -> Mode:
        """The mode that `retarget train` takes."""
        half = pick_precision(str(self.meter.device), self.recipe.config.precision) != FP32
        wanted = (half, self.meter.graphs, False)
        return next(mode for mode in MODES if (mode.half, mode.graph, mode.plain) == wanted)

    def why_not(self, mode: Mode) -> str | None:
        """The reason that a mode cannot or need not be measured; None when it is to be."""
        if mode not in self.recipe.modes:
            return "left out, since it takes long here"
        if mode.graph and not self.meter.graphs:
            return "CUDA graphs need a GPU"
        if mode.plain and self.meter.graphs:
            return "memory layout and fused optimizers are compared on the CPU alone"
        if mode.half and self.half == FP32:
            return "this CPU does not multiply bf16 natively"
        return None

    def groups(self) -> list[list[Mode]]:
        """Modes to be measured, those that take turns together. That of training is the first."""
        modes = [mode for mode in MODES if self.why_not(mode) is None]
        modes.sort(key=lambda mode: mode != self.trained_in())
        return [modes] if self.meter.together else [[mode] for mode in modes]

    def check(self) -> None:
        """Raise Interrupted when the user asked to stop."""
        if self.stop():
            number = getattr(self.stop, "signal", None) or 2
            raise Interrupted("stopped; of a measurement nothing is kept", fix="Run it again.", signal=number)

    def stages(self) -> int:
        """The number of stages that the reporter will be told of."""
        return len(self.phases) * len(self.groups()) + self.recipe.draws


def measured_phase(bench: Bench, name: str) -> PhaseResult:
    """The phase in all modes. What it has learned is kept for the phases after it, and for drawing."""
    phase = _PhaseBench(bench, name)
    for group in bench.groups():
        phase.measure(group)
        release_memory()
    return phase.result()


@contextmanager
def stage(reporter: Reporter, name: str, label: str) -> Iterator[None]:
    """Tell the reporter that a stage begins, and that it ends."""
    started = monotonic()
    reporter(StageStarted(name, label))
    yield
    reporter(StageFinished(name, label, monotonic() - started))


class _PhaseBench:
    """The table of one phase as it fills."""

    def __init__(self, bench: Bench, name: str) -> None:
        self.bench, self.name, self.clips = bench, name, bench.clips_of(name)  # drawn here, before anything is measured
        self.config = bench.recipe.config
        self.cells = {mode: self._empty(mode, bench.why_not(mode)) for mode in MODES}
        self.flops: int | None = None

    def result(self) -> PhaseResult:
        """The table as it is now."""
        settings = self.bench.method.phase_config(self.config.method_config, self.name)
        cells = list(self.cells.values())
        return PhaseResult(
            self.name, settings["steps"], settings.get("batch"), self.flops, self.bench.trained_in().name, cells
        )

    def measure(self, group: Sequence[Mode]) -> None:
        """Fill the cells of modes that take turns."""
        names = ", ".join(mode.name for mode in group)
        key = f"{self.config.preset}:{self.name}:{group[0].name}"
        with stage(self.bench.reporter, key, f"Timing {self.name} of {self.config.preset} ({names})"):
            trainers = [trainer for mode in group for trainer in self._started(mode)]
            self._take_turns(trainers, key)
            for trainer in trainers:
                self.cells[trainer.mode] = self._filled(trainer)
                if trainer.mode == BASELINE:
                    self.flops = trainer.flops()
                self._keep(trainer)

    def _started(self, mode: Mode) -> list[Trainer]:
        """A warm trainer in a mode, alone in a list; an empty list when it cannot train."""
        bench, before = self.bench, self.bench.phases
        if any(phase not in bench.states for phase in before[: before.index(self.name)]):
            self.cells[mode] = self._empty(mode, "the phase before it could not be measured")
            return []
        bench.check()
        bench.meter.forget_peak()
        found = attempted(partial(self._warm, mode))
        failure = found[0].failure if found else _NO_MEMORY
        if failure is not None:
            self.cells[mode] = self._empty(mode, failure)
            return []
        return found

    def _warm(self, mode: Mode) -> Trainer:
        bench = self.bench
        build = partial(bench.method.build_phase, self.name, bench.pair(self.clips), self.config.seed)
        trainer = Trainer(build, mode, bench.half, bench.meter)
        trainer.warm_up()
        return trainer

    def _take_turns(self, trainers: Sequence[Trainer], key: str) -> None:
        """The slowest decides how many steps each is timed for."""
        steps = self.bench.recipe.budget.steps(max((trainer.warm_seconds for trainer in trainers), default=1.0))
        chunk = self.bench.meter.chunk
        rounds, done = -(-steps // chunk), 0
        for _ in range(rounds):
            for trainer in trainers:
                self.bench.check()
                trainer.measure()
                done += chunk
                self.bench.reporter(Progress(key, done, rounds * chunk * len(trainers), "steps"))

    def _filled(self, trainer: Trainer) -> Cell:
        own_memory = not self.bench.meter.together or trainer.mode == self.bench.trained_in()
        return replace(
            self._empty(trainer.mode, None),
            steps=len(trainer.seconds) * self.bench.meter.chunk,
            seconds=tuple(trainer.seconds),
            processor=trainer.processor / len(trainer.seconds),
            busy=trainer.busy(),
            memory=trainer.peak if own_memory else None,
        )

    def _empty(self, mode: Mode, reason: str | None) -> Cell:
        return Cell(mode.name, (self.bench.half if mode.half else FP32).name, reason)

    def _keep(self, trainer: Trainer) -> None:
        if self.name not in self.bench.states:
            folder = self.bench.folder / self.config.preset / self.name
            folder.mkdir(parents=True)
            trainer.phase.finish()
            save_modules(trainer.phase, folder)
            self.bench.states[self.name] = folder
