"""Which unit runs when: ready ones in the order of the list, again when that may help, and none that cannot succeed."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from retarget_cli.batch.graph import LANES, Lane, Unit
from retarget_cli.batch.news import BatchReporter, UnitEnded, UnitEvent, UnitSkipped, UnitStarted
from retarget_cli.batch.work import Ended, Fault
from retarget_cli.stages.stage import Stop

ATTEMPTS = 3  # of a unit whose machine was lost, or whose error may be one of a machine
LOSSES = 3  # times that a result which a unit needs may turn out to be gone
_SOONEST, _LATEST = 0.5, 30.0  # seconds after which a unit that another program makes is looked at again
_WAIT = 0.2


class Engine(Protocol):
    """Something that runs units. devices: CUDA devices that its machines have."""

    devices: int

    def room(self, lane: Lane) -> int:
        """How many more units of that lane it would take just now."""

    def submit(self, unit: Unit, attempt: int, avoid: Sequence[str]) -> None:
        """Take a unit, which may not run on the machines `avoid` where there are others."""

    def wait(self, seconds: float) -> tuple[list[UnitStarted | UnitEvent], list[Ended]]:
        """What happened, after waiting no longer than that for something to happen."""

    def stop(self) -> None:
        """Ask what runs to save its state and end. `wait` goes on giving what ends."""


@dataclass
class _State:
    unit: Unit
    missing: set[str]
    attempts: int = 0
    losses: int = 0
    looks: int = 0
    avoid: list[str] = field(default_factory=list)
    outcome: Ended | None = None
    skipped: str | None = None


class Scheduler:
    """Runs the units of a graph. outcome of each: see :attr:`ended`, :attr:`skipped`.

    on_done: called with the id of each unit that ended for good, done, failed or skipped.
    """

    def __init__(
        self, units: Iterable[Unit], engine: Engine, tell: BatchReporter, on_done: Callable[[str], None]
    ) -> None:
        self._states = {unit.id: _State(unit, set(unit.needs)) for unit in units}
        self._rank = {id: (min(state.unit.jobs, default=0), at) for at, (id, state) in enumerate(self._states.items())}
        self._needed_by: dict[str, list[str]] = {}
        for id, state in self._states.items():
            for need in state.unit.needs:
                self._needed_by.setdefault(need, []).append(id)
        self._engine, self._tell, self._on_done = engine, tell, on_done
        self._ready: dict[Lane, list[tuple[tuple[int, int], str]]] = {lane: [] for lane in LANES}
        self._later: list[tuple[float, str]] = []
        self._running: set[str] = set()
        self._left = len(self._states)
        for id, state in self._states.items():
            if not state.missing:
                self._make_ready(id)

    @property
    def ended(self) -> dict[str, Ended]:
        """How each unit that ran to its end did."""
        return {id: state.outcome for id, state in self._states.items() if state.outcome is not None}

    @property
    def skipped(self) -> dict[str, str]:
        """Units that could not run, with the failed one they need."""
        return {id: state.skipped for id, state in self._states.items() if state.skipped is not None}

    def run(self, stop: Stop) -> bool:
        """Run everything; False when `stop` turned true before that."""
        while self._left:
            if stop():
                self._drain()
                return False
            self._wake()
            while (ready := self._next()) is not None:
                self._submit(heapq.heappop(ready)[1])
            self._hear(_WAIT)
        return True

    def _next(self) -> list[tuple[tuple[int, int], str]] | None:
        """The ready units of a lane that has room, those that come first in the list."""
        lanes = [ready for lane, ready in self._ready.items() if ready and self._engine.room(lane) > 0]
        return min(lanes, key=lambda ready: ready[0], default=None)

    def _drain(self) -> None:
        """Let what runs save its state."""
        self._engine.stop()
        while self._running:
            self._hear(_WAIT)

    def _hear(self, seconds: float) -> None:
        if not self._running:
            time.sleep(min(seconds, 0.05))
            return
        events, ended = self._engine.wait(seconds)
        for event in events:
            self._tell(event)
        for each in ended:
            self._running.discard(each.unit)
            self._take(each)

    def _submit(self, id: str) -> None:
        state = self._states[id]
        if id in self._running or state.missing or state.outcome is not None or state.skipped is not None:
            return
        state.attempts += 1
        self._running.add(id)
        self._engine.submit(state.unit, state.attempts, state.avoid)

    def _take(self, ended: Ended) -> None:
        """Decide what the end of a unit means."""
        state = self._states[ended.unit]
        again = True
        if ended.state == "busy":
            state.attempts -= 1
            state.looks += 1
            wait = min(_LATEST, _SOONEST * 2 ** min(state.looks - 1, 8))
            heapq.heappush(self._later, (time.monotonic() + wait, ended.unit))
        elif ended.state == "lost" and state.losses < LOSSES:
            state.attempts -= 1
            state.losses += 1
            self._redo(state)
        elif _may_go_better(ended) and state.attempts < ATTEMPTS:
            state.avoid += [ended.node] if ended.state == "failed" else []
            self._make_ready(ended.unit)
        elif ended.state == "stopped":
            self._make_ready(ended.unit)
            state.attempts -= 1
        else:
            again = False
        if not again and ended.state == "lost":
            ended = _never_there(ended)
        self._tell(UnitEnded(ended.unit, state.unit.name, ended, again))
        if not again:
            self._finish(state, ended)

    def _redo(self, state: _State) -> None:
        """Have everything looked for again that the unit needs: some of it is gone."""
        front, above = list(state.unit.needs), set(state.unit.needs)
        while front:
            needs = self._states[front.pop()].unit.needs - above
            above |= needs
            front += needs
        for id in above:
            other = self._states[id]
            if other.outcome is not None and other.outcome.state == "done":
                other.outcome, other.missing = None, set(other.unit.needs) & above
                self._left += 1
        state.missing = {need for need in state.unit.needs if self._states[need].outcome is None}
        for id in above:
            other = self._states[id]
            other.missing = {need for need in other.unit.needs if self._states[need].outcome is None}
            if other.outcome is None and not other.missing and id not in self._running:
                self._make_ready(id)
        if not state.missing:
            self._make_ready(state.unit.id)

    def _finish(self, state: _State, ended: Ended) -> None:
        state.outcome = ended
        self._left -= 1
        if ended.state == "done":
            for id in self._needed_by.get(ended.unit, ()):
                other = self._states[id]
                other.missing.discard(ended.unit)
                if not other.missing and other.outcome is None and other.skipped is None and id not in self._running:
                    self._make_ready(id)
        else:
            self._skip(ended.unit)
        self._on_done(ended.unit)

    def _skip(self, failed: str) -> None:
        front = list(self._needed_by.get(failed, ()))
        while front:
            state = self._states[front.pop()]
            if state.skipped is None and state.outcome is None:
                state.skipped = failed
                self._left -= 1
                front += self._needed_by.get(state.unit.id, ())
                self._tell(UnitSkipped(state.unit.id, state.unit.name, self._states[failed].unit.name))
                self._on_done(state.unit.id)

    def _make_ready(self, id: str) -> None:
        heapq.heappush(self._ready[self._states[id].unit.lane], (self._rank[id], id))

    def _wake(self) -> None:
        while self._later and self._later[0][0] <= time.monotonic():
            self._make_ready(heapq.heappop(self._later)[1])


def _may_go_better(ended: Ended) -> bool:
    """Tell whether a unit may succeed when it is run again: its machine was lost, or another one may have room."""
    return ended.state == "crashed" or bool(ended.fault is not None and ended.fault.passing and ended.node)


def _never_there(ended: Ended) -> Ended:
    """The end of a unit whose needs are never in the store, whoever makes them."""
    fault = Fault(
        "results that this needs are not in the workspace, although they were made",
        None,
        "Give every machine the same version of retarget, the same weights, and the same workspace.",
        5,
    )
    return Ended(ended.unit, "failed", ended.seconds, ended.made, ended.cached, fault, ended.host, ended.node)
