"""Child processes side by side, one a device; a device that is free takes the next job."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from retarget_cli.interrupt import StopSignal

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Job:
    """One call of the program. command: its words, `--device` left out; it prints one JSON document on stdout."""

    name: str
    command: Sequence[str]


@dataclass(frozen=True)
class Outcome:
    """How a job ended. code: its exit code (128 + the signal that killed it); answer: its JSON document, if any."""

    job: Job
    device: str
    code: int
    seconds: float
    answer: dict[str, Any] = field(default_factory=dict)


class Board(Protocol):
    """Shows what the jobs do. Called from several threads."""

    def started(self, job: Job, device: str) -> None:
        """A job begins."""
        ...

    def line(self, job: Job, text: str) -> None:
        """A line the job wrote on stderr, without its end."""
        ...

    def finished(self, outcome: Outcome) -> None:
        """A job ended."""
        ...


class Fleet:
    """Runs jobs on devices. stop: a request to end, which is passed on to the children; they save and leave."""

    def __init__(self, devices: Sequence[str], board: Board, stop: StopSignal) -> None:
        self._devices = list(devices)
        self._board = board
        self._stop = stop
        self._guard = threading.Lock()  # over `_waiting`, `_children` and `_ended`
        self._waiting: Iterator[Job] = iter(())
        self._children: set[subprocess.Popen[str]] = set()
        self._ended = False
        self._environment = _environment(self._devices)

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Run every job; those that ended, in the order of `jobs`. After a stop some are missing."""
        self._waiting = iter(jobs)
        with ThreadPoolExecutor(len(self._devices)) as pool:
            running = {pool.submit(self._serve, device) for device in self._devices}
            pending = running
            while pending:
                pending = wait(pending, timeout=_POLL_SECONDS).not_done
                if self._stop() and not self._ended:
                    self._pass_on(self._stop.signal or 2)
        outcomes = {id(outcome.job): outcome for served in running for outcome in served.result()}
        return [outcomes[id(job)] for job in jobs if id(job) in outcomes]

    def _pass_on(self, signal: int) -> None:
        with self._guard:
            self._ended = True
            for child in self._children:
                child.send_signal(signal)  # does nothing when it has ended

    def _serve(self, device: str) -> list[Outcome]:
        """What a device does: one job after another, until none is left."""
        outcomes = []
        while (begun := self._begin(device)) is not None:
            outcomes.append(self._attend(*begun, device))
        return outcomes

    def _begin(self, device: str) -> tuple[Job, subprocess.Popen[str], Any] | None:
        with self._guard:  # so that a stop reaches every child that was started
            job = None if self._ended or self._stop() else next(self._waiting, None)
            if job is None:
                return None
            # Not a pipe: nobody reads it until the child has ended.
            answer = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed by _attend
            child = subprocess.Popen(
                [*job.command, "--device", device],
                stdin=subprocess.DEVNULL, stdout=answer, stderr=subprocess.PIPE,
                text=True, encoding="utf-8", errors="replace", env=self._environment,
            )  # fmt: skip
            self._children.add(child)
            return job, child, answer

    def _attend(self, job: Job, child: subprocess.Popen[str], answer: Any, device: str) -> Outcome:
        began = time.monotonic()
        self._board.started(job, device)
        assert child.stderr is not None
        with answer, child.stderr as lines:
            for line in lines:
                self._board.line(job, line.rstrip("\n"))
            code = child.wait()
            with self._guard:
                self._children.discard(child)
            outcome = Outcome(job, device, code if code >= 0 else 128 - code, time.monotonic() - began, _read(answer))
        self._board.finished(outcome)
        return outcome


def _read(answer: Any) -> dict[str, Any]:
    answer.seek(0)
    try:
        document = json.load(answer)
    except ValueError:  # killed before it could answer
        return {}
    return document if isinstance(document, dict) else {}


def _environment(devices: Sequence[str]) -> dict[str, str]:
    """That of the children: those that share the CPU divide its cores, instead of each taking all of them."""
    environment = dict(os.environ)
    sharing = devices.count("cpu")
    if sharing > 1:
        environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // sharing)))
    return environment
