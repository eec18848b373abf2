"""Progress lines: sparse on logs, live on terminals, silent when asked."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from retarget_cli import events
from retarget_cli.cli.options import General
from retarget_cli.cli.output import make_reporter
from retarget_cli.cli.reporters.display import RichReporter
from retarget_cli.cli.reporters.progress import Meter, Newest, PlainReporter, ProgressReporter


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def train(reporter: PlainReporter, clock: Clock, steps: int, seconds: float) -> None:
    reporter(events.StageStarted("fit", "Training"))
    for step in range(1, steps + 1):
        clock.now += seconds / steps
        reporter(events.Progress("fit", step, steps, "steps"))
    reporter(events.StageFinished("fit", "Training", seconds))


@pytest.mark.parametrize(("seconds", "least", "most"), [(2, 2, 2), (60, 6, 14), (1800, 100, 130)])
def test_a_stage_speaks_now_and_then(seconds: float, least: int, most: int) -> None:
    stream, clock = io.StringIO(), Clock()
    train(PlainReporter(stream, clock), clock, 3000, seconds)
    assert least <= len(stream.getvalue().splitlines()) <= most


def test_lines_tell_how_far_and_how_long() -> None:
    stream, clock = io.StringIO(), Clock()
    reporter = PlainReporter(stream, clock)
    reporter(events.Planned(2))
    reporter(events.StageCached("ingest", "Reading cat"))
    train(reporter, clock, 100, 100.0)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "[1/2] Reading cat: cached"
    assert lines[1] == "[2/2] Training ..."
    assert "10/100 steps, 10%, 1.0 steps/s, 1 min 30 s left" in lines[2]
    assert lines[-1] == "[2/2] Training: done in 1 min 40 s"


def test_every_plan_counts_for_itself() -> None:
    stream = io.StringIO()
    reporter = PlainReporter(stream)
    for _ in range(2):
        reporter(events.Planned(3))
        reporter(events.StageCached("draw", "Drawing"))
    assert stream.getvalue().splitlines() == ["[1/3] Drawing: cached"] * 2


def test_what_a_stage_asks_for_has_no_number_of_its_own() -> None:
    stream = io.StringIO()
    reporter = PlainReporter(stream)
    reporter(events.Planned(2))
    reporter(events.StageStarted("matte", "Finding"))
    reporter(events.StageStarted("embed", "Showing"))
    assert reporter.running == "Showing"
    reporter(events.StageFinished("embed", "Showing", 1.0))
    assert reporter.running == "Finding"
    reporter(events.StageFinished("matte", "Finding", 2.0))
    assert reporter.running is None
    reporter(events.StageCached("crop", "Cropping"))
    numbers = [line.partition("]")[0] if line.startswith("[") else "" for line in stream.getvalue().splitlines()]
    assert numbers == ["[1/2", "", "", "[1/2", "[2/2"]


def test_metrics_are_on_the_next_line() -> None:
    stream, clock = io.StringIO(), Clock()
    reporter = PlainReporter(stream, clock)
    reporter(events.StageStarted("fit", "Training"))
    reporter(events.Metric("fit", 3, {"loss": 0.12345}))
    clock.now += 20
    reporter(events.Progress("fit", 3, 10, "steps"))
    assert stream.getvalue().splitlines()[-1].endswith("loss 0.123")


def test_held_out_scores_stand_beside_the_losses() -> None:
    newest = Newest()
    newest.take(events.Metric("fit", 10, {"iou_a": 0.931, "iou_b": 0.9, "angle": 3.0}, held_out=True))
    newest.take(events.Metric("fit", 25, {"one": 0.5, "two": 0.25, "three": 1.0}))
    assert newest.text() == "one 0.5  two 0.25  held out: iou 0.931/0.9"


def test_a_resumed_stage_is_not_credited_with_old_steps() -> None:
    clock = Clock()
    meter = Meter(clock)
    meter.update(900, 1000)
    clock.now += 10
    meter.update(910, 1000)
    assert meter.rate == pytest.approx(1.0)
    assert meter.left == pytest.approx(90.0)


def test_the_rate_follows_a_change() -> None:
    clock = Clock()
    meter = Meter(clock)
    for step in range(100):
        clock.now += 10 if step < 50 else 1
        meter.update(step, 1000)
    assert meter.rate == pytest.approx(1.0)


def test_nothing_left_to_do_is_said() -> None:
    stream = io.StringIO()
    PlainReporter(stream)(events.Finished(0.1, 0, 8))
    PlainReporter(stream)(events.Finished(0.1, 0, 1))
    assert [line.partition(" found")[0] for line in stream.getvalue().splitlines()] == [
        "everything was already done: 8 stages",
        "everything was already done: 1 stage",
    ]


def test_quiet_shows_nothing_but_keeps_what_was_made() -> None:
    stream = io.StringIO()
    reporter = make_reporter(General(quiet=True, verbose=True), stream)
    reporter.watch(lambda: True)
    reporter(events.StageStarted("x", "X"))
    reporter(events.Notice("careful", "warning"))
    reporter(events.Artifact("video", Path("x.mp4")))
    assert stream.getvalue() == ""
    assert (reporter.running, [event.kind for event in reporter.artifacts]) == ("X", ["video"])


KEY = "0123456789abcdef"


def verbose_events(reporter: ProgressReporter) -> None:
    reporter(events.Planned(3))
    reporter(events.StageCached("ingest", "Reading cat", KEY, 75.0))
    reporter(events.StageCached("matte", "Finding cat", KEY))
    reporter(events.StageStarted("fit", "Training"))
    reporter(events.StageFinished("fit", "Training", 3.0, KEY))
    reporter.close()


def test_verbose_tells_keys_and_what_cached_stages_took() -> None:
    stream = io.StringIO()
    verbose_events(make_reporter(General(verbose=True), stream))
    assert stream.getvalue().splitlines() == [
        "[1/3] Reading cat: cached, took 1 min 15 s, key 0123456789ab",
        "[2/3] Finding cat: cached, key 0123456789ab",
        "[3/3] Training ...",
        "[3/3] Training: done in 3.0 s, key 0123456789ab",
    ]
    stream = io.StringIO()
    verbose_events(make_reporter(General(), stream))
    assert "key" not in stream.getvalue()


def test_verbose_on_a_terminal() -> None:
    from rich.console import Console

    stream = io.StringIO()
    verbose_events(RichReporter(Console(file=stream, force_terminal=True, width=160), verbose=True))
    assert "Reading cat: cached, took 1 min 15 s, key 0123456789ab" in stream.getvalue()
    assert "Training (3.0 s, key 0123456789ab)" in stream.getvalue()


def test_a_closed_stderr_does_not_stop_the_work() -> None:
    class Closed(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    reporter = PlainReporter(Closed())
    reporter(events.StageStarted("x", "X"))
    reporter(events.StageFinished("x", "X", 1.0))


def test_a_wish_to_stop_is_answered_once() -> None:
    stream = io.StringIO()
    reporter = PlainReporter(stream)
    reporter.watch(lambda: True)
    reporter(events.StageStarted("x", "X"))
    reporter(events.Progress("x", 1, 2, "steps"))
    assert stream.getvalue().count("stopping") == 1


def test_the_terminal_display_shows_every_stage() -> None:
    from rich.console import Console

    stream = io.StringIO()
    reporter = RichReporter(Console(file=stream, force_terminal=True, width=160))
    reporter(events.Planned(2))
    reporter(events.StageCached("ingest", "Reading [cat]"))
    reporter(events.StageStarted("fit", "Training"))
    reporter(events.Progress("fit", 1, 10, "steps"))
    reporter(events.Metric("fit", 1, {"loss": 0.5}))
    reporter(events.StageFinished("fit", "Training", 3.0))
    reporter(events.Finished(3.0, 1, 1))
    reporter.close()
    drawn = stream.getvalue()
    for part in ("[1/2] Reading [cat]: cached", "[2/2] Training (3.0 s)", "1 stage run, 1 cached"):
        assert part in drawn


def test_the_reporter_fits_the_stream() -> None:
    assert isinstance(make_reporter(General(), io.StringIO()), PlainReporter)
    assert type(make_reporter(General(quiet=True))) is ProgressReporter
