"""`train --pairs` from its words to its exit code; in the children, which are real, the pipeline is a stand-in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import retarget_cli
from retarget_cli.cli.app import run
from retarget_cli.cli.many import lifeline, train_many
from retarget_cli.pipeline.settings import load_config
from retarget_cli.store.engine import Store
from retarget_cli.utils.fields import to_json
from retarget_cli.utils.liveness import Standing, standing, token

PROGRAM = train_many.PROGRAM

CHILD = """
import os, sys, time
from pathlib import Path
from retarget_cli import events
from retarget_cli.pipeline import train as pipeline
from retarget_cli.cli.app import run
from retarget_cli.errors import Interrupted, MediaError

def train(a, b, config, store, reporter, stop, draws):
    reporter(events.Planned(1))
    reporter(events.StageStarted("geometry", "Training geometry"))
    if a.path.name == "bad.mp4":
        raise MediaError("it is no video", where=a.path, fix="Convert it.")
    Path("child.pid").write_text(str(os.getpid()))
    while a.path.name == "long.mp4":
        if stop():
            raise Interrupted("stopped", fix="Run it again.", signal=stop.signal)
        time.sleep(0.01)
    held_out = {"geometry": {"iou_a": config.seed, "iou_b": config.method_config.geometry.steps}}
    drawn = {} if draws == "none" else {"a": Path("v.mp4")}
    return pipeline.TrainResult(config.start or "run", "pair", Path("folder"), {}, held_out, drawn=drawn)

pipeline.train = train
sys.exit(run(sys.argv[1:]))
"""
PARENT = (
    "import sys; from retarget_cli.cli import app; from retarget_cli.cli.many import train_many; "
    "train_many.PROGRAM = {}; sys.exit(app.run(sys.argv[1:]))"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RETARGET_WORKSPACE", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(retarget_cli.__file__).parents[1]))
    (tmp_path / "child.py").write_text(CHILD)
    monkeypatch.setattr(train_many, "PROGRAM", [sys.executable, str(tmp_path / "child.py")])
    for name in ("cat.mp4", "fox.mp4", "bad.mp4", "long.mp4"):
        (tmp_path / name).write_bytes(b"a clip")
    (tmp_path / "pairs.txt").write_text("bad.mp4 fox.mp4\ncat.mp4 fox.mp4\n")
    return tmp_path


def test_a_pair_that_fails_does_not_stop_the_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--preset", "draft", "--set", "geometry.steps=7", "--seed", "3", "--workspace", "my space", "--no-render"]
    assert run(["train", "--pairs", "pairs.txt", "--device", "cpu,cpu", "--json", *words]) == 3
    out, err = capsys.readouterr()
    bad, good = json.loads(out)["pairs"]
    assert (bad["pair"], bad["exit_code"], bad["result"]) == ("bad--fox", 3, None)
    assert bad["error"] == {"what": "it is no video", "where": "bad.mp4", "fix": "Convert it.", "exit_code": 3}
    assert (good["exit_code"], good["error"], good["device"]) == (0, None, "cpu")
    assert good["result"]["held_out"] == {"geometry": {"iou_a": 3, "iou_b": 7}}
    assert good["result"]["video"] is None
    assert "cat--fox: [1/1] Training geometry ..." in err.splitlines()
    assert (folder / "my space").is_dir()


def test_every_pair_is_told_the_whole_id_of_the_start(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of its beginning alone, the runs of the first pairs would soon make more than one."""
    record = {"kind": "train", "config": to_json(load_config("draft")), "stages": {}}
    run_id = Store(folder / ".retarget").record_run(record)
    (folder / "pairs.txt").write_text("cat.mp4 fox.mp4\n")
    words = ["train", "--pairs", "pairs.txt", "--device", "cpu", "--preset", "draft", "--json"]
    assert run([*words, "--init-from", run_id[:4]]) == 0
    assert [pair["result"]["run"] for pair in json.loads(capsys.readouterr().out)["pairs"]] == [run_id]
    assert run([*words, "--init-from", "1999"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["where"] == "--init-from"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_reaches_the_pairs_at_work(folder: Path, number: signal.Signals, code: int) -> None:
    (folder / "pairs.txt").write_text("long.mp4 fox.mp4\ncat.mp4 fox.mp4\n")
    script = PARENT.format(train_many.PROGRAM)
    words = ["train", "--pairs", "pairs.txt", "--device", "cpu", "--preset", "draft"]
    process = subprocess.Popen(
        [sys.executable, "-c", script, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    while "Training geometry" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    assert "long--fox: error: stopped" in err
    assert "error: stopped; 0 of 2 pairs are trained" in err
    assert "cat--fox" not in err


def test_the_pairs_at_work_end_with_their_parent_even_when_it_is_killed(folder: Path) -> None:
    (folder / "pairs.txt").write_text("long.mp4 fox.mp4\n")
    script = PARENT.format(train_many.PROGRAM)
    words = ["train", "--pairs", "pairs.txt", "--device", "cpu", "--preset", "draft"]
    process = subprocess.Popen([sys.executable, "-c", script, *words], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    while "Training geometry" not in process.stderr.readline():
        assert process.poll() is None
    process.kill()
    process.communicate()
    child = f"{token().partition('-')[0]}-{(folder / 'child.pid').read_text()}-0"
    waited = time.monotonic()
    while standing(child) is not Standing.DEAD and time.monotonic() - waited < 20:
        time.sleep(0.05)
    assert standing(child) is Standing.DEAD


STUBBORN = """
import signal, sys, time
from retarget_cli.cli.many import lifeline
signal.signal(signal.SIGTERM, signal.SIG_IGN)
lifeline.GRACE_SECONDS = 0.2
lifeline.watch()
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="asks for a signal")
def test_a_child_that_does_not_stop_is_ended(folder: Path) -> None:
    environment = dict(os.environ)
    lifeline.tie(environment)
    child = subprocess.Popen(
        [sys.executable, "-c", STUBBORN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    )
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.3)
    assert child.poll() is None
    child.stdin.close()
    assert child.wait(30) == 143


EVIL = "from pathlib import Path\nPath({!r}, __name__).write_text('ran')\n"
MODULES = ("numpy", "torch", "av", "filelock", "json", "sitecustomize", "usercustomize", "typer", "retarget_cli")


@pytest.fixture
def hostile(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The current folder is full of modules that note that they ran; gives the folder of the notes."""
    notes = tmp_path_factory.mktemp("notes")
    for name in MODULES:
        (folder / f"{name}.py").write_text(EVIL.format(str(notes)))
    return notes


@pytest.mark.parametrize(
    "path", [None, "", ":", ".", "./", os.pathsep.join((".", str(Path(retarget_cli.__file__).parents[1])))]
)
def test_nothing_in_the_current_folder_runs_in_the_children(
    folder: Path, hostile: Path, path: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "cat.mp4").write_bytes(b"no clip")
    (folder / "pairs.txt").write_text("cat.mp4 fox.mp4\n")
    monkeypatch.setattr(train_many, "PROGRAM", PROGRAM)
    monkeypatch.delenv("PYTHONPATH")
    if path is not None:
        monkeypatch.setenv("PYTHONPATH", path)
    assert run(["train", "--pairs", "pairs.txt", "--device", "cpu", "--preset", "draft", "--json"]) == 3
    (trained,) = json.loads(capsys.readouterr().out)["pairs"]
    assert trained["error"]["where"].endswith(("cat.mp4", "fox.mp4")), trained  # neither is a clip
    assert list(hostile.iterdir()) == []


def test_nothing_in_the_current_folder_runs_in_the_program(folder: Path, hostile: Path) -> None:
    for name in ("json", "typer", "sitecustomize", "usercustomize", "retarget_cli"):  # python itself loads these before
        (folder / f"{name}.py").unlink()
    answer = subprocess.run(
        [sys.executable, "-m", "retarget_cli", "probe", "cat.mp4"], check=False, capture_output=True, text=True
    )
    assert answer.returncode == 3, answer.stderr
    assert list(hostile.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["cat.mp4", "fox.mp4", "--pairs", "pairs.txt"], "(A)"),
        (["--pairs", "pairs.txt", "--mask-a", "m.mkv"], "--mask-a"),
        (["--pairs", "pairs.txt", "--frame-b", "7"], "--frame-b"),
        (["--pairs", "pairs.txt", "--devices", "cpu", "--device", "cpu"], "--devices"),
        (["--pairs", "pairs.txt", "--device", "tpu"], "tpu"),
        (["--pairs", "pairs.txt", "--device", "cpu,tpu"], "tpu"),
        (["--pairs", "pairs.txt", "--set", "geometry.stepz=1"], "stepz"),
        (["cat.mp4", "fox.mp4", "--device", "cpu,cpu"], "(--device)"),
        (["cat.mp4"], "two clips"),
    ],
)
def test_calls_that_make_no_sense(
    folder: Path, words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", *words]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("error: ") == err.count("  fix: ") == 1
    assert not (folder / ".retarget").exists()
