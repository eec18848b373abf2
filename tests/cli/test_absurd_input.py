"""Texts, numbers and names that make Python itself give up: an error of the user's, never a crash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from make_clips import make_clip
from toy import draw_clip

from retarget_cli.cli.app import run

Make = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_clip(tmp_path / "a.mp4", frames=3)
    make_clip(tmp_path / "b.mp4", frames=4)
    return tmp_path


def config(content: bytes) -> list[str]:
    Path("config.toml").write_bytes(content)
    return ["train", "a.mp4", "b.mp4", "--config", "config.toml"]


def pairs(content: bytes) -> list[str]:
    Path("pairs.txt").write_bytes(content)
    return ["train", "--pairs", "pairs.txt"]


def circle() -> list[str]:
    Path("circle.mp4").symlink_to("circle.mp4")
    return ["train", "circle.mp4", "b.mp4"]


NESTED = b"[" * 100_000
CASES: dict[str, tuple[Make, int]] = {
    "nested TOML": (lambda: config(b"a = " + NESTED), 3),
    "nested tables in TOML": (lambda: config(b"a = " + b"{b = " * 50_000), 3),
    "a long dotted key in TOML": (lambda: config(b"a" + b".a" * 5_000 + b" = 1"), 3),
    "huge TOML": (lambda: config(b"# " + b"x" * 2_000_000), 3),
    "a number of thousands of digits in TOML": (lambda: config(b"seed = " + b"9" * 5_000), 3),
    "a date in TOML": (lambda: config(b"seed = 1979-05-27T07:32:00Z"), 2),
    "infinity in TOML": (lambda: config(b"[crop]\nsize = inf"), 2),
    "a zero byte in TOML": (lambda: config(b'[matte]\nweights = "a\\u0000b"'), 4),
    "an array of tables in TOML": (lambda: config(b"[[crop]]\nsize = 64"), 2),
    "a seed of 2^64": (lambda: ["train", "a.mp4", "b.mp4", "--seed", str(2**64)], 2),
    "a negative seed": (lambda: ["train", "a.mp4", "b.mp4", "--set", "seed=-1"], 2),
    "a size of thousands of digits": (lambda: ["train", "a.mp4", "b.mp4", "--set", "crop.size=" + "9" * 5_000], 2),
    "steps of 2^70": (lambda: ["train", "a.mp4", "b.mp4", "--set", f"geometry.steps={2**70}"], 2),
    "a number that is none": (lambda: ["train", "a.mp4", "b.mp4", "--set", "geometry.rate=nan"], 2),
    "a frame of thousands of digits": (lambda: ["segment", "a.mp4", "--box", "9" * 5_000 + ":1,1,9,9"], 2),
    "a box at infinity": (lambda: ["segment", "a.mp4", "--box", "1e400,1,9,9"], 2),
    "a limit of memory at infinity": (lambda: ["train", "a.mp4", "b.mp4", "--max-memory", "9" * 400 + "T"], 2),
    "a long name": (lambda: ["probe", "x" * 300 + ".mp4"], 3),
    "a long path": (lambda: ["train", "x/" * 3_000 + "a.mp4", "b.mp4"], 3),
    "a long name of weights": (lambda: ["segment", "a.mp4", "--weights", "x" * 300, "--backend", "sam"], 3),
    "a long name of a workspace": (lambda: ["runs", "--workspace", "x" * 300], 3),
    "a long name of a result": (lambda: ["segment", "a.mp4", "--backend", "embedded", "--out", "x" * 300 + ".mkv"], 4),
    "links in a circle": (circle, 3),
    "a huge list of pairs": (lambda: pairs(b"#" * 2_000_000), 3),
    "a long name in a list of pairs": (lambda: pairs(b"a.mp4 " + b"x" * 5_000 + b".mp4"), 3),
    "a zero byte in a list of pairs": (lambda: pairs(b"a.mp4 b\0.mp4"), 3),
}


@pytest.mark.parametrize("name", CASES)
def test_absurd_input(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    make, code = CASES[name]
    arguments = make()
    answer = run(arguments)
    out, err = capsys.readouterr()
    assert answer == code, err
    assert err.count("error: ") == err.count("\n  fix: ") == 1
    assert "Traceback" not in out + err
    assert len(err) < 3_000


def test_clips_with_the_longest_names_are_trained_and_drawn() -> None:
    names = []
    for letter, kind, frames in (("狐", "disc", 5), ("b", "bar", 4)):
        clip, matte = draw_clip(Path(), letter, kind, frames)
        names += [clip.rename(letter * (250 // len(letter.encode())) + ".mp4"), matte]
    a, matte_a, b, matte_b = map(str, names)
    words = ["--method", "fake", "--preset", "draft", "--device", "cpu", "--set", "crop.size=64"]
    assert run(["train", a, b, "--mask-a", matte_a, "--mask-b", matte_b, *words]) == 0
    assert run(["render", "--look", "both", "--compare"]) == 0
    assert len(list(Path("retargeted").rglob("*.mp4"))) > 2


@pytest.mark.parametrize(
    "change",
    [
        "geometry.steps=-1", "geometry.batch=0", "geometry.batch=100000", "geometry.size=0", "geometry.size=7",
        "geometry.size=100000", "geometry.keypoints=0", "geometry.keypoints=-1", "geometry.widths=8,0,16",
        "geometry.widths=100000", "geometry.point_widths=0,0", "geometry.learning_rate=-1", "geometry.affine_rate=-1",
        "texture.batch=0", "texture.size=-1", "texture.widths=-1", "texture.critic_rate=-1", "detail.steps=-1",
        "detail.batch=0", "detail.width=0", "crop.size=100000", "geometry.temporal=1e300",
    ],
)  # fmt: skip
def test_settings_that_no_training_has(change: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "a.mp4", "b.mp4", "--set", "detail.steps=1", "--set", change]) == 2
    err = capsys.readouterr().err
    assert change.partition("=")[0] in err
    assert "Give a" in err or "Give numbers" in err or "Use a multiple" in err
