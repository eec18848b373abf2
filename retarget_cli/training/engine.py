"""The training engine: one step of a phase, eager or recorded, and the running mean of its metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from retarget_cli.training import cuda_graph
from retarget_cli.training.phase import Phase


class Meter:
    """Sums of losses, and how many were added, in one vector that keeps its address.

    patient: steps with a loss that is not finite are left out, as loss scaling skips them. Otherwise they show.
    """

    def __init__(self, patient: bool) -> None:
        self.patient = patient
        self._names: list[str] = []
        self._sums: Tensor | None = None

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """Add the losses of one step, 0-d tensors, always under the same names."""
        values = torch.stack([value.detach().float() for value in losses.values()])
        row = torch.cat([values, values.new_ones(1)])
        if self.patient:
            row = row.masked_fill(values.isfinite().logical_not().any(), 0.0)
        if self._sums is None:
            self._names, self._sums = list(losses), torch.zeros_like(row)
        self._sums += row

    def read(self) -> dict[str, float]:
        """Means since the last reading; not a number for every name when no step counted. Starts again from nothing."""
        sums = self.state()
        if self._sums is not None:
            self._sums.zero_()
        count = sums.pop("", 0.0)
        return {name: value / count if count else float("nan") for name, value in sums.items()}

    def state(self) -> dict[str, float]:
        """The sums by name, and under the empty name how many steps they are of."""
        return {} if self._sums is None else dict(zip([*self._names, ""], self._sums.tolist(), strict=True))

    def restore(self, state: Mapping[str, float], device: torch.device) -> None:
        """Go on from what :meth:`state` said."""
        if state:
            self._names = [name for name in state if name]
            self._sums = torch.tensor(list(state.values()), dtype=torch.float32, device=device)


class Engine:
    """Steps a phase. meter: the losses since they were last read.

    On a GPU the whole step is one CUDA graph. In fp16 only the gradients are: the scaler decides afterwards which steps
    to take. Load a checkpoint before the first step: a graph reads and writes where things lay when it was recorded.
    """

    def __init__(self, phase: Phase, kind: str = "auto", warn: Callable[[str], None] = lambda _: None) -> None:
        """kind: one of :data:`~retarget_cli.training.cuda_graph.ENGINES`; warn: told when no graph can be recorded."""
        self.phase = phase
        self.meter = Meter(patient=phase.precision.needs_scaling)
        self._scaler = phase.scaler = _scaler(phase)
        self._run = cuda_graph.runner(phase.generator, kind, warn)

    def step(self, progress: float) -> None:
        """Train once. progress: share of the phase's steps that were taken before."""
        for schedule in self.phase.schedules.values():
            schedule.set(progress)
        self._run(self.whole_step if self._scaler is None else self._fill_gradients)
        if self._scaler is not None:
            for optimizer in self.phase.optimizers.values():
                self._scaler.step(optimizer)
            self._scaler.update()

    def whole_step(self) -> None:
        """The part of a step that is recorded, but for fp16: gradients, losses and the steps of all optimizers."""
        self._fill_gradients()
        recording = cuda_graph.recording(self.phase.generator.device)
        for optimizer in self.phase.optimizers.values():
            for group in optimizer.param_groups:
                group["capturable"] = recording  # torch insists on it then, and warns otherwise
            optimizer.step()

    def _fill_gradients(self) -> None:
        self.meter.add(self.phase.gradients())

    def state(self) -> dict[str, Any]:
        """Plain numbers that a checkpoint must hold beside the phase."""
        return {"meter": self.meter.state(), "scaler": {} if self._scaler is None else self._scaler.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state` said."""
        self.meter.restore(state["meter"], self.phase.generator.device)
        if self._scaler is not None:
            self._scaler.load_state_dict(state["scaler"])


def _scaler(phase: Phase) -> torch.amp.GradScaler | None:
    if not phase.precision.needs_scaling:
        return None
    device = phase.generator.device
    scaler = torch.amp.GradScaler(device.type)
    scaler.scale(torch.zeros((), device=device))  # it makes its tensors when first used, which must not be recorded
    return scaler
