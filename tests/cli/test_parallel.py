"""Jobs side by side: small scripts stand in for the program."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import pytest

from retarget_cli.cli.many.parallel import Job, LineDisplay, Outcome, RowDisplay, Workers
from retarget_cli.utils.interrupt import StopSignal


class Notes:
    """A display that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def started(self, job: Job, device: str) -> None:
        self.lines.append(f"{job.name} on {device}")

    def line(self, job: Job, text: str) -> None:
        self.lines.append(f"{job.name}: {text}")

    def finished(self, outcome: Outcome) -> None:
        self.lines.append(f"{outcome.job.name} ended {outcome.code}")


def job(name: str, script: str, *words: str) -> Job:
    return Job(name, [sys.executable, "-S", "-c", script, *words])


def meeting(folder: Path) -> str:
    """A script that ends only when two of it run at a time."""
    return f"""
import pathlib, sys, time
folder = pathlib.Path({str(folder)!r})
(folder / sys.argv[1]).touch()
end = time.time() + 20
while len(list(folder.iterdir())) < 2:
    if time.time() > end: sys.exit(9)
    time.sleep(0.01)
"""


def test_two_devices_work_at_the_same_time(tmp_path: Path) -> None:
    jobs = [job(name, meeting(tmp_path), name) for name in ("one", "two")]
    outcomes = Workers(["cuda:0", "cuda:1"], Notes(), StopSignal()).run(jobs)
    assert [outcome.code for outcome in outcomes] == [0, 0]
    assert {outcome.device for outcome in outcomes} == {"cuda:0", "cuda:1"}


def test_one_device_takes_one_after_the_other_and_a_failure_ends_nothing() -> None:
    display = Notes()
    say = "import sys; print(sys.argv[1:], file=sys.stderr); print('{\"n\": 1}'); sys.exit(int(sys.argv[1]))"
    outcomes = Workers(["cpu"], display, StopSignal()).run([job("bad", say, "4"), job("good", say, "0")])
    assert [(outcome.code, outcome.answer) for outcome in outcomes] == [(4, {"n": 1}), (0, {"n": 1})]
    assert display.lines == [
        "bad on cpu", "bad: ['4', '--device', 'cpu']", "bad ended 4",
        "good on cpu", "good: ['0', '--device', 'cpu']", "good ended 0",
    ]  # fmt: skip


def test_a_free_device_takes_the_next_job(tmp_path: Path) -> None:
    display = Notes()
    wait = f"import pathlib, time\nwhile not pathlib.Path({str(tmp_path / 'go')!r}).exists(): time.sleep(0.01)"
    touch = f"import pathlib; pathlib.Path({str(tmp_path / 'go')!r}).touch()"
    jobs = [job("long", wait), job("short", ""), job("last", touch)]
    outcomes = Workers(["cuda:0", "cuda:1"], display, StopSignal()).run(jobs)
    assert [outcome.job.name for outcome in outcomes] == ["long", "short", "last"]
    assert outcomes[1].device == outcomes[2].device != outcomes[0].device


def test_a_killed_child_has_the_code_of_its_signal() -> None:
    outcome = Workers(["cpu"], Notes(), StopSignal()).run([job("one", "import os; os.kill(os.getpid(), 9)")])[0]
    assert (outcome.code, outcome.answer) == (137, {})


@pytest.mark.parametrize("number", [2, 15])
def test_a_stop_reaches_the_children_and_starts_no_more(number: int) -> None:
    handler = f"""
import signal, sys, time
signal.signal({number}, lambda *_: (print("saved", file=sys.stderr), sys.exit(128 + {number})))
print("ready", file=sys.stderr, flush=True)
time.sleep(30)
"""
    stop, display = StopSignal(), Notes()

    def ask() -> None:
        while "one: ready" not in display.lines:
            time.sleep(0.01)
        stop.signal = number

    asking = threading.Thread(target=ask)
    asking.start()
    outcomes = Workers(["cpu"], display, stop).run([job("one", handler), job("two", handler)])
    asking.join()
    assert [(outcome.job.name, outcome.code) for outcome in outcomes] == [("one", 128 + number)]
    assert display.lines[-2:] == ["one: saved", f"one ended {128 + number}"]


def test_children_that_share_the_cpu_divide_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    tell = "import json, os; print(json.dumps({'threads': os.environ.get('OMP_NUM_THREADS')}))"

    def threads(*devices: str) -> set[str | None]:
        return {each.answer["threads"] for each in Workers(devices, Notes(), StopSignal()).run([job("one", tell)])}

    assert threads("cpu") == threads("cuda:0", "cuda:1") == {None}
    assert threads("cpu", "cpu") == {"4"}


def show(display: LineDisplay | RowDisplay) -> None:
    one = Job("cat--fox", [])
    display.started(one, "cuda:1")
    for line in ("[3/13] Training geometry ...", "    120/480 steps, 25%, 9 s left", "note: it is small"):
        display.line(one, line)
    display.finished(Outcome(one, "cuda:1", 3, 7.0))


def test_lines_for_logs(capsys: pytest.CaptureFixture[str]) -> None:
    show(LineDisplay(sys.stderr))
    assert capsys.readouterr().err.splitlines() == [
        "cat--fox: starts on cuda:1",
        "cat--fox: [3/13] Training geometry ...",
        "cat--fox:     120/480 steps, 25%, 9 s left",
        "cat--fox: note: it is small",
        "cat--fox: ended with code 3 after 7.0 s",
    ]


def test_quiet_says_only_what_the_jobs_say(capsys: pytest.CaptureFixture[str]) -> None:
    display = LineDisplay(sys.stderr, quiet=True)
    display.started(Job("one", []), "cpu")
    display.line(Job("one", []), "warning: it is small")
    display.finished(Outcome(Job("one", []), "cpu", 0, 1.0))
    assert capsys.readouterr().err == "one: warning: it is small\n"


def test_rows_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "150")
    display = RowDisplay(sys.stderr)
    one = Job("cat--fox", [])
    display.started(one, "cuda:1")
    display.line(one, "[3/13] Training geometry ...")
    display.line(one, "    120/480 steps, 25%, 9 s left")
    display.line(one, "note: it is small")
    display._rows.refresh()
    drawn = capsys.readouterr().err
    assert "cat--fox (cuda:1)" in drawn
    assert "[3/13] Training geometry" in drawn
    assert "9 s left" in drawn
    assert "cat--fox: note: it is small" in drawn
    display.finished(Outcome(one, "cuda:1", 0, 7.0))
    display.close()
    assert "cat--fox: done in 7.0 s" in capsys.readouterr().err


def test_the_answer_may_be_larger_than_a_pipe_holds() -> None:
    long = "print('{\"text\": \"' + 'x' * 200000 + '\"}')"
    answer = Workers(["cpu"], Notes(), StopSignal()).run([job("one", long)])[0].answer
    assert len(json.dumps(answer)) > 200_000
