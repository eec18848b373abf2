from __future__ import annotations

from pathlib import Path

import pytest

from retarget_cli.config import MatteConfig
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.footage.told import for_each
from retarget_cli.pipeline.hints import parse_hints
from retarget_cli.pipeline.looking.commands import (
    apply_words,
    export_words,
    hint_words,
    render_words,
    segment_words,
    train_words,
)
from retarget_cli.pipeline.looking.pictures import OnPage, read_hints
from retarget_cli.segmentation.base import Hint

WORKSPACE = Path(".retarget")
HINTS = [
    {"frame": 90, "box": None, "points": [[210.5, 150, True], [20, 30, False]]},
    {"frame": 37, "box": [70, 80, 300, 200], "points": []},
]


def test_hints_are_said_as_the_command_line_takes_them() -> None:
    words = [str(word) for word in hint_words(HINTS)]
    assert words == ["--box", "37:70,80,300,200", "--point", "90:210.5,150", "--point", "90:not:20,30"]
    boxes = [value for name, value in zip(words[::2], words[1::2], strict=True) if name == "--box"]
    points = [value for name, value in zip(words[::2], words[1::2], strict=True) if name == "--point"]
    assert parse_hints(0, boxes, points) == tuple(sorted(read_hints(HINTS), key=lambda hint: hint.frame))


def test_the_painted_frames_and_another_workspace_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    words = segment_words("cat.mp4", [], Path("painted"), Path("elsewhere"))
    assert words == ["segment", "cat.mp4", "--mask-frames", "painted", "--workspace", "elsewhere"]


def test_a_training_names_what_is_not_usual_alone() -> None:
    assert train_words(["a.mp4", "b.mp4"], [None, None], {"preset": "", "flip": "auto"}, WORKSPACE) == [
        "train", "a.mp4", "b.mp4",
    ]  # fmt: skip
    options = {"preset": "draft", "render": "both", "init_from": "none", "settings": ["geometry.steps=3000"]}
    assert train_words(["a.mp4", "b.mp4"], [None, "m.mkv"], options, WORKSPACE) == [
        "train", "a.mp4", "b.mp4", "--mask-b", "m.mkv", "--preset", "draft", "--render", "both", "--init-from", "none",
        "--set=geometry.steps=3000",
    ]  # fmt: skip


def test_parts_and_how_the_object_is_found_are_said_once_for_both_clips() -> None:
    finder = MatteConfig("sam2", "sam2.pt")
    words = segment_words("cat.mp4", [{"frame": 12, "points": [[3, 4, True]]}], None, WORKSPACE, (12, 40), finder)
    assert words == [
        "segment", "cat.mp4", "--from=12f", "--to=41f", "--point", "12:3,4",
        "--backend", "sam2", "--weights", "sam2.pt",
    ]  # fmt: skip
    assert segment_words("cat.mp4", [], None, WORKSPACE, None, MatteConfig()) == ["segment", "cat.mp4"]
    words = train_words(["a.mp4", "b.mp4"], [None, "m.mkv"], {}, WORKSPACE, [None, (3, 9)], finder)
    assert words[3:] == ["--from=,3f", "--to=,10f", "--mask-b", "m.mkv", "--backend", "sam2", "--weights", "sam2.pt"]
    assert for_each(str(words[3]).partition("=")[2], "--from") == (None, "3f")
    assert "--backend" not in train_words(["a", "b"], ["m.mkv", "n.mkv"], {}, WORKSPACE, [None, None], finder)


def test_options_of_a_render_are_said_and_others_cannot_be_smuggled_in() -> None:
    options = {
        "look": "b",
        "affine": "relative",
        "slow": "2",
        "start": "-x",
        "loop": 1,
        "force": "yes",
        "background": "",
    }
    words = render_words(["a.mp4", "b.mp4"], options, WORKSPACE)
    assert words == ["render", "a.mp4", "b.mp4", "--look=b", "--affine=relative", "--from=-x", "--slow=2"]
    assert "--background=alpha" not in export_words(["a", "b"], {"background": "alpha"}, Path("m.csv"), WORKSPACE)
    assert apply_words("m.csv", {"affine": "none", "slow": "2"}, WORKSPACE) == [
        "keypoints",
        "apply",
        "m.csv",
        "--slow=2",
    ]


def test_hints_of_a_sequence_have_the_numbers_of_its_pictures(tmp_path: Path) -> None:
    for number in (1001, 1002, 1003):
        (tmp_path / f"shot.{number}.png").touch()
    words = segment_words(str(tmp_path), [{"frame": 2, "points": [[3, 4, True]]}], None, Path(".retarget"))
    assert words[words.index("--point") + 1] == "1003:3,4"
    words = segment_words(str(tmp_path), [], None, Path(".retarget"), (1, 2))
    assert words[2:] == ["--from=1002f", "--to=1004f"]
    given = OnPage(str(tmp_path), (1, 2)).given([{"frame": 2, "points": [[3, 4, True]]}])
    assert given == ClipInput(tmp_path, None, (Hint(1003, None, ((3.0, 4.0, True),)),), start="1002f", stop="1004f")
