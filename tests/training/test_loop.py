import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from line_phase import Line, run

from retarget_cli.errors import EnvironmentProblem, Interrupted
from retarget_cli.events import Event, Metric, Progress
from retarget_cli.training import loop
from retarget_cli.training.phase import PreviewRow


def test_it_trains_and_writes_what_it_did(tmp_path: Path) -> None:
    events: list[Event] = []
    files = run(tmp_path, Line(), reporter=events.append)
    facts = json.loads(files["fit.json"])
    assert facts["steps"] == 60
    assert facts["history"][-1]["loss"] < facts["history"][0]["loss"]
    assert [entry["step"] for entry in facts["history"]] == [25, 50, 60]
    assert [e.done for e in events if isinstance(e, Progress)] == list(range(61))
    assert [e.step for e in events if isinstance(e, Metric) and not e.held_out] == [25, 50, 60]


def test_held_out_scores_are_kept_through_time(tmp_path: Path) -> None:
    events: list[Event] = []
    facts = json.loads(run(tmp_path, Line(), reporter=events.append)["fit.json"])
    slopes = facts["held_out_history"]
    assert [entry["step"] for entry in slopes] == list(range(6, 61, 6))
    assert slopes[0]["slope"] < slopes[-1]["slope"] == facts["held_out"]["slope"]
    assert facts["held_out"].keys() == {"slope"}
    told = [(e.step, e.values["slope"]) for e in events if isinstance(e, Metric) and e.held_out]
    assert told == [(entry["step"], entry["slope"]) for entry in slopes]


@pytest.mark.parametrize(("steps", "judged"), [(4, [1, 2, 3, 4]), (1, [1]), (0, [0])])
def test_a_phase_shorter_than_its_parts_is_judged_at_every_step(tmp_path: Path, steps: int, judged: list[int]) -> None:
    facts = json.loads(run(tmp_path, Line(steps=steps))["fit.json"])
    assert [entry["step"] for entry in facts["held_out_history"]] == judged


def test_the_last_score_is_that_of_the_finished_phase(tmp_path: Path) -> None:
    class Rounded(Line):
        def finish(self) -> None:
            self.modules["net"].weight.data.fill_(3.0)

    facts = json.loads(run(tmp_path, Rounded())["fit.json"])
    assert facts["held_out"]["slope"] == facts["held_out_history"][-1]["slope"] == 3.0


def test_previews_come_now_and_then_and_at_the_end(tmp_path: Path) -> None:
    shown: list[tuple[int, str]] = []

    class Shown(Line):
        def preview(self) -> list[PreviewRow]:
            return [PreviewRow("net", np.zeros((1, 4, 4, 3), np.uint8))]

    run(tmp_path / "shown", Shown(), show=lambda step, rows: shown.append((step, rows[0].label)))
    assert shown == [(step, "net") for step in (12, 24, 36, 48, 60)]
    shown.clear()
    run(tmp_path / "plain", Line(), show=lambda step, rows: shown.append((step, "?")))
    assert shown == []


@pytest.mark.parametrize("after", [1, 24, 25, 37, 59])
def test_a_stopped_run_ends_as_if_it_had_not_been_stopped(tmp_path: Path, after: int) -> None:
    whole = run(tmp_path / "whole", Line())
    calls = iter(range(1000))
    with pytest.raises(Interrupted) as stopped:
        run(tmp_path / "parts", Line(), stop=lambda: next(calls) >= after - 1)
    assert stopped.value.exit_code == 130
    assert f"after {after} of 60" in str(stopped.value)
    assert run(tmp_path / "parts", Line()) == whole


def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run(tmp_path / "whole", Line())
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    calls = iter(range(1000))
    with pytest.raises(Interrupted):
        run(tmp_path / "parts", Line(), stop=lambda: next(calls) >= 30)
    newest, before = sorted((tmp_path / "parts" / "work").glob("step-*"), reverse=True)
    data = bytearray((newest / "state.safetensors").read_bytes())
    data[-1] ^= 1
    (newest / "state.safetensors").write_bytes(bytes(data))
    steps: list[int] = []
    after = run(
        tmp_path / "parts", Line(), reporter=lambda e: steps.append(e.done) if isinstance(e, Progress) else None
    )
    assert steps[0] == int(before.name.removeprefix("step-"))
    assert after == whole


def test_checkpoints_of_other_settings_are_not_used(tmp_path: Path) -> None:
    calls = iter(range(1000))
    with pytest.raises(Interrupted):
        run(tmp_path, Line(), stop=lambda: next(calls) >= 9)
    steps: list[int] = []
    phase = Line()
    loop.fit(
        phase,
        work=tmp_path / "work",
        out=tmp_path / "out",
        digest="other",
        stage="line",
        reporter=lambda e: steps.append(e.done) if isinstance(e, Progress) else None,
        stop=lambda: False,
    )
    assert steps[0] == 0


def test_a_loss_that_is_no_number_ends_the_run_with_a_fix(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="diverged") as problem:
        run(tmp_path, Line(broken_at=30))
    assert problem.value.fix


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from retarget_cli.training import loop
loop.SAVE_EVERY = 0.0
from line_phase import Line, run
run(Path(sys.argv[1]), Line())
"""


@pytest.mark.parametrize(
    "point", ["train-step:13", "train-saved:8", "publish-before-rename:4", "publish-after-rename:9"]
)
def test_a_killed_run_ends_as_if_it_had_not_been_killed(tmp_path: Path, point: str) -> None:
    whole = run(tmp_path / "whole", Line())
    script = SCRIPT.format(tests=str(Path(__file__).parents[1] / "support"))
    command = [sys.executable, "-c", script, str(tmp_path / "parts")]
    killed = subprocess.run(command, env={**os.environ, "RETARGET_CRASH_AT": point}, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "parts" / "out" / "fit.json").exists()
    assert run(tmp_path / "parts", Line()) == whole
