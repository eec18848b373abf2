"""What `retarget keypoints` hands to the library and makes of its answers. The library is a stand-in here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from motions import make_motion

from retarget_cli.cli.app import run
from retarget_cli.cli.commands.keypoints import FORMATS
from retarget_cli.motion.exchange.kinds import EXPORT_KINDS
from retarget_cli.pipeline import keypoints
from retarget_cli.pipeline.render import Rendered, RenderResult

EXPORTED = keypoints.ExportResult(Path("cat-as-fox.csv"), Path("cat-as-fox-points.png"), make_motion(), True)
DRAWN = RenderResult((Rendered("a", Path("cat-as-motion.mp4"), {"affine": "given"}),), Path("edited.csv"))


class Recorder:
    """Stands in for a library function: keeps its arguments, gives `answer` back."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.arguments: tuple[Any, ...] = ()

    def __call__(self, *arguments: Any) -> Any:
        self.arguments = arguments
        return self.answer


@pytest.fixture
def exporting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Recorder:
    monkeypatch.chdir(tmp_path)
    recorder = Recorder(EXPORTED)
    monkeypatch.setattr(keypoints, "export_motion", recorder)
    return recorder


@pytest.fixture
def applying(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Recorder:
    monkeypatch.chdir(tmp_path)
    recorder = Recorder(DRAWN)
    monkeypatch.setattr(keypoints, "apply_motion", recorder)
    return recorder


def test_export_says_what_it_wrote_and_what_is_next(exporting: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "--look",
        "b",
        "--raw",
        "--out",
        "m.json",
        "--smooth",
        "auto",
        "--driver",
        "c.mp4",
        "--mask-driver",
        "m.mkv",
    ]
    assert run(["keypoints", "export", "cat.mp4", "fox.mp4", *words, "--follow", "p3, p4"]) == 0
    options, _, _, _, raw, out, kind = exporting.arguments
    assert (options.pair, options.look, options.smooth) == ((Path("cat.mp4"), Path("fox.mp4")), "b", "auto")
    assert (options.driver.path, options.driver.matte, options.follow) == (Path("c.mp4"), Path("m.mkv"), ("p3", "p4"))
    assert (raw, out, kind) == (True, Path("m.json"), None)
    written = capsys.readouterr().out.splitlines()
    assert written[0] == "cat-as-fox.csv  8 frames of 3 points"
    assert written[-1] == "next: retarget keypoints apply cat-as-fox.csv"


def test_export_lists_the_names_that_keypoints_have(exporting: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    exporting.answer = replace(EXPORTED, exported=make_motion(named=("nose", "tail_mid", "tail_end")))
    assert run(["keypoints", "export"]) == 0
    written = capsys.readouterr().out.splitlines()
    assert written[:2] == ["cat-as-fox.csv  8 frames of 3 points", "  nose, tail_mid, tail_end"]
    assert run(["keypoints", "export", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["points"] == ["nose", "tail_mid", "tail_end"]


def test_a_file_for_another_program_is_not_offered_for_editing(
    exporting: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    exporting.answer = replace(EXPORTED, motion=Path("cat-as-fox.nk"), again=False)
    assert run(["keypoints", "export", "--format", "nuke"]) == 0
    assert exporting.arguments[-1] == "nuke"
    assert capsys.readouterr().out.splitlines()[-1] == "cat-as-fox-points.png  their names"


def test_every_format_of_the_command_is_one_of_the_library() -> None:
    assert set(FORMATS) == set(EXPORT_KINDS)


def test_an_unknown_format_is_refused(exporting: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keypoints", "export", "--format", "nuk"]) == 2
    assert "nuke" in capsys.readouterr().err


def test_export_as_json_is_one_document(exporting: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keypoints", "export", "--json"]) == 0
    assert exporting.arguments[0].pair is None
    document = json.loads(capsys.readouterr().out)
    assert document == {
        "motion": "cat-as-fox.csv",
        "preview": "cat-as-fox-points.png",
        "frames": 8,
        "points": ["p0", "p1", "p2"],
        "space": "subject",
        "look": "b",
    }


def test_edits_are_handed_over_in_the_order_in_which_they_are_written(
    applying: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--move", "p3=0.1,0", "--freeze=p5", "--backwards", "--move", "p4=0,-0.1", "--blend", "o.csv:0.3"]
    assert run(["keypoints", "apply", "m.csv", *words, "--exaggerate", "1.5", "--between", "1f,9f"]) == 0
    file, changes, *_ = applying.arguments
    assert file == Path("m.csv")
    assert changes == [
        ("--move", "p3=0.1,0"),
        ("--freeze", "p5"),
        ("--backwards", ""),
        ("--move", "p4=0,-0.1"),
        ("--blend", "o.csv:0.3"),
        ("--exaggerate", "1.5"),
        ("--between", "1f,9f"),
    ]
    assert capsys.readouterr().out.splitlines()[:3] == ["cat-as-motion.mp4", "edited.csv", "  affine: given"]


def test_the_rest_goes_to_the_render(applying: Recorder) -> None:
    words = [
        "--from",
        "10f",
        "--to",
        "1.5",
        "--background",
        "#FFffff",
        "--slow",
        "2",
        "--save",
        "n.csv",
        "--out",
        "x.mp4",
        "--size=108x192",
        "--format=hevc",
    ]
    assert run(["keypoints", "apply", "m.csv", "cat.mp4", "fox.mp4", *words, "--affine", "relative", "--json"]) == 0
    _, changes, options, _, _, _, part, save = applying.arguments
    assert changes == []
    assert part == ("10f", "1.5")
    assert save == Path("n.csv")
    assert (options.background, options.slow, options.out) == ("#ffffff", "2", Path("x.mp4"))
    assert (options.affine, options.start, options.stop) == ("relative", None, None)
    assert (options.size, options.crop, options.format, options.layers) == ("108x192", None, "hevc", None)


@pytest.mark.parametrize(
    "words",
    [
        ["export", "--look", "both"],
        ["apply"],
        ["apply", "m.csv", "--look", "c"],
        ["apply", "m.csv", "--moove", "p3=1,1"],
        ["apply", "m.csv", "--move"],
        ["apply", "m.csv", "--background", "#12"],
    ],
)
def test_what_makes_no_sense_is_refused(applying: Recorder, exporting: Recorder, words: list[str]) -> None:
    assert run(["keypoints", *words]) == 2
    assert applying.arguments == exporting.arguments == ()


def test_the_words_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keypoints", "--help"]) == 0
    assert "export" in capsys.readouterr().out
    assert run(["keypoints", "apply", "--help"]) == 0
    told = capsys.readouterr().out
    assert all(word in told for word in ("POINTS", "tail_end", "tail=0,-0.1", "p3"))
