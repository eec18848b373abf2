"""Progress on stderr: counts and rates, sparse plain lines for logs, and the choice of what to draw."""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from retarget_cli import events
from retarget_cli.utils import streams, text

Clock = Callable[[], float]


class Meter:
    """Rate and time left of one stage, measured over the last half minute.

    The first report sets the zero point, so that a resumed training is not credited with the steps of an earlier run.
    """

    WINDOW = 30.0
    GRAIN = 0.1  # seconds; reports that come faster count as one

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()
        self.done = 0
        self.total = 0

    def update(self, done: int, total: int) -> None:
        """Take note that `done` of `total` units are finished now."""
        now = self._clock()
        self.done, self.total = done, total
        if len(self._seen) > 1 and now - self._seen[-2][0] < self.GRAIN:
            self._seen.pop()
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] > self.WINDOW:
            self._seen.popleft()

    @property
    def rate(self) -> float | None:
        """Units per second; None until two reports are some time apart."""
        if len(self._seen) < 2:
            return None
        (start, first), (end, last) = self._seen[0], self._seen[-1]
        return (last - first) / (end - start) if end > start and last > first else None

    @property
    def left(self) -> float | None:
        """Seconds until the stage is done at the present rate."""
        rate = self.rate
        return None if rate is None else max(0, self.total - self.done) / rate

    @property
    def fraction(self) -> float:
        """Share done, in [0, 1]."""
        return self.done / self.total if self.total else 0.0

    def describe(self, unit: str, percent: bool = True) -> str:
        """``120/480 frames, 25%, 40 frames/s, 9 s left``."""
        parts = [f"{self.done}/{self.total} {unit}", *([f"{self.fraction:.0%}"] if percent else [])]
        if self.rate is not None:
            parts.append(text.rate(self.rate, unit))
        if self.left is not None:
            parts.append(f"{text.duration(self.left)} left")
        return ", ".join(parts)


class ProgressReporter:
    """Counts stages and hands each kind of event to its own method; the subclasses draw, this one draws nothing.

    verbose: show keys too, and how long cached stages took. artifacts: files for people that were written.
    record: is called with every event, too.
    """

    def __init__(self, clock: Clock = time.monotonic, *, verbose: bool = False) -> None:
        self.verbose = verbose
        self._clock = clock
        self._number = 0
        self._numbers: dict[str, int] = {}
        self._expected = 0
        self._planned: frozenset[str] = frozenset()
        self._stopping: Callable[[], bool] | None = None
        self._running: list[events.StageStarted] = []
        self._failed: str | None = None
        self._meters: dict[str, Meter] = {}
        self._metrics: dict[str, Newest] = {}
        self.artifacts: list[events.Artifact] = []
        self.record: Callable[[events.Event], None] | None = None

    @property
    def running(self) -> str | None:
        """Label of the stage at work, if any; of the one that failed, once one did."""
        if self._failed is not None:
            return self._failed
        return self._running[-1].label if self._running else None

    def watch(self, stopping: Callable[[], bool]) -> None:
        """Say so, once, when `stopping` turns true: a Ctrl-C shows no other effect until the step is done."""
        self._stopping = stopping

    def __call__(self, event: events.Event) -> None:
        """Draw one event. A stderr that cannot be written silences the display and never stops the work."""
        if self.record is not None:
            self.record(event)
        if isinstance(event, events.Artifact):
            self.artifacts.append(event)
        elif isinstance(event, events.Planned):
            self._expected, self._number, self._planned = event.stages, 0, frozenset(event.ids)
            self._numbers.clear()
            self._running.clear()
        elif isinstance(event, events.StageStarted):
            self._running.append(event)
            self._meters[event.stage] = Meter(self._clock)
        elif isinstance(event, events.Progress):
            self._meters.setdefault(event.stage, Meter(self._clock)).update(event.done, event.total)
        elif isinstance(event, events.Metric):
            self._metrics.setdefault(event.stage, Newest()).take(event)
        elif isinstance(event, events.StageFailed):
            self._failed = event.label
        elif isinstance(event, events.StageFinished):
            self._running = [each for each in self._running if each.stage != event.stage]
        with streams.heard():
            self._draw(event)
            if self._stopping is not None and self._stopping():
                self._stopping = None
                what = "stopping: this step is finished and saved; press Ctrl-C again to end at once"
                self._draw(events.Notice(what))

    def close(self) -> None:
        """Take down what is drawn live."""

    def _say(self, line: str, style: str = "") -> None:
        """Print a line that stays. style: as rich names it."""

    def on_Notice(self, event: events.Notice) -> None:  # noqa: N802 - named after the event
        """Print the notice."""
        self._say(f"{event.level}: {event.message}", "yellow" if event.level == "warning" else "")

    def on_Finished(self, event: events.Finished) -> None:  # noqa: N802
        """Print the closing line."""
        self.close()
        self._say(finished_text(event), "bold")

    def _details(self, event: events.StageCached | events.StageFinished) -> str:
        """Details of a stage's result, empty unless more is to be shown."""
        if not (self.verbose and event.key):
            return ""
        took = "" if isinstance(event, events.StageFinished) or event.seconds is None else text.duration(event.seconds)
        return f", {f'took {took}, ' if took else ''}key {event.key[:12]}"

    def _draw(self, event: events.Event) -> None:
        handler: Callable[[Any], None] | None = getattr(self, f"on_{type(event).__name__}", None)
        if handler is not None:
            handler(_harmless(event))

    def _tag(self, stage: str) -> str:
        """``[3/8] `` within a plan, nothing outside one and for what another stage asked for."""
        if stage not in self._planned if self._planned else self._running and self._running[0].stage != stage:
            return ""
        if stage not in self._numbers:
            self._number += 1
            self._numbers[stage] = self._number
        if not self._expected:
            return ""
        return f"[{self._numbers[stage]}/{max(self._expected, self._number)}] "


def _harmless(event: events.Event) -> events.Event:
    """The event with texts that a terminal can be given: labels and messages hold names of files."""
    if isinstance(event, events.Notice):
        return dataclasses.replace(event, message=text.visible(event.message, lines=True))
    if isinstance(event, (events.StageStarted, events.StageCached, events.StageFinished)):
        return dataclasses.replace(event, label=text.visible(event.label))
    return event


class PlainReporter(ProgressReporter):
    """Lines for logs: one at a stage's start and end, and between them never more than one in five seconds."""

    AT_LEAST = 5.0  # seconds between two lines of a stage
    AT_MOST = 15.0  # a slow stage speaks at least this often
    SHARE = 0.1  # a fast one whenever this much more is done

    def __init__(self, stream: TextIO, clock: Clock = time.monotonic, *, verbose: bool = False) -> None:
        super().__init__(clock, verbose=verbose)
        self._stream = stream
        self._spoken: dict[str, tuple[float, float]] = {}

    def _say(self, line: str, style: str = "") -> None:
        print(line, file=self._stream, flush=True)

    def on_StageStarted(self, event: events.StageStarted) -> None:  # noqa: N802
        """Print the stage's name."""
        self._say(f"{self._tag(event.stage)}{event.label} ...")
        self._spoken[event.stage] = (self._clock(), 0.0)

    def on_StageCached(self, event: events.StageCached) -> None:  # noqa: N802
        """Print that the stage was done before."""
        self._say(f"{self._tag(event.stage)}{event.label}: cached{self._details(event)}")

    def on_Progress(self, event: events.Progress) -> None:  # noqa: N802
        """Print how far the stage is, when it is time to."""
        meter, now = self._meters[event.stage], self._clock()
        when, share = self._spoken.setdefault(event.stage, (now, meter.fraction))
        waited, gained = now - when, meter.fraction - share
        if waited < self.AT_LEAST or (waited < self.AT_MOST and gained < self.SHARE):
            return
        self._spoken[event.stage] = (now, meter.fraction)
        numbers = self._metrics[event.stage].text() if event.stage in self._metrics else ""
        which = self._tag(event.stage) if len(self._running) > 1 else ""
        self._say(f"    {which}{meter.describe(event.unit)}{'  ' if numbers else ''}{numbers}")

    def on_StageFinished(self, event: events.StageFinished) -> None:  # noqa: N802
        """Print how long the stage took."""
        took = text.duration(event.seconds)
        self._say(f"{self._tag(event.stage)}{event.label}: done in {took}{self._details(event)}")


class Newest:
    """The newest numbers of a stage as a few words: two losses and, once there is one, a held-out score."""

    def __init__(self) -> None:
        self._losses: Mapping[str, float] = {}
        self._scores: Mapping[str, float] = {}

    def take(self, event: events.Metric) -> None:
        """Put the event's numbers in the place of the older ones."""
        if event.held_out:
            self._scores = event.values
        else:
            self._losses = event.values

    def text(self) -> str:
        """``silhouette 0.85  equivariance 0.12  held out: iou 0.93/0.91``, the last for clips A and B."""
        parts = [f"{name} {value:.3g}" for name, value in list(self._losses.items())[:2]]
        return "  ".join([*parts, *[f"held out: {score}" for score in text.by_clip(self._scores)[:1]]])


def finished_text(event: events.Finished) -> str:
    """Closing line: what the whole command took, or that there was nothing left to do."""
    if event.ran == 0 and event.cached:
        return f"everything was already done: {_stages(event.cached)} found in the workspace"
    return f"done in {text.duration(event.seconds)}: {_stages(event.ran)} run, {event.cached} cached"


def _stages(count: int) -> str:
    return "1 stage" if count == 1 else f"{count} stages"
