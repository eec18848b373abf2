"""What is printed of a list of trained pairs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from retarget_cli.cli.many.parallel import Job, Outcome
from retarget_cli.cli.many.train_many import Trained, option_words, present
from retarget_cli.cli.options import InWorkspace
from retarget_cli.pipeline.pairs import ListedPair

FINDING = {"name": "picture", "severity": "weak", "says": "It is blurred.", "advice": ""}
ANSWER = {"held_out": {"geometry": {"iou_a": 0.931, "iou_b": 0.92}}, "verdict": [FINDING]}
ERROR = {"what": "it is no video", "where": "b.mp4", "fix": "Convert it.", "exit_code": 3}


def trained(name: str, code: int = 0, answer: dict[str, object] | None = None) -> Trained:
    pair = ListedPair(Path(f"{name}.mp4"), Path("fox.mp4"), 1)
    return Trained(pair, Outcome(Job(pair.name, []), "cuda:0", code, 65.04, ANSWER if answer is None else answer))


def test_a_table_what_failed_and_what_to_run_next(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as leaving:
        present([trained("b", 3, {"error": ERROR}), trained("cat"), trained("d", 137, {})], InWorkspace())
    assert leaving.value.exit_code == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["b--fox", "cuda:0", "1", "min", "05", "s", "-", "failed", "(3)"]
    assert lines[2].endswith("iou 0.931/0.92   1 weak")
    assert lines[4:8] == [
        "b--fox: it is no video (b.mp4)",
        "  fix: Convert it.",
        "d--fox: its process ended with code 137",
        "  fix: Run the same command again; it goes on where it stopped.",
    ]
    assert lines[8] == "next: retarget render cat.mp4 fox.mp4  # or another pair"


def test_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    present([trained("cat"), trained("dog")], InWorkspace(json=True))
    one, two = json.loads(capsys.readouterr().out)["pairs"]
    assert (one["pair"], one["a"], one["seconds"], one["exit_code"]) == ("cat--fox", "cat.mp4", 65.0, 0)
    assert two["result"] == ANSWER


def test_options_become_words_again() -> None:
    words = option_words({"preset": "draft", "config": None, "set": ["a.b=1", "c=2"], "seed": 0, "start": "1"})
    assert words == ["--preset", "draft", "--set", "a.b=1", "--set", "c=2", "--seed", "0", "--init-from", "1"]
