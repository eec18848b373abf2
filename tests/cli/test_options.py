"""Options in groups: how a command is given them, and what the groups make of them."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from retarget_cli.cli import options
from retarget_cli.cli.options import ADVANCED, argument, choice, grouped, option
from retarget_cli.errors import UsageError
from retarget_cli.pipeline.options import RenderOptions


def test_pair() -> None:
    assert options.Pair(None, None).chosen() == {"pair": None}
    assert options.Pair(Path("a"), Path("b")).chosen() == {"pair": (Path("a"), Path("b"))}
    with pytest.raises(UsageError):
        options.Pair(Path("a"), None).chosen()


@dataclass(frozen=True)
class Paint(options.Group):
    colour: str = choice("red", ("red", "blue"), "One of {}.", ADVANCED)
    layers: int = option(1, "N", "How many.", names=("--layers", "-l"))
    dry_run: bool = option(False, None, "Only say it.")


def called(words: list[str]) -> dict[str, Any]:
    """What a command with a group among its parameters is given."""
    seen: dict[str, Any] = {}
    app = typer.Typer()

    @app.command()
    @grouped
    def command(
        context: typer.Context,
        wall: str = argument("WALL", "It."),
        brush: str = option(MISSING, "BRUSH", "With it.", parse=str.upper),
        *,
        paint: Paint,
    ) -> None:
        seen.update(context=context, wall=wall, brush=brush, paint=paint)

    done = CliRunner().invoke(app, words)
    return seen if done.exit_code == 0 else {"error": done.output}


def test_a_command_is_handed_its_groups() -> None:
    seen = called(["north", "--brush", "wide", "-l", "3", "--dry-run"])
    assert seen["paint"] == Paint("red", 3, True)
    assert (seen["wall"], seen["brush"]) == ("north", "WIDE")
    assert seen["context"].params["colour"] == "red"
    assert called(["north", "--brush", "b", "--colour", "blue"])["paint"] == Paint("blue", 1, False)
    assert "--brush" in called(["north"])["error"]
    assert "--no-dry-run" in called(["north", "--brush", "b", "--no-dry-run"])["error"]


def test_the_advanced_ones_come_last() -> None:
    @grouped
    def command(paint: Paint, last: str = option("", "X", "Everyday.")) -> None: ...

    assert list(inspect.signature(command).parameters) == ["layers", "dry_run", "last", "colour"]


def test_a_group_is_made_without_a_command_too() -> None:
    assert options.InWorkspace(json=True) == options.InWorkspace(False, False, True, Path(".retarget"))


def test_groups_say_what_to_render() -> None:
    groups = options.Pair(Path("a"), Path("b")), options.Tempo(slow="2"), options.Driver(Path("c.mp4"), flip="no")
    chosen = options.render_options(*groups, look="b")
    assert (chosen.pair, chosen.slow, chosen.flip, chosen.look) == ((Path("a"), Path("b")), "2", "no", "b")
    assert chosen.driver is not None
    assert chosen.driver.path == Path("c.mp4")
    assert options.render_options() == RenderOptions()
    with pytest.raises(UsageError, match="which driver"):
        options.Driver(box_driver=["1,2,3,4"]).chosen()
