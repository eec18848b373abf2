"""Processes that die or compete: whatever happens, running the same command again ends with the same result."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from retarget_cli.store.engine import Store

# A stage that keeps a checkpoint a step, as training does, and publishes; prints what it did and the digest.
PROGRAM = """
import sys, time
from pathlib import Path
from retarget_cli.utils.atomic import crash_point, write_bytes_atomic
from retarget_cli.store.engine import Store

key, pause = "a" * 64, float(sys.argv[2])
store = Store(Path(sys.argv[1]), on_warning=lambda message: print(message, file=sys.stderr))
steps = []
if store.find("fit", key) is None:
    with store.draft("fit", key, params={"steps": 4}, inputs={}) as draft:
        if draft.existing is None:
            print("works", flush=True)
            saved = store.work("fit", key) / "checkpoint"
            state = saved.read_bytes() if saved.exists() else b""
            while len(state) < 4:
                state += bytes([len(state)])
                write_bytes_atomic(saved, state)
                steps.append(len(state))
                crash_point("step")
                time.sleep(pause)
            (draft.path / "state.bin").write_bytes(state * 1000)
print("steps", steps, store.find("fit", key, deep=True).digest)
"""

POINTS = ["step:1", "step:3", "publish-before-receipt", "publish-before-rename", "publish-after-rename"]


def finish(process) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_point_and_a_rerun_give_the_same_result(tmp_path: Path, python: Callable, point: str) -> None:
    undisturbed = finish(python(PROGRAM, tmp_path / "calm", 0))
    assert undisturbed[0] == 0, undisturbed[2]

    root = tmp_path / "ws"
    died, _, _ = finish(python(PROGRAM, root, 0, RETARGET_CRASH_AT=point))
    assert died == -signal.SIGKILL
    published = Store(root).find("fit", "a" * 64)
    assert (published is not None) == (point == "publish-after-rename")

    code, out, err = finish(python(PROGRAM, root, 0))
    assert (code, err) == (0, "")
    assert out.split()[-1] == undisturbed[1].split()[-1]
    redone = {"step:1": [2, 3, 4], "step:3": [4]}.get(point, [])
    assert f"steps {redone} " in out
    assert not list((root / "tmp").iterdir()), "the rerun sweeps what the dead process left"
    assert not list((root / "quarantine").iterdir())


@pytest.mark.parametrize("point", POINTS[2:])
def test_dying_again_and_again_in_the_same_place_does_no_harm(tmp_path: Path, python: Callable, point: str) -> None:
    for _ in range(2):
        finish(python(PROGRAM, tmp_path, 0, RETARGET_CRASH_AT=point))
    code, _, err = finish(python(PROGRAM, tmp_path, 0))
    assert (code, err) == (0, "")


def test_the_second_process_waits_and_takes_over_the_result(tmp_path: Path, python: Callable) -> None:
    first = python(PROGRAM, tmp_path, 0.3)
    assert first.stdout.readline() == "works\n"
    code, out, err = finish(python(PROGRAM, tmp_path, 0))
    assert code == 0
    assert "works" not in out
    assert "another process" in err
    assert out.split()[-1] == finish(first)[1].split()[-1]


def test_the_second_process_goes_on_where_the_killed_first_one_stopped(tmp_path: Path, python: Callable) -> None:
    first = python(PROGRAM, tmp_path, 60)
    assert first.stdout.readline() == "works\n"
    second = python(PROGRAM, tmp_path, 0)
    assert "another process" in second.stderr.readline()
    first.kill()
    first.communicate()
    code, out, _ = finish(second)
    assert code == 0
    assert "steps [2, 3, 4]" in out


WITHOUT_LOCKS = """
import filelock
def refuse(*_args, **_options):
    raise NotImplementedError
filelock.FileLock.acquire = refuse
"""


def test_processes_that_race_without_locks_all_end_well(tmp_path: Path, python: Callable) -> None:
    Store(tmp_path)
    racers = [python(WITHOUT_LOCKS + PROGRAM, tmp_path, 0.05) for _ in range(3)]
    results = [finish(racer) for racer in racers]
    assert [code for code, _, _ in results] == [0, 0, 0], results
    assert len({out.split()[-1] for _, out, _ in results}) == 1
    assert not list((tmp_path / "tmp").iterdir())
    assert not list((tmp_path / "quarantine").iterdir())
