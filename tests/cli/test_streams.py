"""Where the output goes: disks that are full, streams that are closed, terminals that names of files must not steer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from make_clips import make_clip

from retarget_cli.cli.app import run

NAME = "fox\x1b[31m\u202e\udcff.mp4"


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_clip(tmp_path / "good.mp4", frames=5)


def shell(command: str) -> subprocess.CompletedProcess[str]:
    words = ["bash", "-c", command.replace("retarget", f"{sys.executable} -m retarget_cli", 1)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("words", ["probe good.mp4", "probe good.mp4 --json", "settings", "--help", "--version"])
@pytest.mark.parametrize("to", [">/dev/full", ">&-"])
def test_an_answer_that_is_lost_is_told(words: str, to: str, clip: Path) -> None:
    done = shell(f"retarget {words} {to}")
    assert "Traceback" not in done.stderr
    if words == "--help" and to == ">&-":
        return  # the library that prints it takes a closed stream for one that nobody wants
    assert done.returncode == 4
    assert done.stderr.count("error: ") == done.stderr.count("\n  fix: ") == 1


def test_an_error_in_json_that_is_lost_keeps_its_code(clip: Path) -> None:
    done = shell("retarget probe absent.mp4 --json >/dev/full")
    assert done.returncode == 3
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_messages_that_are_lost_end_with_4_and_the_work_is_done(clip: Path) -> None:
    done = shell("retarget segment good.mp4 --backend embedded --box 8,32,12,12 2>/dev/full")
    assert done.returncode == 4
    assert "good" in done.stdout
    assert list(Path("retargeted").rglob("*good*"))


@pytest.mark.parametrize("to", ["2>&-", ">/dev/null 2>&-", "<&-"])
def test_a_stream_that_nobody_wants_changes_nothing(to: str, clip: Path) -> None:
    assert shell(f"retarget probe good.mp4 {to}").returncode == 0


def test_no_other_file_takes_the_number_of_a_closed_stream(clip: Path) -> None:
    done = shell("retarget segment good.mp4 --backend embedded --box 8,32,12,12 >&- 2>&- <&-")
    assert done.returncode == 4
    for file in Path(".retarget").rglob("*.json"):
        json.loads(file.read_bytes())


@pytest.mark.parametrize("words", [["probe"], ["segment", "--backend", "embedded", "--box", "8,32,12,12"]])
@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_a_name_steers_no_terminal(
    words: list[str], as_json: list[str], clip: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    clip.rename(NAME)
    assert run([words[0], NAME, *words[1:], *as_json]) == 0
    out, err = capfdbinary.readouterr()
    for text in (out.decode(), err.decode()):
        assert not set(text) & {"\x1b", "\u202e"}
    if as_json and words == ["probe"]:
        assert json.loads(out)["path"] == NAME


def test_an_error_about_it_steers_none_either(clip: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "good.mp4", f"absent\n  fix: run `rm -rf`{NAME}", "--json"]) == 3
    out, err = capfd.readouterr()
    assert not set(out + err) & {"\x1b", "\u202e"}
    assert err.count("\n  fix: ") == 1
    assert len(err.strip().splitlines()) == 2
