"""A plan is run with what does not depend on each other at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from retarget_cli.errors import InputError, Interrupted
from retarget_cli.events import Event, Planned, Progress, StageFinished, StageStarted
from retarget_cli.stages import schedule
from retarget_cli.stages.schedule import run
from retarget_cli.stages.stage import Job, Stage, Tools
from retarget_cli.store.engine import Store

WAIT = 10.0  # seconds, at most; nothing waits so long unless it is broken


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def tools(tmp_path: Path, events: list[Event], monkeypatch: pytest.MonkeyPatch) -> Tools:
    monkeypatch.setattr(schedule, "WORKERS", 2)
    return Tools(Store(tmp_path / "ws"), events.append, lambda: False)


def stage(name: str, work: Callable[[Job], None], *needs: str, exclusive: bool = False) -> Stage:
    def write(job: Job) -> None:
        work(job)
        (job.path / "out.txt").write_text(name)

    return Stage(name, name, 1, name.title(), write, needs={each: each for each in needs}, exclusive=exclusive)


def nothing(_job: Job) -> None:
    pass


def test_what_does_not_depend_on_each_other_runs_at_once(tools: Tools) -> None:
    meeting = threading.Barrier(3, timeout=WAIT)
    meet = lambda _job: meeting.wait()  # noqa: E731
    done = run([stage("a", meet), stage("b", meet), stage("net", meet, exclusive=True)], tools)
    assert sorted(done) == ["a", "b", "net"]


def test_a_stage_waits_for_what_it_needs(tools: Tools) -> None:
    seen: list[str] = []
    note = lambda job: seen.append(job.stage.id)  # noqa: E731
    plan = [
        stage("slow", lambda job: (time.sleep(0.2), note(job))[1]),
        stage("after", note, "slow"),
        stage("net", note, "after", exclusive=True),
        stage("end", note, "net"),
    ]
    run(plan, tools)
    assert seen == ["slow", "after", "net", "end"]


def test_networks_run_one_at_a_time_in_the_main_thread_and_in_the_order_of_the_plan(tools: Tools) -> None:
    threads: list[tuple[str, bool]] = []

    def note(job: Job) -> None:
        threads.append((job.stage.id, threading.current_thread() is threading.main_thread()))

    run([stage("one", note, exclusive=True), stage("two", note, exclusive=True)], tools)
    assert threads == [("one", True), ("two", True)]


def test_never_more_at_once_than_there_are_workers(tools: Tools) -> None:
    lock, now, most = threading.Lock(), [0], [0]

    def work(_job: Job) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.05)
        with lock:
            now[0] -= 1

    run([stage(f"s{number}", work) for number in range(6)], tools)
    assert most[0] == 2


def test_what_comes_after_a_stage_is_called_between_what_is_before_and_behind_it(tools: Tools) -> None:
    seen: list[str] = []
    note = lambda job: seen.append(job.stage.id)  # noqa: E731
    slow = stage("slow", lambda job: (time.sleep(0.2), note(job))[1])
    plan = [slow, stage("ready", note), stage("train", note, exclusive=True), stage("free", note)]
    run(plan, tools, after=("ready", lambda done: (seen.append(f"told {sorted(done)}"), ())[1]))
    assert seen[2] == "told ['ready', 'slow']"
    assert set(seen[3:]) == {"train", "free"}


def test_the_error_of_a_stage_ends_the_others_at_their_next_step_and_is_the_one_that_is_raised(
    tools: Tools, events: list[Event]
) -> None:
    begun = threading.Event()

    def endless(job: Job) -> None:
        begun.set()
        for done in range(10**6):
            job.progress(done, 10**6)
            time.sleep(0.01)

    def fails(_job: Job) -> None:
        assert begun.wait(WAIT)
        raise InputError("the clip is broken", fix="Mend it.")

    with pytest.raises(InputError, match="the clip is broken"):
        run([stage("endless", endless), stage("fails", fails), stage("never", nothing, "fails")], tools)
    assert "never" not in {event.stage for event in events if isinstance(event, StageStarted)}
    assert threading.active_count() < 10


def test_of_two_errors_the_first_of_the_plan_is_told(tools: Tools) -> None:
    meeting = threading.Barrier(2, timeout=WAIT)

    def fails(job: Job) -> None:
        meeting.wait()
        raise InputError(f"{job.stage.id} is broken", fix="Mend it.")

    with pytest.raises(InputError, match="a is broken"):
        run([stage("a", fails), stage("b", fails)], tools)


def test_a_request_to_stop_ends_all_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "WORKERS", 2)
    asked = threading.Event()

    def work(job: Job) -> None:
        for done in range(10**6):
            asked.set()
            job.progress(done, 10**6)
            time.sleep(0.01)

    tools = Tools(Store(tmp_path / "ws"), lambda event: None, asked.is_set)
    with pytest.raises(Interrupted):
        run([stage("a", work), stage("b", work), stage("net", work, exclusive=True)], tools)


def test_an_interrupt_in_the_main_thread_waits_for_the_threads(tools: Tools) -> None:
    ended = []

    def work(job: Job) -> None:
        try:
            for done in range(10**6):
                job.progress(done, 10**6)
                time.sleep(0.01)
        finally:
            ended.append(job.stage.id)

    def interrupted(_job: Job) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([stage("a", work), stage("net", interrupted, exclusive=True)], tools)
    assert ended in ([], ["a"])


def test_events_come_one_at_a_time_and_name_the_plan(tools: Tools, events: list[Event]) -> None:
    inside = threading.Lock()

    def alone(event: Event) -> None:
        assert inside.acquire(blocking=False)
        time.sleep(0.001)
        events.append(event)
        inside.release()

    def work(job: Job) -> None:
        for done in range(20):
            job.progress(done, 20)

    run([stage("a", work), stage("b", work)], Tools(tools.store, alone, tools.stop))
    assert events[0] == Planned(2, ("a", "b"))
    assert sum(isinstance(event, Progress) for event in events) == 40
    assert {event.stage for event in events if isinstance(event, StageFinished)} == {"a", "b"}


def test_the_results_do_not_depend_on_the_number_of_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = [stage("a", nothing), stage("b", nothing, "a"), stage("c", nothing, "a"), stage("d", nothing, "b", "c")]
    digests = []
    for workers in (1, 4):
        monkeypatch.setattr(schedule, "WORKERS", workers)
        done = run(plan, Tools(Store(tmp_path / f"ws{workers}"), lambda event: None, lambda: False))
        digests.append({name: entry.digest for name, entry in done.items()})
    assert digests[0] == digests[1]
