"""The script for SLURM, its tasks, and the job that gathers; SLURM itself is not needed."""

from __future__ import annotations

import itertools
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from batches import Write, plan

from retarget_cli.batch.slurm import MOST_TASKS, Wave, waves
from retarget_cli.cli.app import run as command
from retarget_cli.store.engine import Store

FAKE_SBATCH = """#!/bin/bash
n=$(cat count 2>/dev/null || echo 0); n=$((n+1)); echo $n > count
echo "$RETARGET_STEP $*" >> calls
echo $n
"""


@pytest.fixture
def script(write: Write, clips: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    (clips / "broken.mp4").write_bytes((clips / "disc.mp4").read_bytes()[:700])
    after = 'broken = { file = "broken.mp4", mask = "disc_matte.mkv" }'
    file = write('pairs = [["disc", "bar"], ["broken", "bar"]]\nevaluate = false', after)
    words = ["--partition", "gpu", "--time", "02:00:00", "--gpus-per-job", "0", "--jobs", "3"]
    assert command(["batch", str(file), "--slurm", "all", *words]) == 0
    assert "next: sbatch" in capsys.readouterr().out
    return clips / "all.sbatch"


def test_waves_hold_what_needs_nothing_of_each_other(write: Write) -> None:
    found = waves(plan(write('all-pairs = ["disc", "bar", "bar2"]'), Store(Path("ws"))).units)
    assert [wave.lane for wave in found] == ["cpu", "cpu", "cpu", "device", "device", "cpu", "cpu"]
    before: set[str] = set()
    for wave in found:
        assert not {unit.id for unit in wave.units} & before
        assert all(unit.needs <= before for unit in wave.units)
        before |= {unit.id for unit in wave.units}
    assert Wave("cpu", found[0].units * 1000).tasks == MOST_TASKS


def test_the_script_submits_every_wave_after_the_one_before_and_then_gathers(script: Path) -> None:
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    (script.parent / "bin").mkdir()
    sbatch = script.parent / "bin" / "sbatch"
    sbatch.write_text(FAKE_SBATCH)
    sbatch.chmod(0o755)
    path = f"{sbatch.parent}:/usr/bin:/bin"
    done = subprocess.run(["bash", str(script)], check=True, capture_output=True, text=True, env={"PATH": path})
    calls = (script.parent / "calls").read_text().splitlines()
    assert done.stdout == f"gathering in job {len(calls)}\n"
    steps = [call.split()[0] for call in calls]
    assert steps[-1] == "gather:1"
    assert [step.partition(":")[0] for step in steps[:-1]] == [str(number) for number in range(len(calls) - 1)]
    assert "--dependency" not in calls[0]
    for number, call in enumerate(calls[1:], 1):
        words = shlex.split(call)
        assert f"--dependency=afterany:{number}" in words
        assert {"--partition=gpu", "--time=02:00:00"} <= set(words)
    arrays = [re.search(r"--array=(\S+)", call) for call in calls[:-1]]
    assert all(arrays)
    text = script.read_text()
    assert "#SBATCH --partition=gpu" in text
    assert "--gpus-per-task" not in text, "none were asked for"
    assert "%3" in text, "no more than three trainings at a time"


def test_trainings_ask_for_gpus_and_nothing_else_does(write: Write, clips: Path) -> None:
    file = write('pairs = [["disc", "bar"]]\nevaluate = false').rename(clips / "gpu.toml")
    file.write_text(file.read_text().replace('device = "cpu"\n', ""))
    assert command(["batch", str(file), "--slurm", "gpu.sbatch", "--gpus-per-job", "2"]) == 0
    lines = (clips / "gpu.sbatch").read_text().splitlines()
    asked = [before for before, line in itertools.pairwise(lines) if "--gpus-per-task=2" in line]
    assert asked
    assert all("of device" in line for line in asked)
    assert sum("of device" in line for line in lines) == len(asked)


def test_the_tasks_make_everything_and_the_last_job_hands_it_over(
    script: Path, clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = re.findall(r"\$\(wave (\S+?) ", script.read_text())
    line = next(line for line in script.read_text().splitlines() if "--task" in line)
    words = shlex.split(line)[shlex.split(line).index("batch") : -2]
    codes = []
    for step in steps[:-1]:
        for index in range(int(step.partition(":")[2])):
            codes.append(command([*words, "--task", f"{step}:{index}"]))
    assert set(codes) == {0, 3, 5}, "the broken clip, and what needs it"
    capsys.readouterr()
    assert command([*words, "--task", f"{steps[-1]}:0"]) == 3
    out, err = capsys.readouterr()
    assert "disc--bar: handed over" in err
    assert "broken--bar, training: The video was cut off" in out
    assert (clips / "retargeted" / "disc--bar" / "disc-as-bar.mp4").is_file()
    assert (clips / "retargeted" / "index.html").is_file()


def test_a_script_of_another_list_is_refused(script: Path, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    file = write('pairs = [["disc", "bar"], ["disc2", "bar"], ["disc", "bar2"]]')
    words = ["batch", str(file), "--slurm", str(script), "--gpus-per-job", "0"]
    assert command([*words, "--task", "0:3:0"]) == 2
    assert "has changed" in capsys.readouterr().err
