"""A user's session from the first command to the last, with the fake method."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import toy

from retarget_cli.cli.app import run

CLIPS = ["disc.mp4", "bar.mp4"]
MASKS = ["--mask-a", "disc_matte.mkv", "--mask-b", "bar_matte.mkv"]
TRAIN = ["train", *CLIPS, *MASKS, "--method", "fake", "--preset", "draft", "--device", "cpu", "--set", "crop.size=64"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RETARGET_WORKSPACE", raising=False)
    toy.draw_clip(tmp_path, "disc", "disc", 10)
    toy.draw_clip(tmp_path, "bar", "bar", 8)
    return tmp_path


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    assert run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_session(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained = answer(capsys, *TRAIN)
    assert trained["pair"] == "disc--bar"
    assert set(trained["held_out"]) == {"colour", "polish"}
    assert answer(capsys, *TRAIN)["run"] == trained["run"]
    rendered = answer(capsys, "render", "--look", "both", "--compare", "--background", "#202020")
    names = [Path(video).name for video in rendered["videos"]]
    assert names == ["disc-as-bar.on-202020.mp4", "bar-as-disc.on-202020.mp4"]
    assert all(Path(file).stat().st_size > 500 for file in (*rendered["videos"], *rendered["sheets"]))
    scores = answer(capsys, "evaluate", *CLIPS)
    assert scores["b"]["motion"] > 0.5
    runs = answer(capsys, "runs")
    assert [record["pair"] for record in runs["runs"]] == ["disc--bar"]
    found = answer(capsys, "segment", "disc.mp4", "--mask", "disc_matte.mkv", "--out", "mine.mkv")
    assert (folder / "mine.mkv").exists()
    assert answer(capsys, "report", *CLIPS) == {"report": trained["report"]}
    assert found["report"]["backend"] == "given"
    inputs = {"disc.mp4", "disc_matte.mkv", "bar.mp4", "bar_matte.mkv"}
    assert {item.name for item in folder.iterdir()} == inputs | {
        ".retarget",
        "retargeted",
        "mine.mkv",
        "mine_alpha.mkv",
        "mine_overlay.mp4",
        "mine_sheet.png",
    }


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["train", "disc.mp4", "disc.mp4"], 2),
        (["train", "disc.mp4", "gone.mp4"], 3),
        (["train", *CLIPS, "--set", "colour.stepz=3", "--method", "fake"], 2),
        (["train", *CLIPS, "--device", "cuda:99"], 4),
        (["train", *CLIPS, "--mask-a", "bar_matte.mkv", "--mask-b", "bar_matte.mkv", "--method", "fake"], 3),
        (["render"], 2),
        (["render", *CLIPS], 2),
        (["render", "--workspace", "disc.mp4"], 5),
    ],
)
def test_each_mistake_has_its_exit_code_and_a_fix(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int
) -> None:
    assert run(arguments) == code
    assert "fix:" in capsys.readouterr().err
