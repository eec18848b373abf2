"""What a batch would do: what is there, what is to be made, and how long that took before."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retarget_cli.batch.batch import Planning
from retarget_cli.batch.graph import LANES, Lane, Piece, Unit
from retarget_cli.stages.stage import Stage, found_of
from retarget_cli.store.engine import Entry, Store
from retarget_cli.utils import text

_DRAWN: Mapping[str, tuple[str, ...]] = {"device": ("transfer",), "render": ("compose",), "score": ("score",)}
_SEED = "seed"  # decides no time


@dataclass(frozen=True)
class Step:
    """A unit as it stands. cached: everything of it is there; seconds: as before, None where nobody knows."""

    unit: Unit
    cached: bool
    seconds: float | None


@dataclass(frozen=True)
class Forecast:
    """What a batch would do. slots: trainings at a time, None where only the cluster knows."""

    planning: Planning
    steps: Sequence[Step]
    slots: int | None

    def seconds(self, lane: Lane) -> float:
        """What is known of the work that is left."""
        return sum(step.seconds or 0 for step in self._left if step.unit.lane == lane)

    @property
    def _left(self) -> list[Step]:
        return [step for step in self.steps if not step.cached]

    @property
    def unknown(self) -> int:
        """Steps of which nobody knows how long they take."""
        return sum(step.seconds is None for step in self._left)

    def lines(self) -> list[str]:
        """For people: each pair, then all of them."""
        lines = []
        for number, job in enumerate(self.planning.jobs):
            mine = [step for step in self.steps if number in step.unit.jobs]
            refused = self.planning.refused.get(number)
            if refused is not None:
                place = f" ({refused.where})" if refused.where else ""
                lines += [f"{job.name}: cannot be run: {refused.what}{place}", f"  fix: {refused.fix}"]
                continue
            left = [step for step in mine if not step.cached]
            todo = "; ".join(step.unit.name.partition(": ")[2] for step in left[:6])
            more = f" and {len(left) - 6} more" if len(left) > 6 else ""
            state = "everything is there" if not left else f"{len(left)} of {len(mine)} steps to do: {todo}{more}"
            lines.append(f"{job.name}: {state}")
        done = len(self.steps) - len(self._left)
        lines.append(
            f"{len(self.planning.jobs)} pairs, {len(self.steps)} steps: {done} cached, {len(self._left)} to do"
        )
        return [*lines, *self._time()] if self._left else lines

    def _time(self) -> list[str]:
        device, cpu = (self.seconds(lane) for lane in LANES)
        if self.unknown == len(self._left):
            return ["how long they take is not known: nothing like them was made in this workspace yet"]
        lines = [f"as before, trainings and drawings take {text.duration(device)}, all else {text.duration(cpu)}"]
        if self.slots is not None:
            lines[0] += f", with {self.slots} at a time about {text.duration((device + cpu) / self.slots)}"
        if self.unknown:
            lines.append(f"how long {self.unknown} of these steps take is not known, and not in these times")
        return lines

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        units = [
            {"id": step.unit.id, "name": step.unit.name, "lane": step.unit.lane, "cached": step.cached,
             "seconds": step.seconds, "needs": sorted(step.unit.needs), "pairs": list(step.unit.jobs)}
            for step in self.steps
        ]  # fmt: skip
        refused = [
            {"pair": self.planning.jobs[number].name, **vars(each)} for number, each in self.planning.refused.items()
        ]
        pairs = [job.name for job in self.planning.jobs]
        return {"pairs": pairs, "steps": units, "refused": refused, "unknown": self.unknown,
                "seconds": {lane: self.seconds(lane) for lane in LANES}}  # fmt: skip


def forecast(planning: Planning, store: Store, slots: int | None) -> Forecast:
    """Look everything up that a batch would make. slots: trainings at a time, None where that is not known."""
    known = {id(job): found_of(job.plan(store), store) for job in planning.opened.values()}
    times = _Times(store)
    return Forecast(planning, [_step(unit, known, store, times) for unit in planning.units], slots)


def _step(unit: Unit, known: Mapping[int, Mapping[str, Entry]], store: Store, times: _Times) -> Step:
    left: list[float | None] = []
    for piece in unit.pieces:
        entries = dict(known[id(piece.job)])
        stages = _stages(piece, unit.lane, entries, store)
        if stages is None:
            left += [times.named(name) for name in _DRAWN["device" if unit.lane == "device" else piece.part.kind]]
        else:
            left += [times.of(stage) for stage in stages if stage.id not in entries]
    return Step(unit, not left, None if None in left else sum(each or 0 for each in left))


def _stages(piece: Piece, lane: Lane, entries: dict[str, Entry], store: Store) -> list[Stage] | None:
    """The stages of a piece; None where they cannot be known before the training is done.

    entries: results of the job's training; gets those of the piece that are there.
    """
    if piece.part.kind != "train":
        entries |= found_of(piece.job.driver_plan(piece.part, store), store, entries)
    if piece.stages is not None:
        plan = piece.job.plan(store) if piece.part.kind == "train" else piece.job.driver_plan(piece.part, store)
        return [stage for stage in plan if stage.id in piece.stages]
    if any(phase not in entries for phase in piece.job.phases):
        return None
    try:
        drawn = piece.job.drawing_plan(piece.part, entries, store)
    except KeyError:
        return None
    entries |= found_of(drawn, store, entries)
    return [stage for stage in drawn if stage.exclusive == (lane == "device")]


class _Times:
    """How long stages took, as the receipts of this workspace say."""

    def __init__(self, store: Store) -> None:
        self._alike: dict[str, list[float]] = defaultdict(list)
        self._named: dict[str, list[float]] = defaultdict(list)
        for entry in store.entries():
            seconds = entry.receipt["timings"].get("seconds")
            if seconds is not None:
                self._alike[_kind(entry.stage, entry.receipt["params"])].append(seconds)
                self._named[entry.stage].append(seconds)

    def of(self, stage: Stage) -> float | None:
        """The median of stages with the same settings; of any stage of that name where it does not train."""
        alike = self._alike.get(_kind(stage.name, stage.params))
        if alike:
            return statistics.median(alike)
        return None if stage.exclusive and "config" in stage.params else self.named(stage.name)

    def named(self, name: str) -> float | None:
        """The median of all stages of a name."""
        return statistics.median(self._named[name]) if self._named.get(name) else None


def _kind(name: str, params: Mapping[str, Any]) -> str:
    from retarget_cli.store.keys import canonical_json

    told = {key: value for key, value in params.items() if key != _SEED}
    return f"{name} {json.dumps(json.loads(canonical_json(told)), sort_keys=True)}"
