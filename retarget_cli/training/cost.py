"""The cost of a training: its time, and the most memory it took, however often it was stopped and went on."""

from __future__ import annotations

import json
import math
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import torch

from retarget_cli.events import Event, Progress, Reporter
from retarget_cli.utils.atomic import write_json_atomic
from retarget_cli.utils.memory import forget_peak, resident_peak

FILE = "cost.json"  # in the work folder
_NOTED_EVERY = 20.0  # seconds; what a kill may take from the count


class Cost:
    """A context that measures a training in its process.

    What it took before it was stopped or killed is added; it is noted in the work folder while the training goes on.
    On a CPU, memory is that of the whole process, on a GPU that of the tensors there.
    """

    def __init__(self, work: Path, device: str) -> None:
        """work: the folder of the training's checkpoints; device: ``cpu``, ``cuda`` or ``cuda:N``."""
        self._path, self._device = work / FILE, torch.device(device)
        self._before = _read(self._path)
        self._started = self._noted = time.monotonic()
        self._least = self._forget_peak()

    def __enter__(self) -> Cost:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._note()

    def facts(self) -> dict[str, Any]:
        """``seconds``, and ``memory`` in bytes at its highest, None where that cannot be read."""
        seconds, memory = self._before.get("seconds", 0.0), self._before.get("memory", 0)
        taken = self._peak()
        if taken is not None:
            memory = max(memory, taken)
        return {"seconds": round(seconds + time.monotonic() - self._started, 3), "memory": memory or None}

    def watched(self, reporter: Reporter) -> Reporter:
        """A reporter of the training, which notes now and then what it took so far."""

        def report(event: Event) -> None:
            if isinstance(event, Progress) and time.monotonic() - self._noted > _NOTED_EVERY:
                self._note()
            reporter(event)

        return report

    def _note(self) -> None:
        self._noted = time.monotonic()
        with suppress(OSError):  # of less worth than the training
            write_json_atomic(self._path, self.facts())

    def _forget_peak(self) -> int:
        """Begin a new peak. Returns bytes that were reached before and cannot be forgotten."""
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
            return 0
        return 0 if forget_peak() else resident_peak() or 0

    def _peak(self) -> int | None:
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device)
        peak = resident_peak()
        return None if peak is None or peak <= self._least else peak


def _read(path: Path) -> dict[str, float]:
    """What an earlier start noted; nothing where there was none, or its note cannot be read."""
    try:
        noted = json.loads(path.read_bytes())
        known = {name: noted[name] for name in ("seconds", "memory") if noted[name] is not None}
        return {name: value for name, value in known.items() if math.isfinite(value) and value >= 0}
    except (OSError, ValueError, TypeError, KeyError):
        return {}
