"""What is told of a batch while it runs: small and frozen, handed to a reporter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from retarget_cli.batch.work import Ended
from retarget_cli.events import Event


@dataclass(frozen=True)
class BatchPlanned:
    """A batch begins. units, jobs: how many there are."""

    units: int
    jobs: int


@dataclass(frozen=True)
class UnitStarted:
    """A unit begins. name: for people; where: the machine; attempt: from 1."""

    unit: str
    name: str
    where: str
    attempt: int = 1


@dataclass(frozen=True)
class UnitEvent:
    """Something that a stage of a unit tells."""

    unit: str
    event: Event


@dataclass(frozen=True)
class UnitEnded:
    """A unit ended, for good unless it is to be tried again."""

    unit: str
    name: str
    ended: Ended
    again: bool = False


@dataclass(frozen=True)
class UnitSkipped:
    """A unit that cannot run, as `because`, one that it needs, failed."""

    unit: str
    name: str
    because: str


@dataclass(frozen=True)
class JobEnded:
    """Everything of a job was tried, and what was made was handed over. exit_code: that of the worst failure."""

    job: str
    exit_code: int
    report: Path | None = None


News = BatchPlanned | UnitStarted | UnitEvent | UnitEnded | UnitSkipped | JobEnded
BatchReporter = Callable[[News], None]
