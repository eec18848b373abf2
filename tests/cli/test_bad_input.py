"""What people hand in by mistake: one clear message each, the right exit code, never a traceback."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from make_clips import make_clip, make_sound

from retarget_cli.cli.app import run

Make = Callable[[Path], list[str]]


def disc(index: int, size: tuple[int, int]) -> np.ndarray:
    """A bright disc that crosses a dark, grainy picture."""
    width, height = size
    image = np.random.default_rng(0).integers(30, 60, (height, width, 3)).astype(np.uint8)
    rows, columns = np.mgrid[:height, :width]
    image[(columns - 30 - 3 * index) ** 2 + (rows - 32) ** 2 < 300] = (230, 120, 40)
    return image


def nothing(_index: int, size: tuple[int, int]) -> np.ndarray:
    return np.full((size[1], size[0], 3), 90, np.uint8)


def missing(folder: Path) -> list[str]:
    return ["absent.mp4", "good.mp4"]


def a_folder(folder: Path) -> list[str]:
    (folder / "dir.mp4").mkdir()
    return ["dir.mp4", "good.mp4"]


def text_named_mp4(folder: Path) -> list[str]:
    (folder / "text.mp4").write_text("this is no video\n" * 100)
    return ["text.mp4", "good.mp4"]


def empty(folder: Path) -> list[str]:
    (folder / "empty.mp4").write_bytes(b"")
    return ["empty.mp4", "good.mp4"]


def truncated(folder: Path) -> list[str]:
    whole = make_clip(folder / "whole.mp4", draw=disc).read_bytes()
    (folder / "half.mp4").write_bytes(whole[: len(whole) // 2])
    return ["half.mp4", "good.mp4"]


def only_sound(folder: Path) -> list[str]:
    make_sound(folder / "sound.mp4")
    return ["sound.mp4", "good.mp4"]


def one_frame(folder: Path) -> list[str]:
    make_clip(folder / "one.mp4", frames=1, draw=disc)
    return ["one.mp4", "good.mp4"]


def blank(folder: Path) -> list[str]:
    make_clip(folder / "blank.mp4", draw=nothing)
    return ["blank.mp4", "good.mp4", "--backend", "embedded"]


def same_twice(folder: Path) -> list[str]:
    return ["good.mp4", "good.mp4"]


def same_content(folder: Path) -> list[str]:
    (folder / "copy.mp4").write_bytes((folder / "good.mp4").read_bytes())
    return ["good.mp4", "copy.mp4"]


def missing_matte(folder: Path) -> list[str]:
    return ["good.mp4", "other.mp4", "--mask-a", "absent.mkv"]


def short_matte(folder: Path) -> list[str]:
    make_clip(folder / "short.mkv", frames=5, draw=disc)
    return ["good.mp4", "other.mp4", "--mask-a", "short.mkv"]


def given_without_matte(folder: Path) -> list[str]:
    return ["good.mp4", "other.mp4", "--backend", "given"]


def box_outside(folder: Path) -> list[str]:
    return ["good.mp4", "other.mp4", "--backend", "embedded", "--box-a", "500,500,20,20"]


def wrong_weights(folder: Path) -> list[str]:
    (folder / "weights.pth").write_text("no network")
    return ["good.mp4", "other.mp4", "--backend", "sam", "--weights", "weights.pth"]


def missing_weights(folder: Path) -> list[str]:
    return ["good.mp4", "other.mp4", "--backend", "sam", "--weights", "absent.pth"]


def no_gpu(folder: Path) -> list[str]:
    return ["good.mp4", "other.mp4", "--device", "cuda:99"]


def unknown_preset(folder: Path) -> list[str]:
    return ["good.mp4", "other.mp4", "--preset", "drafty"]


def unknown_setting(folder: Path) -> list[str]:
    return ["good.mp4", "other.mp4", "--set", "geometry.stepz=3"]


def workspace_is_a_file(folder: Path) -> list[str]:
    (folder / "file").write_text("")
    return ["good.mp4", "other.mp4", "--workspace", "file"]


def workspace_below_a_file(folder: Path) -> list[str]:
    (folder / "file").write_text("")
    return ["good.mp4", "other.mp4", "--workspace", "file/space"]


def workspace_of_somebody_else(folder: Path) -> list[str]:
    return ["good.mp4", "other.mp4", "--workspace", "."]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_clip(tmp_path / "good.mp4", frames=12, draw=disc)
    make_clip(tmp_path / "other.mp4", frames=14, draw=disc)
    return tmp_path


MATRIX = [
    (missing, 3, "absent.mp4"),
    (a_folder, 3, "dir.mp4"),
    (text_named_mp4, 3, "text.mp4"),
    (empty, 3, "empty.mp4"),
    (truncated, 3, "half.mp4"),
    (only_sound, 3, "sound.mp4"),
    (one_frame, 3, "one.mp4"),
    (blank, 3, "object"),
    (same_twice, 2, "same"),
    (same_content, 2, "same"),
    (missing_matte, 3, "absent.mkv"),
    (short_matte, 3, "good.mp4"),
    (given_without_matte, 2, "good.mp4"),
    (box_outside, 3, "500,500,20,20"),
    (wrong_weights, 4, "weights.pth"),
    (missing_weights, 4, "absent.pth"),
    (no_gpu, 4, "cuda:99"),
    (unknown_preset, 2, "draft"),
    (unknown_setting, 2, "geometry.steps"),
    (workspace_is_a_file, 5, "file"),
    (workspace_below_a_file, 5, "file"),
    (workspace_of_somebody_else, 5, "workspace"),
]


@pytest.mark.parametrize(("make", "code", "word"), MATRIX, ids=[make.__name__ for make, _, _ in MATRIX])
def test_bad_input(make: Make, code: int, word: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = make(folder)
    left = {path.name for path in folder.iterdir()}
    assert run(["train", "--preset", "draft", *arguments]) == code
    out, err = capsys.readouterr()
    message = err[err.index("error: ") :]
    assert out == ""
    assert message.count("error: ") == message.count("\n  fix: ") == 1
    assert len(message.strip().splitlines()) == 2
    assert word in message
    assert "Traceback" not in err
    assert {path.name for path in folder.iterdir()} - left <= {".retarget"}


def test_the_same_through_the_installed_command(folder: Path) -> None:
    command = [sys.executable, "-m", "retarget_cli", *["train", "absent.mp4", "good.mp4"]]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["render"], 2),
        (["evaluate"], 2),
        (["render", "good.mp4", "other.mp4"], 2),
        (["render", "absent.mp4", "other.mp4"], 3),
        (["probe", "absent.mp4"], 3),
        (["segment", "absent.mp4"], 3),
        (["segment", "good.mp4", "--mask", "other.mp4", "--backend", "embedded"], 2),
    ],
)
def test_other_commands(arguments: list[str], code: int, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == code
    assert capsys.readouterr().err.count("error: ") == 1
