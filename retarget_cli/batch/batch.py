"""A batch from its jobs to its pages: open, plan, run, hand over."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from retarget_cli.batch.delivery import Delivered, Delivery, part_name
from retarget_cli.batch.graph import Unit, build
from retarget_cli.batch.index import write_index
from retarget_cli.batch.jobs import Job
from retarget_cli.batch.news import BatchPlanned, BatchReporter, JobEnded, UnitEvent
from retarget_cli.batch.opened import Opened, open_job
from retarget_cli.batch.scheduler import Engine, Scheduler
from retarget_cli.batch.work import Explain, Fault
from retarget_cli.errors import Interrupted
from retarget_cli.events import Artifact, Event, Finished, Planned, StageCached
from retarget_cli.stages.stage import Stage, Stop
from retarget_cli.store.engine import Store

DELIVERY = "delivery"  # the unit under which handing over is told


@dataclass(frozen=True)
class Planning:
    """Jobs, opened, and their units. refused: jobs that cannot be planned, by number, and why."""

    jobs: Sequence[Job]
    opened: Mapping[int, Opened]
    units: Sequence[Unit]
    refused: Mapping[int, Fault]


@dataclass
class Result:
    """What became of a batch. jobs: in the order of the list; index: the page over all of them."""

    jobs: list[Delivered]
    index: Path | None = None
    seconds: float = 0.0
    units: int = 0


def plan_batch(jobs: Sequence[Job], store: Store, explain: Explain) -> Planning:
    """Open the clips of every job and join what they share. A job that cannot be opened does not keep the others."""
    opened: dict[int, Opened] = {}
    plans: dict[int, list[Stage]] = {}
    refused: dict[int, Fault] = {}
    for number, job in enumerate(jobs):
        try:
            found = open_job(job, store)
            plans[number] = found.plan(store)
            for part in found.parts:
                found.driver_plan(part, store)
            opened[number] = found
        except Exception as error:
            refused[number] = Fault.of(explain(error), error)
    return Planning(jobs, opened, build(opened, plans, store), refused)


@dataclass
class _Handing:
    """Jobs whose units are ending; each is handed over as soon as its last one did."""

    planning: Planning
    delivery: Delivery
    tell: BatchReporter
    left: dict[int, set[str]] = field(init=False)
    done: dict[int, Delivered] = field(default_factory=dict)
    due: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.left = {number: set() for number in self.planning.opened}
        for unit in self.planning.units:
            for number in unit.jobs:
                self.left[number].add(unit.id)

    def ended(self, unit: Unit) -> None:
        """Note that a unit ended, however."""
        for number in unit.jobs:
            self.left[number].discard(unit.id)
            if not self.left[number] and number not in self.done and number not in self.due:
                self.due.append(number)


def run_batch(
    planning: Planning,
    store: Store,
    engine: Engine,
    tell: BatchReporter,
    stop: Stop,
    explain: Explain,
    *,
    page: Path | None = None,
) -> Result:
    """Run every unit on `engine` and hand over each job once its units have ended.

    page: where the index goes; None for none. Raises Interrupted when `stop` turned true; what was finished is kept.
    """
    started = time.monotonic()
    units = {unit.id: unit for unit in planning.units}
    handing = _Handing(planning, Delivery(store, _quietly(tell), stop, explain), tell)
    tell(BatchPlanned(len(units), len(planning.jobs)))

    def on_done(id: str) -> None:
        handing.ended(units[id])
        while handing.due and not stop():
            number = handing.due.pop(0)
            failed = _faults(number, planning.units, scheduler)
            handing.done[number] = handing.delivery.hand_over(planning.opened[number], failed)
            made = handing.done[number]
            made.seconds = _seconds(number, planning.units, scheduler)
            tell(JobEnded(made.name, made.exit_code, made.report))

    scheduler = Scheduler(planning.units, engine, tell, on_done)
    finished = scheduler.run(stop)
    if not finished or stop():
        what = f"stopped; {len(handing.done)} of {len(planning.jobs)} pairs are done, what the others reached is saved"
        fix = "Run the same command again to go on from there."
        raise Interrupted(what, fix=fix, signal=getattr(stop, "signal", None) or 2)
    for number, fault in planning.refused.items():
        handing.done[number] = Delivered(planning.jobs[number].name, faults={"training": fault})
        tell(JobEnded(planning.jobs[number].name, fault.exit_code))
    result = Result([handing.done[number] for number in sorted(handing.done)], units=len(units))
    if page is not None and any(made.folder is not None for made in result.jobs):
        result.index = write_index(page, result.jobs)
    result.seconds = time.monotonic() - started
    return result


def _quietly(tell: BatchReporter) -> Callable[[Event], None]:
    """A reporter for handing over: what was cached, planned and copied is of no interest then."""

    def report(event: Event) -> None:
        if not isinstance(event, StageCached | Planned | Finished | Artifact):
            tell(UnitEvent(DELIVERY, event))

    return report


def _faults(number: int, units: Sequence[Unit], scheduler: Scheduler) -> dict[str, Fault]:
    """Why parts of a job could not be made."""
    ended, skipped = scheduler.ended, scheduler.skipped
    found: dict[str, Fault] = {}
    for unit in units:
        if number not in unit.jobs:
            continue
        outcome = ended.get(unit.id) or ended.get(skipped.get(unit.id, ""))
        if outcome is None or outcome.state == "done" or outcome.fault is None:
            continue
        for name in _parts_of(unit):
            found.setdefault(name, outcome.fault)
    training = found.get("training")
    return found if training is None else {"training": training}  # all else follows from it


def _parts_of(unit: Unit) -> set[str]:
    """The parts of a job that fail with a unit; none for one that draws, as that is told of what is made from it."""
    kinds = {piece.part.kind for piece in unit.pieces if piece.part.kind == "train" or piece.stages is None}
    if "train" in kinds:
        return {"training"}
    return {part_name(piece.part) for piece in unit.pieces} if unit.lane == "cpu" and kinds else set()


def _seconds(number: int, units: Sequence[Unit], scheduler: Scheduler) -> float:
    """Seconds that the units of a job took, those shared with others too."""
    ended = scheduler.ended
    return sum(ended[unit.id].seconds for unit in units if number in unit.jobs and unit.id in ended)
