"""What a batch shows while it runs: rows on a terminal, lines in a log, JSON for programs."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from retarget_cli import events
from retarget_cli.batch.news import BatchPlanned, JobEnded, News, UnitEnded, UnitEvent, UnitSkipped, UnitStarted
from retarget_cli.cli.reporters.progress import Meter
from retarget_cli.utils import streams, text
from retarget_cli.utils.text import visible

_AGAIN = {
    "busy": "another process makes it; looked at again later",
    "lost": "what it needs is gone and made again",
    "crashed": "its process or machine was lost; it goes on elsewhere",
    "failed": "tried again on another machine",
    "stopped": "saved",
}


class BatchDisplay:
    """Counts units and jobs, and draws nothing. Subclasses draw.

    clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.units = self.jobs = self.done = self.failed = self.skipped = 0
        self.jobs_done = self.jobs_failed = 0
        self.running: dict[str, str] = {}
        self._labels: dict[str, str] = {}
        self._meters: dict[str, Meter] = {}

    def __call__(self, news: News) -> None:
        """Take note, and draw. A stderr that cannot be written silences the display and never stops the work."""
        if isinstance(news, BatchPlanned):
            self.units, self.jobs = news.units, news.jobs
        elif isinstance(news, UnitStarted):
            self.running[news.unit] = news.name
            self._meters[news.unit] = Meter(self._clock)
        elif isinstance(news, UnitEvent) and isinstance(news.event, events.StageStarted):
            self._labels[news.unit] = news.event.label
            self._meters[news.unit] = Meter(self._clock)
        elif isinstance(news, UnitEvent) and isinstance(news.event, events.Progress):
            self._meters.setdefault(news.unit, Meter(self._clock)).update(news.event.done, news.event.total)
        elif isinstance(news, UnitEnded):
            self._ended(news)
        elif isinstance(news, UnitSkipped):
            self.skipped += 1
        elif isinstance(news, JobEnded):
            self.jobs_done += 1
            self.jobs_failed += news.exit_code != 0
        with streams.heard():
            self.draw(news)

    def _ended(self, news: UnitEnded) -> None:
        self.running.pop(news.unit, None)
        self._labels.pop(news.unit, None)
        if not news.again:
            self.done += news.ended.state == "done"
            self.failed += news.ended.state != "done"

    def draw(self, news: News) -> None:
        """Draw one piece of news."""

    def close(self) -> None:
        """Take down what is drawn live."""

    def tally(self) -> str:
        """``3 of 6 pairs, 12 of 40 steps done, 2 running, 1 failed``."""
        parts = [f"{self.jobs_done} of {self.jobs} pairs", f"{self.done} of {self.units} steps done"]
        parts += [f"{len(self.running)} running"] if self.running else []
        parts += [f"{self.failed} failed"] if self.failed else []
        return ", ".join(parts)

    def where(self, unit: str) -> str:
        """``Training geometry, 120/600 steps, 1 min 10 s left``."""
        meter = self._meters.get(unit)
        done = "" if meter is None or not meter.total else f"{meter.done}/{meter.total}"
        left = "" if meter is None or meter.left is None else f"{text.duration(meter.left)} left"
        return ", ".join(filter(None, (self._labels.get(unit, ""), done, left)))


def line_of(news: News) -> str | None:
    """A line for a log; None for what a log does not need."""
    if isinstance(news, UnitStarted):
        again = f" (attempt {news.attempt})" if news.attempt > 1 else ""
        return f"{news.name}: starts on {news.where}{again}"
    if isinstance(news, UnitEvent) and isinstance(news.event, events.Notice):
        return f"{news.event.level}: {news.event.message}"
    if isinstance(news, UnitEnded):
        return f"{news.name}: {_ending(news)}"
    if isinstance(news, UnitSkipped):
        return f"{news.name}: left out, as {news.because} failed"
    if isinstance(news, JobEnded):
        return f"{news.job}: {'handed over' if not news.exit_code else f'failed ({news.exit_code})'}"
    return None


def _ending(news: UnitEnded) -> str:
    ended = news.ended
    if news.again:
        why = f" ({ended.fault.what})" if ended.fault and ended.state != "stopped" else ""
        return _AGAIN.get(ended.state, "again") + why
    if ended.state == "lost":
        return "left out, as what it needs was not made"
    if ended.state != "done":
        place = f" ({ended.fault.where})" if ended.fault and ended.fault.where else ""
        return f"failed: {ended.fault.what if ended.fault else ended.state}{place}"
    return f"done in {text.duration(ended.seconds)}" if ended.made else "found in the workspace"


class BatchLines(BatchDisplay):
    """Lines for a log; now and then how far everything is."""

    EVERY = 15.0  # seconds between two lines that tell how far what runs is

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._stream = stream
        self._spoken = clock()
        self._told: set[str] = set()

    def draw(self, news: News) -> None:
        """Print the line, if it has one that was not printed before."""
        line = line_of(news)
        if line is not None and not (isinstance(news, UnitEvent) and line in self._told):
            self._told.add(line)
            print(visible(line), file=self._stream, flush=True)
        if isinstance(news, UnitEnded | JobEnded | UnitEvent) and self._clock() - self._spoken > self.EVERY:
            self._spoken = self._clock()
            print(self.tally(), file=self._stream, flush=True)
            for unit, name in self.running.items():
                print(visible(f"    {name}: {self.where(unit)}"), file=self._stream, flush=True)


class BatchJson(BatchDisplay):
    """One JSON object a line for everything that happens."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def draw(self, news: News) -> None:
        """Print the object."""
        if isinstance(news, UnitEvent):
            told = {"event": type(news.event).__name__, "unit": news.unit, **dataclasses.asdict(news.event)}
        else:
            told = {"event": type(news).__name__, **dataclasses.asdict(news)}
        print(json.dumps(told, default=_plain), file=self._stream, flush=True)


class BatchRows(BatchDisplay):
    """A live row for each unit at work, and one for all; what is said stands above."""

    MOST = 20  # rows

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        from rich.console import Console
        from rich.live import Live

        self._console = Console(file=stream)
        self._live = Live(console=self._console, transient=True, refresh_per_second=4, get_renderable=self._rows)
        self._live.start()
        self._told: set[str] = set()

    def draw(self, news: News) -> None:
        """Print what stays."""
        line = line_of(news)
        quiet = isinstance(news, UnitStarted) or (isinstance(news, UnitEnded) and news.ended.state == "done")
        if line is not None and not quiet and line not in self._told:
            self._told.add(line)
            self._console.print(visible(line), markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Remove the rows; the printed lines stay."""
        self._live.stop()

    def _rows(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        for unit, name in list(self.running.items())[: self.MOST]:
            table.add_row(Text(visible(name)), Text(visible(self.where(unit)), style="cyan"))
        if len(self.running) > self.MOST:
            table.add_row(Text(f"and {len(self.running) - self.MOST} more"))
        table.add_row(Text(self.tally(), style="bold"))
        return table


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else repr(value)


def make_display(*, quiet: bool, as_json: bool, stream: TextIO | None = None) -> BatchDisplay:
    """The display that fits where `stream` (stderr unless given) goes."""
    stream = stream or sys.stderr
    if quiet:
        return BatchDisplay()
    if as_json:
        return BatchJson(stream)
    if stream.isatty() and os.environ.get("TERM") != "dumb":
        return BatchRows(stream)
    return BatchLines(stream)
