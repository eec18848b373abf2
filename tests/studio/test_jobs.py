from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retarget_cli.studio.jobs import Board, Job


def until(true: Callable[[], Any], board: Board, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        board.tick()
        time.sleep(0.05)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands in for the command line: `sleep` waits to be ended, `fail` fails, anything else is done at once."""
    folder = tmp_path / "program" / "retarget_cli"
    (folder / "utils").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "__main__.py").write_text(
        "import json, os, signal, sys, time\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
        "stat = open('/proc/self/stat').read().rpartition(')')[2].split()[19]\n"
        "for name in [name for name in sys.modules if name.startswith('retarget_cli')]: del sys.modules[name]\n"
        "from retarget_cli.utils.liveness import token\n"
        "events = open(os.environ['RETARGET_EVENTS'], 'a')\n"
        "say = lambda **line: print(json.dumps({'time': time.time(), **line}), file=events, flush=True)\n"
        "say(event='Began', process=token())\n"
        "say(event='StageStarted', stage='one', label='First')\n"
        "say(event='Progress', stage='one', done=3, total=9, unit='frames')\n"
        "end = lambda *_: (print(json.dumps({'error': {'what': 'stopped', 'exit_code': 143}})), sys.exit(143))\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "if 'sleep' in sys.argv: time.sleep(60)\n"
        "no = {'what': 'no', 'where': 'x', 'fix': 'try', 'exit_code': 3}\n"
        "if 'fail' in sys.argv: print(json.dumps({'error': no}))\n"
        "else: print(json.dumps({'argv': sys.argv[1:]}))\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "program"))
    return tmp_path


def test_a_command_runs_and_its_document_is_read(program: Path) -> None:
    board = Board(program / "jobs", program)
    job = board.add("segment", "clip", ["segment", "x.mp4"], "Finding")
    until(lambda: job.state == "done", board)
    assert job.result == {"argv": ["segment", "x.mp4", "--json"]}
    assert job.stages["one"]["done"] == 3
    again = Board(program / "jobs", program).jobs[job.id]
    assert (again.state, again.result) == ("done", job.result)


def test_an_error_is_told_in_its_three_parts(program: Path) -> None:
    board = Board(program / "jobs", program)
    job = board.add("train", "pair", ["fail"], "Training")
    until(lambda: job.state == "failed", board)
    assert job.error == {"what": "no", "where": "x", "fix": "try"}


def test_one_runs_at_a_time_and_the_next_one_waits(program: Path) -> None:
    board = Board(program / "jobs", program)
    first = board.add("train", "pair", ["sleep"], "Training")
    second = board.add("render", "pair", ["quick"], "Rendering")
    until(lambda: first.stages, board)
    assert second.state == "waiting"
    board.stop(first.id)
    until(lambda: second.state == "done", board)
    assert first.state == "stopped" and first.error is None


def test_a_command_outlives_the_board_and_is_found_by_the_next(program: Path) -> None:
    board = Board(program / "jobs", program)
    job = board.add("train", "pair", ["sleep"], "Training")
    until(lambda: job.process, board)
    later = Board(program / "jobs", program)
    found = later.jobs[job.id]
    assert found.state == "running" and found.stages["one"]["total"] == 9
    later.stop(found.id)
    board._children[job.id].wait(30)
    until(lambda: found.state == "stopped", later)
    assert later.again(found.id).words == ["sleep"]
    later.stop(later.newest("train", "pair").id)  # type: ignore[union-attr]


def test_a_newer_one_about_the_same_takes_the_place_of_the_older(program: Path) -> None:
    board = Board(program / "jobs", program)
    old = board.add("segment", "clip", ["sleep"], "Finding")
    until(lambda: old.stages, board)
    new = board.add("segment", "clip", ["quick"], "Finding", replaces=True)
    until(lambda: new.state == "done", board)
    assert old.state == "stopped"


def test_curves_stay_short_and_hold_both_ends() -> None:
    job = Job("id", "train", "pair", [], "Training", 0.0)
    for step in range(5000):
        job.take({"event": "Metric", "stage": "geometry", "step": step, "values": {"loss": 1.0, "bad": None}})
    points = job.curves["geometry"]["loss"]
    assert len(points) <= 801 and points[0][0] == 0 and points[-1][0] == 4999
    assert list(job.curves["geometry"]) == ["loss"]
    assert json.loads(json.dumps(job.to_json()))["command"] == "retarget"
