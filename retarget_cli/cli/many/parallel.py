"""Child processes side by side, one a device, and what they show on stderr."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from retarget_cli.cli.many.lifeline import tie
from retarget_cli.utils import text
from retarget_cli.utils.text import visible

if TYPE_CHECKING:
    from retarget_cli.utils.interrupt import StopSignal


_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Job:
    """One call of the program. command: its words, `--device` left out; it prints one JSON document on stdout."""

    name: str
    command: Sequence[str]


@dataclass(frozen=True)
class Outcome:
    """The end of a job. code: its exit code (128 + the signal that killed it); answer: its JSON document, if any."""

    job: Job
    device: str
    code: int
    seconds: float
    answer: dict[str, Any] = field(default_factory=dict)


class Workers:
    """Runs jobs on devices. stop: a request to end, which is passed on to the children; they save and leave."""

    def __init__(self, devices: Sequence[str], display: LineDisplay, stop: StopSignal) -> None:
        self._devices = list(devices)
        self._display = display
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
            while wait(running, timeout=_POLL_SECONDS).not_done:
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
        """Run one job after another on a device, until none is left."""
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
                stdin=subprocess.PIPE, stdout=answer, stderr=subprocess.PIPE,
                text=True, encoding="utf-8", errors="replace", env=self._environment,
            )  # fmt: skip
            self._children.add(child)
            return job, child, answer

    def _attend(self, job: Job, child: subprocess.Popen[str], answer: Any, device: str) -> Outcome:
        began = time.monotonic()
        self._display.started(job, device)
        assert child.stderr is not None
        with answer, child.stderr as lines, child.stdin or nullcontext():
            for line in lines:
                self._display.line(job, line.rstrip("\n"))
            code = child.wait()
            with self._guard:
                self._children.discard(child)
            outcome = Outcome(job, device, code if code >= 0 else 128 - code, time.monotonic() - began, _read(answer))
        self._display.finished(outcome)
        return outcome


def _read(answer: Any) -> dict[str, Any]:
    answer.seek(0)
    try:
        document = json.load(answer)
    except ValueError:  # killed before it could answer
        return {}
    return document if isinstance(document, dict) else {}


def _environment(devices: Sequence[str]) -> dict[str, str]:
    """Variables of the children: those that share the CPU divide its cores, instead of each taking all of them."""
    environment = dict(os.environ)
    tie(environment)
    # An empty or relative entry means the folder that a child is started in.
    places = [place for place in environment.pop("PYTHONPATH", "").split(os.pathsep) if Path(place).is_absolute()]
    if places:
        environment["PYTHONPATH"] = os.pathsep.join(places)
    sharing = devices.count("cpu")
    if sharing > 1:
        environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // sharing)))
    return environment


_STAGE = re.compile(r"\[\d+/\d+\] ")  # how the lines of a log begin that name a stage,
_NUMBERS = " " * 4  # and those that tell how far it is; see progress.PlainReporter


class LineDisplay:
    """Every line of every job, with the job's name before it. quiet: only what the jobs themselves say.

    Its functions are called from several threads.
    """

    def __init__(self, stream: TextIO, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet
        self._guard = threading.Lock()

    def close(self) -> None:
        """Take down what is drawn live."""

    def started(self, job: Job, device: str) -> None:
        """Name the device."""
        if not self._quiet:
            self.line(job, f"starts on {device}")

    def line(self, job: Job, text: str) -> None:
        """Print the line. A stderr that cannot be written does not end the jobs."""
        with self._guard:
            try:
                print(f"{visible(job.name)}: {visible(text)}", file=self._stream, flush=True)
            except OSError:
                self._stream = open(os.devnull, "w")  # noqa: SIM115, PTH123 - stays open to the end

    def finished(self, outcome: Outcome) -> None:
        """Tell how it ended."""
        if not self._quiet:
            self.line(outcome.job, ended(outcome))


class RowDisplay(LineDisplay):
    """A live row a running job: its stage, how far it is and how long still. What else it says stands above."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn

        columns = [TextColumn(f"{{task.{name}}}", markup=False) for name in ("description", "fields[stage]")]
        numbers = TextColumn("{task.fields[numbers]}", markup=False, style="cyan")
        self._console = Console(file=stream)
        self._rows = Progress(SpinnerColumn(), *columns, numbers, console=self._console, transient=True)
        self._tasks = {}  # type: ignore[var-annotated]
        self._rows.start()

    def close(self) -> None:
        """Remove the rows; the printed lines stay."""
        self._rows.stop()

    def started(self, job: Job, device: str) -> None:
        """Add a row."""
        self._tasks[job.name] = self._rows.add_task(f"{visible(job.name)} ({device})", total=None, stage="", numbers="")

    def line(self, job: Job, text: str) -> None:
        """Change the row, or print what does not belong into it."""
        if _STAGE.match(text):
            self._rows.update(self._tasks[job.name], stage=visible(text), numbers="")
        elif text.startswith(_NUMBERS):
            self._rows.update(self._tasks[job.name], numbers=visible(text.strip()))
        else:
            self._say(f"{job.name}: {text}")

    def finished(self, outcome: Outcome) -> None:
        """Replace the row by a line."""
        self._rows.remove_task(self._tasks.pop(outcome.job.name))
        self._say(f"{outcome.job.name}: {ended(outcome)}")

    def _say(self, line: str) -> None:
        self._console.print(visible(line), markup=False, highlight=False, soft_wrap=True)


def ended(outcome: Outcome) -> str:
    """``done in 2 min 05 s`` or ``ended with code 3 after 7.1 s``."""
    took = text.duration(outcome.seconds)
    return f"done in {took}" if outcome.code == 0 else f"ended with code {outcome.code} after {took}"


def make_display(quiet: bool = False, stream: TextIO | None = None) -> LineDisplay:
    """The display that fits where `stream` (stderr unless given) goes."""
    stream = stream or sys.stderr
    live = stream.isatty() and os.environ.get("TERM") != "dumb"
    return RowDisplay(stream) if live and not quiet else LineDisplay(stream, quiet)
