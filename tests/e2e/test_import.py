"""A pair that the published implementation trained, from its checkpoint to rendered clips and scores."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import page
import pytest
import torch
import toy
from published_checkpoints import FULL, TINY, TINY_STRONG, save
from safetensors.torch import load_file

from retarget_cli import import_checkpoint
from retarget_cli.cli.app import run
from retarget_cli.events import Event, Notice, StageStarted
from retarget_cli.media.decode import scan

CLIPS = ["disc.mp4", "bar.mp4"]
MASKS = ["--mask-a", "disc_matte.mkv", "--mask-b", "bar_matte.mkv"]
SMALL = ["--set", "crop.size=64", "--set", "geometry.size=64", "--device", "cpu", "--quiet"]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("clips")
    toy.draw_clip(folder, "disc", "disc", 4)
    toy.draw_clip(folder, "bar", "bar", 3)
    return folder


@pytest.fixture
def folder(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for clip in clips.iterdir():
        shutil.copy(clip, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RETARGET_WORKSPACE", raising=False)
    return tmp_path


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    assert run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def importing(*more: str) -> list[str]:
    return ["import", "checkpoint", *CLIPS, "--as", "jokr-paper", *MASKS, *SMALL, *more]


@pytest.mark.parametrize("config", [TINY, TINY_STRONG], ids=["default", "strong"])
def test_a_checkpoint_of_stage_2_renders_and_is_scored(
    config: Any, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(folder / "checkpoint", config, 2)
    imported = answer(capsys, *importing())
    assert set(imported["held_out"]) == {"geometry", "texture"}
    assert imported["verdict"] == []  # how it was trained is not known
    state = load_file(Path(imported["stages"]["texture"]) / "state.safetensors")
    theirs = torch.load(folder / "checkpoint", weights_only=True)["R_B"]["model.1.weight"]
    assert torch.equal(state["painter_b/model.1.weight"], theirs)
    rendered = answer(capsys, "render", *CLIPS, "--affine", "learned", "--look", "both")
    assert [scan(Path(video)).timing.frames for video in rendered["videos"]] == [3, 4]
    scores = answer(capsys, "evaluate", *CLIPS)
    assert {"motion", "shape"} <= set(scores["a"])
    assert scores["run"] == imported["run"]
    report = page.read(Path(imported["report"]).read_text(encoding="utf-8"))
    assert "retarget import CHECKPOINT disc.mp4 bar.mp4 --as jokr-paper" in report.words
    assert report.words.count("Trained elsewhere and imported") == 2
    assert answer(capsys, *importing())["run"] == imported["run"]


def test_the_painters_of_stage_1_are_trained(folder: Path) -> None:
    save(folder / "checkpoint", TINY, 1)
    events: list[Event] = []
    changes = ("crop.size=64", "geometry.size=64", "texture.steps=2", "texture.batch=2",
               "texture.generator_width=8", "texture.residual_blocks=2")  # fmt: skip
    mattes = {"mask_a": Path("disc_matte.mkv"), "mask_b": Path("bar_matte.mkv")}
    import_checkpoint("checkpoint", *CLIPS, settings=changes, device="cpu", reporter=events.append, **mattes)
    labels = [event.label for event in events if isinstance(event, StageStarted)]
    assert labels[-3:] == ["Importing geometry", "Training texture", "Drawing the curves"]
    assert any(isinstance(event, Notice) and "texture" in event.message for event in events)
    assert run(["render", "--affine", "none", "--quiet"]) == 0


def test_another_checkpoint_is_another_result(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(folder / "checkpoint", TINY, 2)
    first = answer(capsys, *importing())
    save(folder / "checkpoint", TINY, 2, learned_t=None)
    second = answer(capsys, *importing())
    assert second["stages"]["geometry"] != first["stages"]["geometry"]
    assert second["stages"]["crop:disc"] == first["stages"]["crop:disc"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["import", "gone", *CLIPS, "--as", "jokr-paper"], 3),
        (["import", "disc.mp4", *CLIPS, "--as", "jokr-paper"], 3),
        (["import", "disc.mp4", *CLIPS, "--as", "fomm"], 2),
        (["import", "disc.mp4", *CLIPS], 2),
    ],
)
def test_mistakes(arguments: list[str], code: int, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == code
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert "fix:" in err


@pytest.mark.slow
def test_the_full_size_renders(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(folder / "checkpoint", FULL, 2)
    toy.draw_clip(folder, "disc", "disc", 2)
    toy.draw_clip(folder, "bar", "bar", 2)
    answer(capsys, *importing("--set", "geometry.size=128"))
    sizes = answer(capsys, "runs")["runs"][0]["config"]["method_config"]["geometry"]
    expected = {"keypoints": 14, "widths": 32, "most_width": 1024, "levels": 5, "generator_width": 64, "strong": False}
    assert sizes | expected == sizes
    rendered = answer(capsys, "render", "--affine", "learned")
    assert scan(Path(rendered["videos"][0])).timing.frames == 2
