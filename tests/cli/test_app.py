"""The command as a whole: it starts fast, explains itself, and every way of calling it wrong is one message."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from retarget_cli import __version__
from retarget_cli.cli.app import run

COMMANDS = ("train", "render", "segment", "probe", "demo", "evaluate", "bench", "runs", "cache", "weights", "doctor")
HEAVY = {"torch", "torchvision", "cv2", "av", "numpy", "scipy", "segment_anything"}


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    words = capsys.readouterr().out.split()
    assert set(COMMANDS) <= set(words)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--help"]) == 0
    assert f"retarget {command}" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"retarget {__version__}\n"


@pytest.mark.parametrize("words", [[], ["train"], ["render"], ["keypoints", "apply"], ["settings"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    code = f"import sys; from retarget_cli.cli.app import run; run({[*words, '--help']}); print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not HEAVY & set(out.splitlines()[-1].split())


def test_help_is_quick() -> None:
    def seconds(*words: str) -> float:
        before = os.times()
        subprocess.run([sys.executable, *words], capture_output=True, check=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    # Processor time, which a busy machine hardly stretches, against that of the libraries that print: twice as long,
    # where importing torch takes ten times.
    printing = ("-c", "import typer.rich_utils, rich.markdown")
    least = [min(seconds(*words) for _ in range(5)) for words in (printing, ("-m", "retarget_cli", "--help"))]
    assert least[1] < 3 * least[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["train"],
        ["train", "a.mp4"],
        ["train", "a.mp4", "b.mp4", "--colour", "red"],
        ["train", "a.mp4", "b.mp4", "--seed", "many"],
        ["train", "a.mp4", "b.mp4", "--box-a", "1,2,3"],
        ["render", "a.mp4"],
        ["render", "--affine", "moment"],
        ["render", "--look", "c"],
        ["render", "--background", "#12"],
        ["segment", "a.mp4", "--point", "7"],
        ["segment", "a.mp4", "--out", "matte.mp4"],
        ["cache"],
        ["cache", "prune", "--keep", "-1"],
    ],
)
def test_wrong_calls(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    if arguments != ["cache"]:  # which shows its help
        assert err.count("error: ") == 1
        assert err.count("fix: ") == 1


def test_wrong_calls_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["render", "--look", "c", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == {
        "what": "'c' is not a choice",
        "where": "--look",
        "fix": "Choose one of: a, b, both.",
        "exit_code": 2,
    }


def test_a_bug_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by zero")

    (tmp_path / "space").mkdir()
    monkeypatch.setattr("retarget_cli.cli.output.open_store", broken)
    assert run(["runs", "--workspace", str(tmp_path / "space")]) == 1
    assert "bug" in capsys.readouterr().err
    assert "ZeroDivisionError" in next((tmp_path / "space" / "logs").iterdir()).read_text()


def test_ctrl_c(monkeypatch: pytest.MonkeyPatch, tmp_path, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("retarget_cli.cli.output.open_store", interrupted)
    assert run(["runs", "--workspace", str(tmp_path)]) == 130
    assert capsys.readouterr().err.startswith("error: interrupted")


def test_a_reader_that_leaves_is_no_error() -> None:
    command = f"{sys.executable} -m retarget_cli --help | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.split()[-1] in ("0", "1")


@pytest.mark.parametrize(
    "words",
    [["segment", "-dash.mp4"], ["segment", "-out.mp4"], ["train", "--a.mov", "b.mp4"], ["render", "a.mp4", "-q1"]],
)
def test_a_name_that_begins_with_a_dash_is_explained(
    words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-q1").touch()
    assert run(words) == 2
    name = next(word for word in words if word.startswith("-"))
    said = capsys.readouterr().err
    assert f"({name})" in said
    assert f"./{name}" in said
    assert "--" in said.partition("fix:")[2]


def test_an_option_that_does_not_exist_is_still_called_that(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["segment", "a.mp4", "--masks", "m.mkv"]) == 2
    assert "no such option" in capsys.readouterr().err
