"""Options of the release before: hidden, still working, and a notice says what they are called now."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from retarget_cli.cli.app import run
from retarget_cli.pipeline.render import RenderResult
from retarget_cli.pipeline.train import TrainResult


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """What the pipeline was called with."""
    monkeypatch.chdir(tmp_path)
    calls: list[Any] = []

    def stand_in(answer: Any) -> Any:
        return lambda *arguments, **_: calls.append(arguments) or answer

    monkeypatch.setattr("retarget_cli.pipeline.train.train", stand_in(TrainResult("1", "a--b", Path("x"), {}, {})))
    monkeypatch.setattr("retarget_cli.pipeline.render.render", stand_in(RenderResult()))
    monkeypatch.setattr("retarget_cli.pipeline.segment.segment", stand_in(TrainResult("1", "a--b", Path("x"), {}, {})))
    monkeypatch.setattr("retarget_cli.cli.commands.segment.summary", lambda *_: [])
    return calls


CASES = {
    "--start": (["train", "a", "b", "--start", "2026"], "--start is called --init-from now"),
    "--devices": (["train", "a", "b", "--devices", "cpu"], "--devices is called --device now"),
    "--frame-a": (["train", "a", "b", "--frame-a", "37", "--box-a", "1,2,3,4"], "--box-a 37:X,Y,WIDTH,HEIGHT"),
    "--frame-b": (["train", "a", "b", "--frame-b", "37", "--box-b", "1,2,3,4"], "--box-b 37:X,Y,WIDTH,HEIGHT"),
    "--frame-driver": (
        ["render", "--driver", "c.mp4", "--frame-driver", "37", "--box-driver", "1,2,3,4"],
        "--box-driver 37:X,Y,WIDTH,HEIGHT",
    ),
    "--frame": (["segment", "a.mp4", "--frame", "37", "--box", "1,2,3,4"], "--box 37:X,Y,WIDTH,HEIGHT"),
}


@pytest.mark.parametrize("old", CASES)
def test_the_old_name_works_with_a_notice(old: str, told: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    words, notice = CASES[old]
    assert run([*words, "--json"]) == 0
    out, err = capsys.readouterr()
    notes = [line for line in err.splitlines() if line.startswith("note: ")]
    assert len(notes) == 1
    assert notes[0].startswith(f"note: {old} ")
    assert notice in notes[0]
    json.loads(out)
    assert run([*words, "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    for arguments in told:
        if old == "--start":
            assert arguments[2].start == "2026"
        elif old == "--devices":
            assert arguments[2].device == "cpu"
        else:
            given = arguments[old == "--frame-b"]
            given = given.driver if old == "--frame-driver" else given
            assert [(hint.frame, hint.box) for hint in given.hints] == [(37, (1, 2, 3, 4))]


def test_nothing_is_said_of_options_that_are_not_used(told: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "a", "b", "--init-from", "2026", "--device", "cpu", "--box-a", "37:1,2,3,4"]) == 0
    assert "note" not in capsys.readouterr().err
    assert (told[0][2].start, told[0][2].device) == ("2026", "cpu")


def test_a_name_and_its_old_one_are_not_given_together(told: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "a", "b", "--device", "cpu", "--devices", "cpu"]) == 2
    assert "(--devices)" in capsys.readouterr().err
    assert not told
