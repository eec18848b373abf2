"""Running units one after the other in this process."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from retarget_cli.batch.graph import Lane, Unit
from retarget_cli.batch.news import BatchReporter, UnitEvent, UnitStarted
from retarget_cli.batch.work import Ended, Explain, run_unit
from retarget_cli.events import Event
from retarget_cli.stages.stage import Stop, Tools
from retarget_cli.store.engine import Store
from retarget_cli.utils.hardware import cuda_devices


class HereEngine:
    """Takes one unit at a time; what it tells goes to `tell` at once. devices: GPUs of this machine."""

    def __init__(self, store: Store, tell: BatchReporter, stop: Stop, explain: Explain) -> None:
        self._store, self._tell, self._stop, self._explain = store, tell, stop, explain
        self._waiting: tuple[Unit, int] | None = None
        self.devices = cuda_devices()

    def room(self, lane: Lane) -> int:
        """One when nothing waits."""
        return int(self._waiting is None)

    def submit(self, unit: Unit, attempt: int, avoid: Sequence[str]) -> None:
        """Take a unit; it runs in `wait`."""
        self._waiting = unit, attempt

    def wait(self, seconds: float) -> tuple[list[UnitStarted | UnitEvent], list[Ended]]:
        """Run the unit that waits."""
        if self._waiting is None:
            return [], []
        (unit, attempt), self._waiting = self._waiting, None
        self._tell(UnitStarted(unit.id, unit.name, socket.gethostname(), attempt))

        def report(event: Event) -> None:
            self._tell(UnitEvent(unit.id, event))

        return [], [run_unit(unit, Tools(self._store, report, self._stop, waits=False), self._explain)]

    def stop(self) -> None:
        """Nothing: the signal that asked for it reaches the work itself."""

    def close(self) -> None:
        """Nothing is left open."""
