"""What the shell completes: by asking the commands, and once through the protocol that a shell speaks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

import retarget_cli
from retarget_cli.cli import completion
from retarget_cli.cli.app import app, run
from retarget_cli.config import BACKENDS, DEFAULT_WORKSPACE, PRECISIONS, PRESETS
from retarget_cli.methods import METHODS
from retarget_cli.pipeline.options import AFFINE_VARIANTS, AFFINES, BACKGROUNDS, LOOKS
from retarget_cli.pipeline.settings import list_settings
from retarget_cli.store.engine import Store

RECORD = {"kind": "train", "pair": "cat--fox", "config": {"preset": "draft"}, "stages": {}}


def completed(command: str, option: str, beginning: str = "", **before: Any) -> list[str]:
    """What is offered for the value of an option. before: values of options that stand in front of it."""
    found = typer.main.get_command(app)
    for word in command.split():
        found = found.commands[word]  # type: ignore[attr-defined]
    (wanted,) = [each for each in found.params if option in each.opts]
    context = found.make_context(command, [], resilient_parsing=True)
    context.params.update(before)
    return [item.value for item in wanted.shell_complete(context, beginning)]


@pytest.mark.parametrize(
    ("command", "option", "words"),
    [
        ("train", "--preset", [*PRESETS]),
        ("demo", "--preset", [*PRESETS]),
        ("train", "--method", [*METHODS]),
        ("train", "--backend", [*BACKENDS]),
        ("segment", "--backend", [*BACKENDS]),
        ("train", "--precision", [*PRECISIONS]),
        ("train", "--device", ["auto", "cpu", "cuda"]),
        ("train", "--flip", ["auto", "yes", "no"]),
        ("render", "--flip", ["auto", "yes", "no"]),
        ("render", "--affine", [*AFFINES, *AFFINE_VARIANTS]),
        ("render", "--background", [*BACKGROUNDS]),
        ("keypoints apply", "--background", [*BACKGROUNDS]),
        ("render", "--look", [*LOOKS]),
        ("keypoints export", "--look", ["a", "b"]),
        ("demo", "--kind", ["quadrupeds", "bipeds", "plants"]),
        ("import", "--as", ["jokr-paper"]),
    ],
)
def test_choices(command: str, option: str, words: list[str]) -> None:
    assert completed(command, option) == words


def test_only_what_begins_so() -> None:
    assert completed("train", "--preset", "pa") == ["paper", "paper-no-affine"]
    assert completed("render", "--background", "x") == []


@pytest.mark.parametrize("command", ["train", "import", "demo", "bench"])
def test_settings(command: str) -> None:
    keys = completed(command, "--set")
    assert set(keys) == {f"{each.key}=" for each in list_settings()}
    assert len(keys) == len(set(keys))
    assert completed(command, "--set", "detail.st") == ["detail.steps="]


def test_names_of_settings() -> None:
    assert completed("settings", "pattern", "crop") == ["crop.size"]
    assert dict(completion.setting_names())["crop.size"].startswith("side of the square")


@pytest.mark.parametrize(
    ("command", "option", "words"), [("train", "--init-from", ["base", "none"]), ("evaluate", "--run", [])]
)
def test_runs(command: str, option: str, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert completed(command, option) == words
    assert list(tmp_path.iterdir()) == []  # asking creates no workspace
    ids = [Store(tmp_path / place).record_run(RECORD) for place in (DEFAULT_WORKSPACE, "other")]
    Store(tmp_path / DEFAULT_WORKSPACE).record_run({**RECORD, "kind": "something else"})
    assert completed(command, option) == [*words, ids[0]]
    assert completed(command, option, workspace=Path("other")) == [*words, ids[1]]
    assert completed(command, option, "x") == []


def speak(words: str, folder: Path, shell: str = "bash") -> subprocess.CompletedProcess[str]:
    """Ask as the script does that --install-completion writes for the shell."""
    environment = {
        **os.environ,
        "_RETARGET_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - (not words.endswith(" "))),
        "PYTHONPATH": str(Path(retarget_cli.__file__).parents[1]),
    }
    words_of_python = [sys.executable, "-X", "importtime", "-m", "retarget_cli"]
    return subprocess.run(words_of_python, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_protocol_of_a_shell(tmp_path: Path) -> None:
    run_id = Store(tmp_path / "space").record_run(RECORD)
    for words, expected in (
        ("retarget ren", ["render", "renders"]),
        ("retarget train --pre", ["--preset", "--precision"]),
        ("retarget train a b --preset s", ["standard"]),
        ("retarget train --set geometry.ste", ["geometry.steps="]),
        ("retarget train --workspace space --init-from ", ["base", "none", run_id]),
    ):
        done = speak(words, tmp_path)
        assert (done.returncode, done.stdout.split()) == (0, expected)
        loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        assert "typer" in loaded
        assert not {"torch", "cv2", "av"} & loaded
    assert [path.name for path in tmp_path.iterdir()] == ["space"]


def test_the_script_can_be_shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.completion._get_shell_name", lambda: "bash")
    assert run(["--show-completion"]) == 0
    assert "_RETARGET_COMPLETE=complete_bash" in capsys.readouterr().out
