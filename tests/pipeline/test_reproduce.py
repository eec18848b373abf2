"""Commands made from a run record mean what the record says."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from retarget_cli.cli.app import run
from retarget_cli.config import TrainConfig
from retarget_cli.errors import WorkspaceError
from retarget_cli.pipeline.options import RenderOptions
from retarget_cli.pipeline.reproduce import Commands, differing
from retarget_cli.pipeline.settings import load_config
from retarget_cli.segmentation.base import Hint
from retarget_cli.stages.clip import SourceClip
from retarget_cli.utils.fields import shown, to_json


def commands(config: TrainConfig, root: Path, rendered: Any = None, **more: Any) -> Commands:
    clips = {side: SourceClip(side, Path(f"my {side}.mp4"), "0" * 64, **more).to_json() for side in "ab"}
    return Commands({"clips": clips, "config": to_json(config), "rendered": rendered or {}}, root)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """What the pipeline was asked for; it does nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RETARGET_WORKSPACE", raising=False)
    calls: list[Any] = []

    def stand_in(*arguments: Any, **named: Any) -> None:
        calls[:] = arguments
        raise WorkspaceError("that is enough", fix="None.")

    for name in ("train", "render"):
        monkeypatch.setattr(f"retarget_cli.pipeline.{name}.{name}", stand_in)
    return calls


@pytest.mark.parametrize(
    ("preset", "changes", "flags"),
    [
        ("draft", (), {}),
        ("draft", ("geometry.steps=7", "texture.widths=8,16,24"), {"seed": 4}),
        ("standard", ("geometry.learning_rate=0.00123456789", "crop.size=96"), {"device": "cpu", "precision": "fp32"}),
        ("paper", ("texture.steps=3", "geometry.mirror=none"), {"backend": "embedded", "start": "2026"}),
        ("paper-no-affine", (), {"weights": "some where.pth"}),
    ],
)
def test_a_training_command_has_the_same_settings(
    preset: str, changes: tuple[str, ...], flags: dict[str, Any], asked: list[Any], tmp_path: Path
) -> None:
    config = load_config(preset, None, changes, **flags)
    line = commands(config, tmp_path / ".retarget").train()
    assert "--workspace" not in line
    assert run([*shlex.split(line)[1:], "--quiet"]) == 5
    a, b, settings = asked[:3]
    assert settings == config
    assert (a.path, b.path) == (Path("my a.mp4"), Path("my b.mp4"))


def test_mattes_hints_and_the_workspace_are_named(asked: list[Any], tmp_path: Path) -> None:
    hints = (Hint(3, (1.5, 2.0, 30.0, 40.0)), Hint(9, (5.0, 6.0, 7.0, 8.123456789)))
    made = commands(load_config("draft"), tmp_path / "my space", matte=tmp_path / "it's", hints=hints)
    assert run([*shlex.split(made.train())[1:], "--quiet"]) == 5
    assert [clip.matte for clip in asked[:2]] == [Path("it's")] * 2
    assert asked[0].hints == hints
    assert asked[3].root == tmp_path / "my space"


def test_a_render_command_repeats_its_options(asked: list[Any], tmp_path: Path) -> None:
    options = RenderOptions(affine=(1.0, 0.0, -0.1, 0.0, 1.0, 1e-07), background="#102030", out=Path("x.mp4"))
    made = commands(load_config("draft"), tmp_path / ".retarget", {"b-as-a": options.unusual})
    assert made.render("a", "a-as-b") == "retarget render 'my a.mp4' 'my b.mp4'"
    assert run([*shlex.split(made.render("b", "b-as-a", "--compare"))[1:], "--quiet"]) == 5
    again = asked[0]
    assert (again.look, again.affine, again.background) == ("b", options.affine, options.background)
    assert again.compare


def test_a_render_in_other_time_is_repeated_so(asked: list[Any], tmp_path: Path) -> None:
    line = "render --from 1:02.5 --to 90f --fps 59.94 --slow 2 --loop 3 --smooth auto --quiet"
    assert run(line.split()) == 5
    options = asked[0]
    made = commands(load_config("draft"), tmp_path / ".retarget", {"a-as-b": options.unusual})
    assert run([*shlex.split(made.render("a", "a-as-b"))[1:], "--quiet"]) == 5
    assert asked[0].unusual == options.unusual
    assert len(options.unusual) == 6
    assert run(["render", "--quiet"]) == 5
    assert asked[0].unusual == {}


def test_settings_of_another_version_do_no_harm() -> None:
    stored = to_json(load_config("draft"))
    stored["method_config"]["geometry"]["bygone"] = 3
    del stored["method_config"]["geometry"]["steps"]
    assert differing(stored) == {"geometry.bygone": 3}


def test_values_are_written_as_set_takes_them() -> None:
    assert [shown(value) for value in (None, True, 0.1, 2.0, [8, 16], "x y")] == [
        "none",
        "true",
        "0.1",
        "2",
        "8,16",
        "x y",
    ]


def test_clips_whose_names_begin_with_a_dash_stay_clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    clips = {side: SourceClip(side, Path(f"-{side}.mp4"), "0" * 64).to_json() for side in "ab"}
    made = Commands({"clips": clips, "config": to_json(load_config("draft", None, ())), "rendered": {}}, tmp_path)
    assert shlex.split(made.plain("evaluate"))[:4] == ["retarget", "evaluate", "./-a.mp4", "./-b.mp4"]


def test_comparing_takes_the_preset_of_the_run(tmp_path: Path) -> None:
    line = commands(load_config("best", method="fake"), tmp_path / "my work").compare()
    words = shlex.split(line)
    assert words[:4] == ["retarget", "compare", "my a.mp4", "my b.mp4"]
    assert words[4:6] == ["--preset", "best"]
    assert words[6:] == ["--workspace", str(tmp_path / "my work")]
