"""One training step of any phase: what its gradients are turned into, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from retarget_cli.train import capture
from retarget_cli.train.meter import Meter
from retarget_cli.train.phase import Phase


class Engine:
    """Steps a phase. meter: the losses since they were last read.

    On a GPU the whole step is one CUDA graph. In fp16 only the gradients are: the scaler decides afterwards which steps
    to take. Load a checkpoint before the first step: a graph reads and writes where things lay when it was recorded.
    """

    def __init__(self, phase: Phase, kind: str = "auto", warn: Callable[[str], None] = lambda _: None) -> None:
        """kind: one of :data:`retarget_cli.train.capture.ENGINES`; warn: told when it has to go on without a graph."""
        self.phase = phase
        self.meter = Meter(patient=phase.precision.needs_scaling)
        self._scaler = phase.scaler = _scaler(phase)
        self._run = capture.runner(phase.generator, kind, warn)

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
        recording = capture.recording(self.phase.generator.device)
        for optimizer in self.phase.optimizers.values():
            for group in optimizer.param_groups:
                group["capturable"] = recording  # torch insists on it then, and warns otherwise
            optimizer.step()

    def _fill_gradients(self) -> None:
        self.meter.add(self.phase.gradients())

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold beside the phase: plain numbers."""
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
