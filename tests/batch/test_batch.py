"""Whole batches in this process, with the fake method on small clips."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from batches import Write, explain, plan, run

from retarget_cli.batch.batch import run_batch
from retarget_cli.batch.forecast import forecast
from retarget_cli.batch.here import HereEngine
from retarget_cli.batch.news import JobEnded, News, UnitEnded, UnitEvent
from retarget_cli.cli.app import run as command
from retarget_cli.events import StageStarted
from retarget_cli.stages.stage import never
from retarget_cli.store.engine import Store


def made(news: list[News]) -> list[str]:
    return [each.event.stage for each in news if isinstance(each, UnitEvent) and isinstance(each.event, StageStarted)]


def test_one_bad_clip_fails_with_its_fix_and_everything_else_is_made_once(write: Write, clips: Path) -> None:
    (clips / "broken.mp4").write_bytes((clips / "disc.mp4").read_bytes()[:700])
    after = 'broken = { file = "broken.mp4", mask = "disc_matte.mkv" }\n[[renders]]\nformat = ["mp4", "gif"]'
    file = write('pairs = [["disc", "bar"], ["broken", "bar"]]', after)
    store = Store(clips / ".retarget")
    before = forecast(plan(file, store), store, 1)
    assert not any(step.cached for step in before.steps)
    assert "not known" in before.lines()[-1]

    news: list[News] = []
    result = run(file, store, news)
    good, bad = result.jobs
    assert (good.exit_code, bad.exit_code) == (0, 3)
    assert bad.faults["training"].where is not None
    assert bad.faults["training"].fix
    assert made(news).count("matte:bar") == made(news).count("ingest:bar") == 1
    assert [path.name for path in good.videos] == ["disc-as-bar.mp4", "disc-as-bar.gif"]
    assert set(good.scores) == {"a", "b"}
    assert good.report is not None

    page = (clips / "retargeted" / "index.html").read_text()
    assert "disc--bar/report.html" in page
    assert "disc--bar/thumbnail.png" in page
    assert "Best of each clip" in page
    assert bad.faults["training"].fix.split()[0] in page
    assert not re.search(r'(src|href)="(https?:)?//', page), "it works offline"

    again: list[News] = []
    records = len(store.runs())
    assert [job.exit_code for job in run(file, store, again).jobs] == [0, 3]
    assert made(again) == ["ingest:broken"]
    assert len(store.runs()) == records, "nothing is recorded twice"
    after_it = forecast(plan(file, store), store, 1)
    left = [step.unit.name for step in after_it.steps if not step.cached]
    assert all("broken" in name for name in left)
    assert "disc--bar: everything is there" in after_it.lines()


def test_variants_of_a_pair_have_folders_of_their_own(write: Write, clips: Path) -> None:
    file = write('pairs = [["disc", "bar"]]\nseeds = [1, 2]\nevaluate = false')
    result = run(file, Store(clips / ".retarget"))
    assert [job.folder for job in result.jobs] == [Path(f"retargeted/disc--bar.seed{seed}") for seed in (1, 2)]
    assert len({job.run for job in result.jobs}) == 2
    for job in result.jobs:
        assert (clips / "retargeted" / job.name / "disc-as-bar.mp4").is_file()


def test_a_render_that_fails_does_not_keep_the_others(write: Write, clips: Path) -> None:
    (clips / "broken.mp4").write_bytes((clips / "disc.mp4").read_bytes()[:700])
    after = 'broken = { file = "broken.mp4", mask = "disc_matte.mkv" }\n[[renders]]\n[[renders]]\ndriver = "broken"'
    news: list[News] = []
    (job,) = run(write('pairs = [["disc", "bar"]]\nevaluate = false', after), Store(clips / ".retarget"), news).jobs
    assert [path.name for path in job.videos] == ["disc-as-bar.mp4"]
    assert list(job.faults) == ["look a as broken"]
    assert job.report is not None
    (ended,) = [each for each in news if isinstance(each, JobEnded)]
    assert ended.exit_code == 3
    assert sum(isinstance(each, UnitEnded) and each.ended.state == "failed" for each in news) == 1


def test_lines_use_parts_of_clips(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mattes = "--mask-a disc_matte.mkv --mask-b bar_matte.mkv"
    (clips / "pairs.txt").write_text(f"disc.mp4 bar.mp4 {mattes} --from 2f --to ,6f\n")
    words = ["--preset", "draft", "--method", "fake", "--set", "crop.size=64", "--device", "cpu"]
    assert command(["train", "--pairs", "pairs.txt", *words, "--render", "none"]) == 0, capsys.readouterr().err
    (record,) = Store(clips / ".retarget").runs()
    parts = [(record["clips"][role]["part"], record["clips"][role].get("number", 0)) for role in "ab"]
    assert parts == [([2, 8], 2), ([0, 6], 0)]


def test_the_commands_from_their_words_to_their_exit_codes(
    write: Write, clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (clips / "pairs.txt").write_text("disc.mp4 bar.mp4\n")
    words = ["--preset", "draft", "--method", "fake", "--set", "crop.size=64", "--device", "cpu", "--backend", "given"]
    assert command(["train", "--pairs", "pairs.txt", *words, "--render", "none"]) == 2  # there is no matte
    out, err = capsys.readouterr()
    assert "disc--bar" in out
    assert "fix:" in out
    file = write('pairs = [["disc", "bar"]]\nevaluate = false')
    assert command(["batch", str(file), "--check"]) == 0
    assert "steps to do" in capsys.readouterr().out
    assert command(["batch", str(file), "--json"]) == 0
    out, err = capsys.readouterr()
    assert '"disc--bar"' in out
    assert '{"event": "BatchPlanned"' in err.splitlines()[0]
    assert command(["batch", str(file)]) == 0
    out, err = capsys.readouterr()
    assert "all pairs on one page: retargeted/index.html" in out
    assert "found in the workspace" in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["batch", "list.toml", "--on", "moon"], "moon"),
        (["batch", "list.toml", "--gpus-per-job", "1.5"], "1.5"),
        (["batch", "list.toml", "--time", "1:00"], "--time"),
        (["batch", "list.toml", "--slurm", "x", "--gpus-per-job", "0.5"], "whole"),
        (["batch", "list.toml", "--slurm", "x", "--on", "local"], "--on"),
        (["batch", "list.toml", "--slurm", "x", "--task", "y"], "no task"),
        (["train", "a.mp4", "b.mp4", "--pairs", "list.toml"], "(A)"),
        (["train", "--pairs", "list.toml", "--mask-a", "m.mkv"], "--mask-a"),
        (["train", "--pairs", "list.toml", "--frame-b", "7"], "--frame-b"),
        (["train", "--pairs", "list.toml", "--from", "2f"], "line of its pair"),
        (["train", "--pairs", "list.toml", "--devices", "cpu", "--device", "cpu"], "--devices"),
        (["train", "--pairs", "list.toml", "--device", "tpu"], "tpu"),
        (["train", "--pairs", "list.toml", "--set", "geometry.stepz=1"], "stepz"),
        (["train", "disc.mp4", "bar.mp4", "--device", "cpu,cpu"], "(--device)"),
        (["train", "disc.mp4"], "two clips"),
    ],
)
def test_calls_that_make_no_sense(
    write: Write, words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write('pairs = [["disc", "bar"]]')
    assert command(words) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("error: ") == err.count("  fix: ") == 1


def test_without_ray_more_than_one_at_a_time_says_what_to_install(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from retarget_cli.batch import where

    monkeypatch.setattr(where, "ray_is_there", lambda: False)
    file = write('pairs = [["disc", "bar"]]')
    assert command(["batch", str(file), "--jobs", "2"]) == 4
    assert "pip install 'retarget[cluster]'" in capsys.readouterr().err


def test_a_clip_that_changes_after_the_plan_gives_no_result(write: Write, clips: Path) -> None:
    file = write('pairs = [["disc", "bar"]]\nevaluate = false\nrenders = []')
    store = Store(clips / ".retarget")
    planning = plan(file, store)
    other = (clips / "disc2.mp4").read_bytes()
    (clips / "disc.mp4").unlink()
    (clips / "disc.mp4").write_bytes(other)
    engine = HereEngine(store, lambda news: None, never, explain)  # type: ignore[arg-type]
    result = run_batch(planning, store, engine, lambda news: None, never, explain)  # type: ignore[arg-type]
    assert "changed" in result.jobs[0].faults["training"].what
    assert not [entry for entry in store.entries() if entry.stage == "ingest"]
