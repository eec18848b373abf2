"""The help of every command fits on one screen, everyday options first, and shows no option of the release before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from retarget_cli.cli.app import app, run

OLD = {"--start", "--devices", "--frame", "--frame-a", "--frame-b", "--frame-driver"}
WITHOUT_WORKSPACE = ("settings", "bench", "probe", "weights")


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command that can be run, by its words."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield " ".join(words), command
        return
    for name, each in inner.items():
        yield from commands(each, (*words, name))


ALL = dict(commands(typer.main.get_command(app)))
EVERY_COMMAND = pytest.mark.parametrize("name", ALL)


def options(name: str) -> dict[str, Any]:
    """The options of a command by their first names; arguments are left out."""
    return {option.opts[0]: option for option in ALL[name].params if option.opts[0].startswith("-")}


def test_every_command_is_looked_at() -> None:
    assert len(ALL) == 27
    assert {"train", "keypoints apply", "weights pull", "settings"} <= set(ALL)


@EVERY_COMMAND
def test_the_help_fits_on_one_screen(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert run([*name.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) <= 50
    assert not OLD & set(shown.replace("│", " ").split())
    panels = [line.strip("╭─╮ ") for line in shown.splitlines() if line.startswith("╭")]
    assert panels[-1] in ("General", "Advanced")
    assert "Options" not in panels[2:]


def test_the_help_of_the_program_fits_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert run(["--help"]) == 0
    assert len(capsys.readouterr().out.splitlines()) <= 50


@EVERY_COMMAND
def test_what_every_command_takes(name: str) -> None:
    found = options(name)
    wanted = {"--quiet": ["-q"], "--verbose": ["-v"], "--json": []}
    assert {option: found[option].opts[1:] for option in wanted} == wanted
    assert ("--workspace" in found) == (name.split()[0] not in WITHOUT_WORKSPACE)
    assert {option.name for option in found.values() if not option.help} <= {
        "frame", "frame_a", "frame_b", "frame_driver", "start", "devices", "no_render", "task",
    }  # fmt: skip


def test_rare_options_are_under_advanced() -> None:
    rare = {option for option, each in options("train").items() if each.rich_help_panel == "Advanced"}
    assert rare == {"--config", "--max-memory", "--seed", "--precision", "--method", "--weights"}
    assert not {"--preset", "--set", "--device"} & rare


def test_options_that_two_commands_share_are_the_same() -> None:
    """They stand in one place, so neither their words nor their panels can differ."""
    shared = {"--affine", "--follow", "--slow", "--fps", "--loop", "--smooth", "--device", "--max-memory"}
    render, export, apply = options("render"), options("keypoints export"), options("keypoints apply")
    for name in shared:
        for other in (export, apply):
            assert (other[name].help, other[name].rich_help_panel) == (render[name].help, render[name].rich_help_panel)
    for name in ("--background", "--out", "--format", "--layers", "--size", "--crop"):
        assert apply[name].help == render[name].help
