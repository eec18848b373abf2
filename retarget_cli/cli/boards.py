"""What jobs side by side do, on stderr: lines that begin with the job's name, or a row a job on a terminal."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from retarget_cli.cli import text
from retarget_cli.cli.fleet import Board, Job, Outcome

_STAGE = re.compile(r"\[\d+/\d+\] ")  # how the lines of a log begin that name a stage,
_NUMBERS = " " * 4  # and those that tell how far it is; see progress.PlainReporter


class LineBoard:
    """Every line of every job, with the job's name before it. quiet: only what the jobs themselves say."""

    def __init__(self, stream: TextIO, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet
        self._guard = threading.Lock()

    def started(self, job: Job, device: str) -> None:
        """Name the device."""
        if not self._quiet:
            self.line(job, f"starts on {device}")

    def line(self, job: Job, text: str) -> None:
        """Print the line. A reader of stderr that went away does not end the jobs."""
        with self._guard:
            try:
                print(f"{job.name}: {text}", file=self._stream, flush=True)
            except BrokenPipeError:
                self._stream = open(os.devnull, "w")  # noqa: SIM115, PTH123 - stays open to the end

    def finished(self, outcome: Outcome) -> None:
        """Tell how it ended."""
        if not self._quiet:
            self.line(outcome.job, ended(outcome))


class RowBoard:
    """A live row a running job: its stage, how far it is and how long still. What else it says stands above."""

    def __init__(self, stream: TextIO) -> None:
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
        self._tasks[job.name] = self._rows.add_task(f"{job.name} ({device})", total=None, stage="", numbers="")

    def line(self, job: Job, text: str) -> None:
        """Change the row, or print what does not belong into it."""
        if _STAGE.match(text):
            self._rows.update(self._tasks[job.name], stage=text, numbers="")
        elif text.startswith(_NUMBERS):
            self._rows.update(self._tasks[job.name], numbers=text.strip())
        else:
            self._say(f"{job.name}: {text}")

    def finished(self, outcome: Outcome) -> None:
        """Replace the row by a line."""
        self._rows.remove_task(self._tasks.pop(outcome.job.name))
        self._say(f"{outcome.job.name}: {ended(outcome)}")

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def ended(outcome: Outcome) -> str:
    """``done in 2 min 05 s`` or ``ended with code 3 after 7.1 s``."""
    took = text.duration(outcome.seconds)
    return f"done in {took}" if outcome.code == 0 else f"ended with code {outcome.code} after {took}"


@contextmanager
def showing(quiet: bool = False, stream: TextIO | None = None) -> Iterator[Board]:
    """The board that fits where `stream` (stderr unless given) goes."""
    stream = stream or sys.stderr
    if quiet or not stream.isatty() or os.environ.get("TERM") == "dumb":
        yield LineBoard(stream, quiet)
        return
    rows = RowBoard(stream)
    try:
        yield rows
    finally:
        rows.close()
