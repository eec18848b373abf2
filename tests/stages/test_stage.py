from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from retarget_cli.errors import Interrupted
from retarget_cli.events import Event, Progress, StageCached, StageFinished, StageStarted
from retarget_cli.stages.stage import Job, Stage, Tools, run_stage
from retarget_cli.store.engine import Store

DIGEST = "ab" * 32


def stage(text: str = "hello", **changes: object) -> Stage:
    def work(job: Job) -> None:
        job.progress(1, 2)
        (job.path / "out.txt").write_text(text)

    return dataclasses.replace(
        Stage("toy:x", "toy", 1, "Playing", work, params={"text": text}, digests={"video": DIGEST}), **changes
    )


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def tools(tmp_path: Path, events: list[Event]) -> Tools:
    return Tools(Store(tmp_path / "ws"), events.append, lambda: False)


def test_work_is_done_once(tools: Tools, events: list[Event]) -> None:
    first, cached = run_stage(stage(), {}, tools)
    again, cached_again = run_stage(stage(), {}, tools)
    assert (cached, cached_again) == (False, True)
    assert first.digest == again.digest
    assert first.file("out.txt").read_text() == "hello"
    assert [type(event) for event in events] == [StageStarted, Progress, StageFinished, StageCached]


@pytest.mark.parametrize("changes", [{"version": 2}, {"params": {"text": "other"}}, {"digests": {"video": "cd" * 32}}])
def test_what_matters_changes_the_key(changes: dict) -> None:
    assert stage(**changes).key({}) != stage().key({})


@pytest.mark.parametrize("changes", [{"id": "toy:y"}, {"label": "Other"}, {"files": {"video": Path("elsewhere.mp4")}}])
def test_names_and_places_do_not_change_the_key(changes: dict) -> None:
    assert stage(**changes).key({}) == stage().key({})


def test_the_content_of_what_is_needed_goes_into_the_key(tools: Tools) -> None:
    one, _ = run_stage(stage("one"), {}, tools)
    two, _ = run_stage(stage("two"), {}, tools)
    later = stage(needs={"before": "toy:x"})
    assert later.key({"before": one}) != later.key({"before": two})


def test_a_failing_stage_leaves_nothing(tools: Tools) -> None:
    def work(job: Job) -> None:
        (job.path / "half").write_text("half")
        raise ValueError("no")

    broken = stage(work=work)
    with pytest.raises(ValueError, match="no"):
        run_stage(broken, {}, tools)
    assert tools.store.find("toy", broken.key({})) is None
    assert list(tools.store.entries()) == []


def test_a_stop_ends_the_stage_at_its_next_step(tools: Tools) -> None:
    class Stop:
        signal = 15

        def __call__(self) -> bool:
            return True

    with pytest.raises(Interrupted) as caught:
        run_stage(stage(), {}, dataclasses.replace(tools, stop=Stop()))
    assert caught.value.exit_code == 143
    assert caught.value.where == "toy:x"
