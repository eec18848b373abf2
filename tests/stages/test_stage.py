from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from retarget_cli.errors import InputError, Interrupted, WorkspaceError
from retarget_cli.events import Event, Progress, StageCached, StageFinished, StageStarted
from retarget_cli.stages.schedule import run
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


def chained() -> list[Stage]:
    """A first stage, one that copies its file, and one that counts its letters; nothing needs the last."""

    def copy(job: Job) -> None:
        (job.path / "copy.txt").write_text((job.entries["before"].path / "out.txt").read_text())

    def count(job: Job) -> None:
        (job.path / "count.txt").write_text(str(len(job.entries["before"].file("copy.txt").read_text())))

    second = Stage("second", "second", 1, "Copying", copy, needs={"before": "toy:x"})
    third = Stage("third", "third", 1, "Counting", count, needs={"before": "second"})
    return [stage(), second, third]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)


def fresh(tools: Tools) -> Tools:
    """As in another process, which has compared nothing yet."""
    return dataclasses.replace(tools, store=Store(tools.store.root))


@pytest.mark.parametrize("damaged", ["toy:x", "second", "third"])
def test_nothing_is_built_on_a_damaged_result_and_none_is_handed_out(tools: Tools, damaged: str) -> None:
    right = run(chained(), tools)
    for entry in right.values():
        if entry.stage not in ("toy", "second"):
            shutil.rmtree(entry.path)
    if damaged == "third":
        run(chained(), tools)
    (name,) = right[damaged].receipt["files"]
    flip(right[damaged].path / name)
    if damaged == "toy:x":
        shutil.rmtree(right["second"].path)
    again = run(chained(), fresh(tools))
    assert {id: entry.digest for id, entry in again.items()} == {id: entry.digest for id, entry in right.items()}
    assert again["third"].file("count.txt").read_text() == "5"
    assert len(list((tools.store.root / "quarantine").iterdir())) == 1


def test_a_damaged_result_of_an_earlier_command_is_named(tools: Tools) -> None:
    first, *rest = chained()
    given = run([first], tools)
    flip(given["toy:x"].path / "out.txt")
    with pytest.raises(WorkspaceError, match="toy:x was damaged"):
        run(rest, fresh(tools), given)
    assert list(tools.store.entries()) == []


def test_receipts_say_that_the_inputs_were_checked(tools: Tools) -> None:
    assert all(entry.receipt["checked"] for entry in run(chained(), tools).values())


@pytest.mark.parametrize("back", [False, True])
def test_a_clip_that_is_replaced_while_it_is_read_gives_no_result(tools: Tools, tmp_path: Path, back: bool) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"first")
    digest = tools.store.digests.digest(clip)

    def work(job: Job) -> None:
        (job.path / "out.txt").write_bytes(clip.read_bytes())
        clip.write_bytes(b"other")
        if back:
            clip.write_bytes(b"first")

    reading = stage(work=work, files={"video": clip}, digests={"video": digest})
    if back:
        run_stage(reading, {}, tools)
        return
    with pytest.raises(InputError, match="changed"):
        run_stage(reading, {}, tools)
    assert list(tools.store.entries()) == []


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
