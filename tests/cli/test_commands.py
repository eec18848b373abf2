"""What the commands hand to the pipeline and make of its answers. The pipeline itself is a stand-in here."""

from __future__ import annotations

import dataclasses
import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from retarget_cli import events
from retarget_cli.cli.app import run
from retarget_cli.config import BACKENDS, FLIPS, PRECISIONS, PRESETS
from retarget_cli.errors import Interrupted, WorkspaceError
from retarget_cli.findings import Finding
from retarget_cli.methods import METHODS
from retarget_cli.pipeline.options import AFFINE_VARIANTS, AFFINES, BACKGROUNDS, LOOKS, RenderOptions
from retarget_cli.pipeline.render import Rendered, RenderResult
from retarget_cli.pipeline.segment import PreviewResult, SegmentResult
from retarget_cli.pipeline.train import TrainResult

RETARGETED = Path("retargeted")


class Recorder:
    """Stands in for a pipeline function: keeps its arguments, gives `answer` back."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.arguments: tuple[Any, ...] = ()
        self.named: dict[str, Any] = {}

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.arguments, self.named = arguments, named
        arguments[-2](events.StageStarted("geometry", "Training geometry"))
        arguments[-2](events.Artifact("overlay", RETARGETED / "cat--fox" / "cat_overlay.mp4"))
        arguments[-2](events.Finished(1.0, 1, 0))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def replace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.chdir(tmp_path)

    def put(name: str, answer: Any) -> Recorder:
        recorder = Recorder(answer)
        module = {"preview": "segment"}.get(name, name)
        monkeypatch.setattr(f"retarget_cli.pipeline.{module}.{name}", recorder)
        return recorder

    return put


TRAINED = TrainResult(
    "20260101T000000Z-abc", "cat--fox", RETARGETED / "cat--fox", {}, {"geometry": {"iou_a": 0.931, "iou_b": 0.92}},
    (Finding("picture", "weak", "It is blurred.", "train longer."),),
)  # fmt: skip


def test_train_says_what_to_do_next(replace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    replace("train", TRAINED)
    assert run(["train", "cat.mp4", "fox.mp4", "--preset", "draft", "--workspace", "my space"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("trained cat and fox\n  held-out frames geometry  iou 0.931/0.92\n")
    assert str(RETARGETED / "cat--fox" / "cat_overlay.mp4") in out
    assert (
        "verdict on cat (A) and fox (B): 1 weak\n  weak  picture: It is blurred.\n        try: train longer.\n" in out
    )
    assert f"how it went     {RETARGETED / 'cat--fox' / 'training'}" in out
    assert f"all on one page {RETARGETED / 'cat--fox' / 'report.html'}" in out
    assert "retarget render cat.mp4 fox.mp4 --look b --workspace 'my space'  # fox moving like cat" in out
    assert "Training geometry ..." in err


def test_what_is_next_names_the_pair(replace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    replace("train", TRAINED)
    replace("render", RenderResult(run_id="20260101T000000Z-abc"))
    pair = ["./-a cat.mp4", "fox.mp4"]
    assert run(["train", "--", "-a cat.mp4", "fox.mp4"]) == 0
    said = capsys.readouterr().out
    assert all(shlex.join(["retarget", name, *pair]) in said for name in ("render", "evaluate"))
    assert run(["render", "--", "-a cat.mp4", "fox.mp4"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"next: {shlex.join(['retarget', 'evaluate', *pair])}"
    assert run(["render"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "next: retarget evaluate --run 20260101T000000Z-abc"


def test_train_hands_everything_on(replace: Any) -> None:
    train = replace("train", TRAINED)
    arguments = "train cat.mp4 fox.mp4 --preset draft --mask-a m --box-b 7:1,2,3,4 --backend given"
    changes = ["--set", "crop.size=96", "--set", "geometry.steps=5", "--seed", "3", "--device", "cpu", "--quiet"]
    assert run([*arguments.split(), *changes]) == 0
    a, b, config = train.arguments[:3]
    assert (a.path, a.matte, a.hints) == (Path("cat.mp4"), Path("m"), ())
    assert (b.matte, b.hints[0].frame, b.hints[0].box) == (None, 7, (1, 2, 3, 4))
    assert (config.preset, config.seed, config.device, config.crop.size) == ("draft", 3, "cpu", 96)
    assert config.matte.backend == "given"
    assert config.method_config.geometry.steps == 5


@pytest.mark.parametrize(("said", "mirror"), [("auto", "auto"), ("yes", "b"), ("no", "none")])
@pytest.mark.parametrize("preset", ["draft", "paper"])
def test_facing_is_told_to_the_training(replace: Any, preset: str, said: str, mirror: str) -> None:
    train = replace("train", TRAINED)
    assert run(["train", "cat.mp4", "fox.mp4", "--preset", preset, "--flip", said, "--quiet"]) == 0
    assert train.arguments[2].method_config.geometry.mirror == mirror


def test_the_driver_may_be_another_file(replace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    render = replace("render", RenderResult())
    line = ["render", "--driver", "wolf.mp4", "--box-driver", "3:1,2,30,40", "--flip", "yes", "--follow", "p1, p2"]
    assert run(line) == 0
    options = render.arguments[0]
    assert options.driver.path == Path("wolf.mp4")
    assert options.driver.hints[0].frame == 3
    assert (options.flip, options.follow) == ("yes", ("p1", "p2"))
    assert run(["render", "--mask-driver", "wolf.mkv"]) == 2
    assert "--driver" in capsys.readouterr().err


def test_the_first_video_is_named(replace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    video = RETARGETED / "cat--fox" / "cat-as-fox.mp4"
    train = replace("train", dataclasses.replace(TRAINED, drawn={"a": video}))
    assert run(["train", "cat.mp4", "fox.mp4"]) == 0
    assert train.named["draws"] == "a"
    assert f"cat like fox    {video}" in capsys.readouterr().out
    assert run(["train", "cat.mp4", "fox.mp4", "--no-render", "--json"]) == 0
    assert train.named["draws"] == "none"
    assert json.loads(capsys.readouterr().out)["video"] == str(video)


def test_both_videos_are_named_and_no_longer_offered(replace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    videos = tuple(RETARGETED / "cat--fox" / f"{name}.mp4" for name in ("cat-as-fox", "fox-as-cat"))
    train = replace("train", dataclasses.replace(TRAINED, drawn=dict(zip("ab", videos, strict=True))))
    assert run(["train", "cat.mp4", "fox.mp4", "--render", "both"]) == 0
    assert train.named["draws"] == "both"
    told = capsys.readouterr().out
    assert f"cat like fox    {videos[0]}" in told
    assert f"fox like cat    {videos[1]}" in told
    assert "retarget render" not in told
    assert run(["train", "cat.mp4", "fox.mp4", "--render", "all"]) == 2
    assert "none" in capsys.readouterr().err


def test_quiet_is_quiet(replace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    replace("train", TRAINED)
    replace("segment", segmented())
    replace("render", RenderResult((Rendered("a", Path("v.mp4"), {"affine": "auto"}),)))
    for words in (["train", "a.mp4", "b.mp4"], ["segment", "a.mp4"], ["render"]):
        assert run([*words, "-q"]) == 0
        assert capsys.readouterr() == ("", "")


def test_json_is_one_document(replace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    replace("train", TRAINED)
    assert run(["train", "cat.mp4", "fox.mp4", "--json"]) == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert answer["folder"] == str(RETARGETED / "cat--fox")
    assert answer["held_out"]["geometry"]["iou_a"] == 0.931
    assert answer["verdict"] == [
        {"name": "picture", "severity": "weak", "says": "It is blurred.", "advice": "train longer."}
    ]
    assert "Training geometry" in err


def test_errors_in_json(replace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    replace("train", WorkspaceError("it is full", where="space", fix="Empty it."))
    assert run(["train", "cat.mp4", "fox.mp4", "--json", "--quiet"]) == 5
    out, err = capsys.readouterr()
    assert json.loads(out) == {"error": {"what": "it is full", "where": "space", "fix": "Empty it.", "exit_code": 5}}
    assert err == "error: it is full (space)\n  fix: Empty it.\n"


def test_an_error_without_a_place_gets_the_stage(replace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    replace("train", WorkspaceError("It is full.", fix="Empty it."))
    assert run(["train", "cat.mp4", "fox.mp4", "--quiet"]) == 5
    assert capsys.readouterr().err == "error: It is full (Training geometry)\n  fix: Empty it.\n"


def test_a_termination_signal(replace: Any) -> None:
    replace("train", Interrupted("stopped", fix="Run it again.", signal=15))
    assert run(["train", "cat.mp4", "fox.mp4"]) == 143


@pytest.mark.parametrize(
    ("changes", "code", "hint"),
    [
        (["--preset", "drat"], 2, "draft"),
        (["--set", "geometry.step=5"], 2, "geometry.steps"),
        (["--set", "crop.size=5"], 2, "multiple"),
        (["--set", "crop"], 2, "key=value"),
        (["--backend", "magic"], 2, "given"),
        (["--config", "absent.toml"], 3, "path"),
        (["--method", "none"], 2, "jokr"),
        (["--flip", "maybe"], 2, "auto, yes, no"),
    ],
)
def test_settings_that_make_no_sense(
    changes: list[str], code: int, hint: str, replace: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    replace("train", TRAINED)
    assert run(["train", "cat.mp4", "fox.mp4", *changes]) == code
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert hint in err.splitlines()[1]


WRONG_WORDS = [
    (["train", "a", "b", "--preset", "drat"], "Did you mean draft?", PRESETS),
    (["train", "a", "b", "--method", "jokr-papr"], "jokr-paper", METHODS),
    (["train", "a", "b", "--backend", "embeded"], "Did you mean embedded?", BACKENDS),
    (["train", "a", "b", "--precision", "bf61"], "bf16", PRECISIONS),
    (["train", "a", "b", "--flip", "non"], "Did you mean no?", FLIPS),
    (["train", "a", "b", "--set", "detail.stpes=3"], "Did you mean detail.steps?", ["steps", "batch", "patch"]),
    (["train", "a", "b", "--set", "stepz=3"], "Settings: seed", ["crop.*", "geometry.*", "texture.*", "detail.*"]),
    (["train", "a", "b", "--set", "steps=3"], "geometry.steps, texture.steps or detail.steps?", ["seed", "matte.*"]),
    (["train", "a", "b", "--set", "method.detail.stpes=3"], "Did you mean detail.steps?", ["steps", "batch"]),
    (["render", "--affine", "relativ"], "Did you mean relative", [*AFFINES, *AFFINE_VARIANTS]),
    (["render", "--background", "blak"], "Did you mean black?", BACKGROUNDS),
    (["render", "--look", "bot"], "Did you mean both", LOOKS),
    (["keypoints", "export", "--look", "both"], "Choose one of: a, b.", []),
    (["import", "c", "a", "b", "--as", "jokr"], "Did you mean jokr-paper?", []),
    (["demo", "--kind", "plant"], "Did you mean plants?", ["quadrupeds", "bipeds"]),
]


@pytest.mark.parametrize(
    ("words", "near", "known"), WRONG_WORDS, ids=[" ".join(words[-2:]) for words, *_ in WRONG_WORDS]
)
def test_a_wrong_word_is_answered_with_all_and_the_nearest(
    words: list[str], near: str, known: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2
    what, fix = capsys.readouterr().err.splitlines()
    assert words[-1].partition("=")[0].removeprefix("method.") in what
    assert near in fix
    assert all(word in fix for word in known)


@pytest.mark.parametrize(
    ("change", "fix"),
    [
        ("geometry.steps=abc", "Give a whole number."),
        ("geometry.inside=x", "Give a number."),
        ("geometry.widths=a,b", "Give numbers like 32,64."),
        ("seed=1.5", "Give a whole number."),
    ],
)
def test_a_wrong_value_names_the_whole_key(change: str, fix: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "a", "b", "--preset", "draft", "--set", change]) == 2
    key, _, value = change.partition("=")
    assert capsys.readouterr().err == f"error: '{value}' is not a value for {key} ({key})\n  fix: {fix}\n"


def test_a_wrong_key_points_to_the_command_that_explains(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "a", "b", "--set", "texture.stepz=3"]) == 2
    fix = capsys.readouterr().err.splitlines()[1]
    assert "`retarget settings texture`" in fix
    assert "geometry" not in fix


def test_verbose_tells_what_differs_from_the_preset(replace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    train = replace("train", TRAINED)
    words = ["train", "cat.mp4", "fox.mp4", "--preset", "draft", "--seed", "3", "--set", "detail.steps=7"]
    assert run([*words, "-v"]) == 0
    assert "note: settings that differ from preset draft: seed=3 detail.steps=7\n" in capsys.readouterr().err
    assert run(["train", "cat.mp4", "fox.mp4", "--preset", "draft", "--verbose"]) == 0
    assert "differ from preset draft: none\n" in capsys.readouterr().err
    assert run(words) == 0
    assert "differ" not in capsys.readouterr().err
    assert run([*words, "-v", "-q"]) == 0
    assert capsys.readouterr().err == ""
    assert train.arguments[2].seed == 3


def test_render(replace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    video = RETARGETED / "cat--fox" / "cat-as-fox.mp4"
    report = {"affine": "moments", "reason": "highest motion"}
    render = replace("render", RenderResult((Rendered("a", video, report),)))
    assert run(["render", "--affine", "1,0,0,0,1,0", "--background", "#FFFFFF", "--out", "x.mp4", "--compare"]) == 0
    assert render.arguments[0] == RenderOptions(
        None, "a", (1, 0, 0, 0, 1, 0), "#ffffff", Path("x.mp4"), True, smooth="0"
    )
    out = capsys.readouterr().out
    assert out.splitlines()[0] == str(video)
    assert "affine: moments (highest motion)" in out
    assert run(["render", "a.mp4", "b.mp4", "--look", "both", "--json"]) == 0
    assert render.arguments[0].pair == (Path("a.mp4"), Path("b.mp4"))
    assert json.loads(capsys.readouterr().out)["reports"] == [{"look": "a", "video": str(video), **report}]


def test_render_prints_what_auto_decided_from(replace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    candidates = {
        "moments": {"motion": 0.9, "outside": 0.25, "shape": 0.6, "strange": 0.5, "total": 2.25},
        "proportions": {"motion": 0.71, "outside": 0.0, "shape": 0.8, "strange": 0.0125, "total": 3.1},
        "none": {"motion": 0.8, "outside": 0.0, "shape": 0.7, "strange": 0.1, "total": 2.75},
    }
    report = {"affine": "proportions", "reason": "best", "candidates": candidates}
    looks = (
        Rendered("a", Path("x.mp4"), report),
        Rendered("b", Path("y.mp4"), {**report, "lost": 0.0}),
    )
    replace("render", RenderResult(looks))
    assert run(["render"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:7] == [
        "  affine of x: proportions (best)",
        "candidate    motion  shape  implausible  out of crop  total  taken",
        "proportions  0.710   0.800  0.013        0.000        3.100  *",
        "none         0.800   0.700  0.100        0.000        2.750",
        "moments      0.900   0.600  0.500        0.250        2.250",
    ]
    assert lines[7] == "  affine of y: proportions, on the driver's trajectory (best)"


def test_help_names_every_affine(capsys: pytest.CaptureFixture[str]) -> None:
    run(["render", "--help"])
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert ", ".join(AFFINES) in shown


def test_render_hands_times_on_as_they_are_written(replace: Any) -> None:
    render = replace("render", RenderResult())
    arguments = "render --from 0:01.5 --to 90f --fps 60 --slow 2.5 --loop 3 --smooth auto"
    assert run(arguments.split()) == 0
    assert render.arguments[0] == RenderOptions(start="0:01.5", stop="90f", fps="60", slow="2.5", loop=3, smooth="auto")


def segmented(**report: Any) -> SegmentResult:
    facts = {"backend": "embedded", "confidence": 0.87654, "flicker": 0.0312, "hint_frame": None, **report}
    files = {name: Path(f"m_{name}") for name in ("matte", "alpha", "overlay", "sheet")}
    return SegmentResult(**files, report=facts)


def test_segment(replace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    segment = replace("segment", segmented())
    arguments = "segment a.mp4 --point 5:1,2 --point 5:not:3,4 --box 9:1,2,3,4 --out m.mkv"
    assert run(arguments.split()) == 0
    clip, config, out = segment.arguments[:3]
    assert [(hint.frame, hint.box, hint.points) for hint in clip.hints] == [
        (5, None, ((1, 2, True), (3, 4, False))),
        (9, (1, 2, 3, 4), ()),
    ]
    assert (config.backend, out) == ("auto", Path("m.mkv"))
    shown = capsys.readouterr().out
    assert "embedded, confidence 0.88, flicker 0.031" in shown
    assert all(f"m_{name}" in shown for name in ("matte", "alpha", "overlay", "sheet"))
    assert "WIDTH" not in shown


def test_a_doubtful_matte_comes_with_the_command_that_helps(replace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    replace("segment", segmented(confidence=0.3, hint_frame=37))
    assert run(["segment", "my cat.mp4", "--box", "0:1,2,3,4", "--point", "5:not:6,7", "--backend", "embedded"]) == 0
    assert (
        "  retarget segment 'my cat.mp4' --box 0:1,2,3,4 --point 5:not:6,7 "
        "--box 37:X,Y,WIDTH,HEIGHT --backend embedded\n"
    ) in capsys.readouterr().out
    replace("segment", segmented(confidence=0.3, hint_frame=37, proposed_box=(9, 8, 70, 60)))
    assert run(["segment", "cat.mp4"]) == 0
    assert "  retarget segment cat.mp4 --box 37:9,8,70,60\n" in capsys.readouterr().out
    replace("segment", segmented(confidence=0.3, hint_frame=37))
    assert run(["segment", "cat.mp4", "--box", "37:1,2,3,4", "--point", "37:6,7"]) == 0
    assert "  retarget segment cat.mp4 --point 37:6,7 --box 37:X,Y,WIDTH,HEIGHT\n" in capsys.readouterr().out
    assert run(["segment", "cat.mp4", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) == {"matte", "alpha", "overlay", "sheet", "report"}
    assert answer["report"]["hint_frame"] == 37


def test_a_quick_look_at_one_frame(replace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    whole = replace("segment", segmented())
    report = {"backend": "embedded", "frame": 37, "confidence": 0.8123, "looked_at": [25, 49]}
    report |= {"box": [1, 2, 3, 4], "whole": False}
    look = replace("preview", PreviewResult(Path("cat_frame37.png"), report))
    assert run(["segment", "cat.mp4", "--preview-frame", "37", "--box", "37:1,2,3,4"]) == 0
    assert look.arguments[2] == 37
    assert not whole.arguments
    shown = capsys.readouterr().out
    assert "cat_frame37.png" in shown
    assert "confidence 0.81" in shown
    assert "next: retarget segment cat.mp4 --box 37:1,2,3,4\n" in shown
    assert "only frames 25 to 49 were looked at" in shown
    assert "  retarget segment cat.mp4 --preview-frame 37 --box 37:1,2,3,4\n" in shown
    assert run(["segment", "cat.mp4", "--preview-frame", "37", "--box", "5,6,7,8"]) == 0
    assert look.arguments[0].hints[0].frame == 37  # a hint without a frame is about the one that is looked at
    capsys.readouterr()
    assert run(["segment", "cat.mp4", "--preview-frame", "37", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"picture": "cat_frame37.png", "report": report}


def test_evaluate(replace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    looks = {"shape": 0.8, "motion": 0.71, "affine": {"linear": [[1, 0], [0, 1]]}}
    scores = {"pair": "cat--fox", "a": looks, "b": {**looks, "motion": None}, "held_out": {"geometry": {"iou_a": 0.93}}}
    evaluate = replace("evaluate", scores)
    assert run(["evaluate", "--run", "2026"]) == 0
    assert evaluate.named["run_id"] == "2026"
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "pair cat--fox"
    assert lines[2].split()[:3] == ["motion", "0.710", "-"]
    assert lines[3].split()[:3] == ["shape", "0.800", "0.800"]
    assert lines[4].startswith("held out: geometry.iou")
    assert run(["evaluate", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == scores
