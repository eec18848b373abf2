"""Events that tell of the work: small and frozen, handed to a reporter.

The library never prints. The command line draws progress from these events; a program that uses the library
passes its own function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Planned:
    """A plan of `stages` stages is about to run, cached ones counted; a command may run several plans.

    ids: the names of those stages; others that start meanwhile were asked for by one of them.
    """

    stages: int
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class StageStarted:
    """A stage begins to work. stage: a unique name such as ``matte:cat``; label: for people."""

    stage: str
    label: str


@dataclass(frozen=True)
class StageCached:
    """A stage was found finished in the workspace and is not run again; once it took `seconds`."""

    stage: str
    label: str
    key: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class Progress:
    """Progress of a running stage: `done` of `total` units (``frames``, ``steps``)."""

    stage: str
    done: int
    total: int
    unit: str


@dataclass(frozen=True)
class Metric:
    """Named numbers measured at one training step: losses, or scores on frames that are `held_out` of training."""

    stage: str
    step: int
    values: Mapping[str, float]
    held_out: bool = False


@dataclass(frozen=True)
class Preview:
    """A picture of what a training phase can do by now was written into the workspace; later ones stand beside it."""

    stage: str
    step: int
    path: Path


@dataclass(frozen=True)
class StageFinished:
    """A stage has published its result after `seconds`, under `key`."""

    stage: str
    label: str
    seconds: float
    key: str = ""


@dataclass(frozen=True)
class StageFailed:
    """A stage ended with the error by which the command ends."""

    stage: str
    label: str


@dataclass(frozen=True)
class Notice:
    """Something the user should know; `level` is ``note`` or ``warning``."""

    message: str
    level: str = "note"


@dataclass(frozen=True)
class Artifact:
    """A file for people was written. kind: ``video``, ``sheet``, ``matte``, ``alpha``, ``overlay``, ``preview``,
    ``curves``, ``report``."""

    kind: str
    path: Path


@dataclass(frozen=True)
class Finished:
    """The whole command is done; `ran` and `cached` count stages."""

    seconds: float
    ran: int
    cached: int


Event = (
    Planned
    | StageStarted
    | StageCached
    | Progress
    | Metric
    | Preview
    | StageFinished
    | StageFailed
    | Notice
    | Artifact
    | Finished
)
Reporter = Callable[[Event], None]


def silent(_event: Event) -> None:
    """A reporter that says nothing."""
