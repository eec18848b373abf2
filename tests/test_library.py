"""The package as a library: its functions keep their names whatever was imported before."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path
from typing import Any

import pytest
import toy
import typer
from fake_method import FakeMethod
from worlds import World

import retarget_cli
from retarget_cli.cli.app import app
from retarget_cli.errors import UsageError
from retarget_cli.methods import METHODS
from retarget_cli.segmentation.base import Hint

ROOT = Path(__file__).parent.parent

SCRIPT = """
import retarget_cli
from retarget_cli.segmentation.base import Hint
import retarget_cli.pipeline.train, retarget_cli.pipeline.render, retarget_cli.pipeline.segment
from retarget_cli import render, segment, train
assert all(callable(f) for f in (render, segment, train)), (render, segment, train)
assert retarget_cli.train is train and Hint(0).frame == 0
try:
    train("no-such-a.mp4", "no-such-b.mp4", preset="draft")
except retarget_cli.errors.InputError as error:
    assert "no-such-a.mp4" in str(error)
else:
    raise AssertionError("a missing clip was not noticed")
"""


def test_functions_and_packages_of_the_same_name_get_along(tmp_path) -> None:
    command, environment = [sys.executable, "-c", SCRIPT], {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def example() -> str:
    """The example of docs/usage.md, as it stands there."""
    text = (ROOT / "docs/usage.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.M)
    return block


def test_the_example_of_the_documents_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(METHODS, "jokr", FakeMethod)
    for name, kind in (("cat", "disc"), ("fox", "bar")):
        toy.draw_clip(tmp_path, name, kind)
    names: dict[str, Any] = {}
    exec(compile(example(), "usage.md", "exec"), names)
    said = capsys.readouterr().out
    for file in ("cat-as-fox.mov", "fox-as-cat.mov", "cat-as-fox-compare.png"):
        assert str(Path("retargeted/cat--fox") / file) in said
        assert (tmp_path / "retargeted/cat--fox" / file).is_file()
    assert "StageStarted" in said
    assert "good Learned in 6 steps." in said
    assert "'.avi' is not a kind of video written here (slow.avi) End the name in" in said
    scores = names["scores"]
    assert said.splitlines()[-1] == f"{scores.a.motion} {scores.b.motion}"
    assert (scores.pair, scores.a.affine) == ("cat--fox", "auto")
    assert 0 < scores.a.shape <= 1
    assert set(scores.held_out) == {"colour", "polish"}
    assert 0 < names["cat"].confidence <= 1


MISTAKES = {
    "drawn.colour": 'has no attribute "colour"',
    'train("a.mp4", "b.mp4", prest="draft")': "prest",
    "render(look=3)": '"look"',
    "len(scores.a.motion)": "float",
}


@pytest.mark.parametrize("lines", [(), tuple(MISTAKES)], ids=["right", "wrong"])
def test_types_tell_what_is_wrong_with_a_call(tmp_path: Path, lines: tuple[str, ...]) -> None:
    pytest.importorskip("mypy")
    file = tmp_path / "example.py"
    file.write_text("\n".join((example(), *lines)), encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "mypy", file], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == bool(lines), done.stdout
    told = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert len(told) == len(lines)
    assert all(MISTAKES[line] in said for line, said in zip(lines, told, strict=True))


def test_types_are_shipped() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert (ROOT / "retarget_cli" / "py.typed").is_file()
    assert "py.typed" in project["tool"]["setuptools"]["package-data"]["retarget_cli"]


def test_every_name_that_is_offered_is_there() -> None:
    for name in retarget_cli.__all__:
        assert getattr(retarget_cli, name).__doc__
    with pytest.raises(AttributeError, match="redner"):
        _ = retarget_cli.redner


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"background": "grey"}, "not a background"),
        ({"affine": "learnd"}, "not a choice"),
        ({"affine": (1, 2)}, "6 numbers"),
        ({"a": "disc.mp4"}, "one clip"),
        ({"b": "disc.mp4"}, "one clip"),
        ({"look": "c"}, "look"),
        ({"out": "x.avi"}, "avi"),
    ],
)
def test_mistakes_in_a_call_are_told_as_on_the_command_line(
    world: World, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        retarget_cli.render(**options)


def test_strings_and_paths_are_alike(world: World) -> None:
    result = retarget_cli.render("disc.mp4", world.b.path, affine=[1, 0, 0, 0, 1, 0], out="x.mkv", slow=2)
    assert result.videos == [Path("x.mkv")]
    assert retarget_cli.segment("disc.mp4", mask="disc_matte.mkv", out="m.mkv").backend == "given"
    with pytest.raises(UsageError, match="lossless"):
        retarget_cli.segment("disc.mp4", mask="disc_matte.mkv", out="m.mp4")


RENAMED = [
    ("train", {"matte_a": "m.mkv"}, "mask_a"),
    ("train", {"matte_b": "m.mkv"}, "mask_b"),
    ("train", {"start": "2026"}, "init_from"),
    ("train", {"changes": ("geometry.steps=7",)}, "settings"),
    ("import_checkpoint", {"matte_a": "m.mkv"}, "mask_a"),
    ("import_checkpoint", {"matte_b": "m.mkv"}, "mask_b"),
    ("import_checkpoint", {"changes": ("geometry.steps=7",)}, "settings"),
    ("render", {"driver_matte": "m.mkv"}, "mask_driver"),
    ("render", {"driver_hints": (Hint(3),)}, "hints_driver"),
    ("segment", {"matte": "m.mkv"}, "mask"),
]
HOMES = {"train": "train", "import_checkpoint": "train", "render": "render", "segment": "segment"}
FIRST = {"train": ("a", "b"), "import_checkpoint": ("c", "a", "b"), "render": (), "segment": ("a",)}


@pytest.mark.parametrize(("name", "old", "new"), RENAMED, ids=[f"{name}-{new}" for name, _, new in RENAMED])
def test_old_names_of_arguments_work_with_a_warning(
    name: str, old: dict[str, Any], new: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[Any] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(f"retarget_cli.pipeline.{HOMES[name]}.{name}", lambda *told, **_: calls.append(told[:-2]))
    function, more = getattr(retarget_cli, name), {"driver": "d.mp4"} if name == "render" else {}
    ((before, value),) = old.items()
    with pytest.warns(DeprecationWarning, match=rf"{name}\({before}=\) is called {new} now"):
        function(*FIRST[name], **more, **old)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        function(*FIRST[name], **more, **{new: value})
        function(*FIRST[name], **more)
    assert calls[0] == calls[1] != calls[2]
    assert new in inspect.signature(function).parameters
    assert before not in inspect.signature(function).parameters


def test_arguments_are_called_as_the_options_are() -> None:
    """What differs is said in docs/usage.md."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    apart = {
        "train": {
            "a",
            "b",
            "hints_a",
            "hints_b",
            "settings",
            "reporter",
            "size",
            "start_a",
            "stop_a",
            "start_b",
            "stop_b",
            "colour_a",
            "colour_b",
        },
        "render": {"a", "b", "hints_driver", "start", "stop", "reporter"},
        "evaluate": {"a", "b", "reporter"},
        "segment": {"video", "hints", "start", "stop", "reporter"},
    }
    for name, others in apart.items():
        options = {word for option in commands[name].params for word in option.opts if not option.hidden}
        arguments = set(inspect.signature(getattr(retarget_cli, name)).parameters)
        assert {f"--{argument.replace('_', '-')}" for argument in arguments - others} <= options, name
        assert others <= arguments
