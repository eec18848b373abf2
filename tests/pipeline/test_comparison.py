"""Several methods on one pair: one table, sheets and videos, each method's own results, and a section of the report."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import page
import pytest
import toy
from fake_method import FakeMethod
from worlds import UNEVEN, World, make_world

from retarget_cli import compare as compare_function
from retarget_cli.cli.app import run as command
from retarget_cli.errors import UsageError
from retarget_cli.events import StageStarted, silent
from retarget_cli.media.decode import read_frames, scan
from retarget_cli.media.images import read_picture
from retarget_cli.methods import METHODS
from retarget_cli.pipeline.comparison.compare import CompareResult
from retarget_cli.pipeline.comparison.compare import compare as compare_pair
from retarget_cli.pipeline.comparison.measuring import plan_method
from retarget_cli.pipeline.evaluate import evaluate
from retarget_cli.pipeline.runs import find_run
from retarget_cli.stages import crop
from retarget_cli.stages.comparison import reconstruction
from retarget_cli.stages.schedule import run
from retarget_cli.stages.score import Truth
from retarget_cli.stages.stage import Tools, never
from retarget_cli.stages.transfer import array

FOLDER = Path("retargeted/disc--bar")
COMPARED = FOLDER / "comparison"
CHANGES = ("crop.size=64", "pale:polish.steps=5")


class Pale(FakeMethod):
    """Like the other one, but it holds frames out, and draws half of what it should."""

    name, key = "pale", "pale"

    def held_out_frames(self, config: Any, count: int) -> tuple[int, ...]:
        return tuple(range(2, count, 5))

    def transfer(self, pair: Any, request: Any) -> Any:
        drawn = super().transfer(pair, request)
        frames = list(drawn.frames)
        for frame in frames:
            frame.rgba[: len(frame.rgba) // 2, :, 3] = 0
        return type(drawn)(drawn.report, iter(frames))


@pytest.fixture(scope="module", autouse=True)
def pale() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(METHODS, "pale", Pale)
        yield


def compare(world: World, methods: str = "fake,pale", **more: Any) -> CompareResult:
    world.events.clear()
    given = {"preset": "draft", "changes": CHANGES, "device": "cpu", **more}
    return compare_pair((world.a, world.b), methods, world.store, world.events.append, **given)


def truth(world: World) -> dict[str, Truth]:
    """With the driver's own matte as the true answer, what the first method draws is right."""
    assert world.a.matte is not None
    return {"b": Truth(world.a.matte)}


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, CompareResult]:
    folder = tmp_path_factory.mktemp("compared")
    world, before = make_world(folder), Path.cwd()
    os.chdir(folder)
    result = compare(world, truth=truth(world))
    os.chdir(before)
    return world, result


@pytest.fixture
def world(compared: tuple[World, CompareResult], monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(compared[0].folder)
    return compared[0]


@pytest.fixture
def result(compared: tuple[World, CompareResult]) -> CompareResult:
    return compared[1]


def test_every_measure_is_there_for_both_looks_of_each_method(world: World, result: CompareResult) -> None:
    fake, pale = result.found["methods"]
    assert [(one["label"], one["method"], one["preset"]) for one in (fake, pale)] == [
        ("fake", "fake", "draft"), ("pale", "pale", "draft"),
    ]  # fmt: skip
    for look in "ab":
        drawn = pale["looks"][look]["reconstruction"]
        assert drawn["frames"] == 2
        assert drawn["l1"] > 0.1
        assert 0 < drawn["psnr"] < 30
        assert drawn["akd"] > 5  # its only point is the middle of what it sees, and half of that is gone
        assert drawn["aed"] > 0
        # Nothing is known of frames that a method did not train on: then nothing is claimed.
        assert fake["looks"][look]["reconstruction"] == {"frames": 0}
        assert fake["looks"][look]["transfer"]["shape"] > pale["looks"][look]["transfer"]["shape"]
        assert fake["looks"][look]["transfer"]["flicker"] is not None
    assert fake["looks"]["b"]["transfer"]["gain"] == pytest.approx(1, abs=0.1)
    assert pale["looks"]["b"]["transfer"]["gain"] < 0.8
    assert "gain" not in fake["looks"]["a"]["transfer"]


def test_scores_are_those_of_evaluate(world: World, result: CompareResult) -> None:
    for one in result.found["methods"]:
        scores = evaluate(None, world.store, run_id=result.runs[one["label"]])
        for look in "ab":
            transfer = one["looks"][look]["transfer"]
            assert {name: transfer[name] for name in ("motion", "shape", "appearance", "jitter")} == {
                name: scores[look][name] for name in ("motion", "shape", "appearance", "jitter")
            }


def test_what_each_training_took_is_told(result: CompareResult) -> None:
    for one in result.found["methods"]:
        assert 0 < one["seconds"] < 120
        assert one["memory"] is None or one["memory"] > 10**7
        assert 0 < one["networks"] < 10**5


def test_one_video_and_one_sheet_a_look_show_driver_subject_and_methods(world: World, result: CompareResult) -> None:
    assert result.videos["a"] == COMPARED / "disc-as-bar.mp4"
    found = scan(result.videos["a"])
    assert (found.info.width, found.info.height) == (4 * 256, 280)
    assert [pts * found.timing.time_base for pts in found.timing.pts] == [p * UNEVEN.time_base for p in UNEVEN.pts]
    assert found.info.audio is not None  # the driver's
    panels = np.split(next(read_frames(result.videos["a"])).image[24:].astype(int), 4, axis=1)
    driver, subject, whole, half = (panel.reshape(-1, 3) for panel in panels)
    for panel, kind in ((driver, "bar"), (subject, "disc")):
        near = np.abs(panel - toy.COLOURS[kind]).max(axis=1) < 40
        assert 0.02 < near.mean() < 0.6
    coloured = [int((np.ptp(panel, axis=1) > 40).sum()) for panel in (whole, half)]
    assert coloured[0] > 1.3 * coloured[1] > 0
    sheet = read_picture(result.sheets["b"])
    assert sheet.shape[1] > sheet.shape[0] > 4 * 160


def test_results_of_the_methods_are_kept_apart(world: World, result: CompareResult) -> None:
    assert result.drawn["pale"]["b"] == COMPARED / "pale/bar-as-disc.mp4"
    for look, size in (("a", toy.SIZE), ("b", (80, 96))):
        files = [result.drawn[name][look] for name in ("fake", "pale")]
        assert [(scan(file).info.width, scan(file).info.height) for file in files] == [size, size]
        assert files[0].read_bytes() != files[1].read_bytes()
    assert result.runs["fake"] != result.runs["pale"]
    assert not (FOLDER / "disc-as-bar.mp4").exists()  # that is what `render` writes


def test_the_table_is_a_page_too(result: CompareResult, world: World) -> None:
    text = result.table.read_text(encoding="utf-8")
    assert result.table == COMPARED / "table.md"
    assert "| disc-as-bar | fake | " in text
    assert "**" in text
    assert "(<disc-as-bar.png>)" in text


def test_the_first_of_the_list_counts_as_trained_last(world: World, result: CompareResult) -> None:
    assert find_run(world.store, None).id == result.runs["fake"]


def test_done_again_nothing_is_done(world: World, result: CompareResult) -> None:
    runs = len(world.store.runs())
    assert compare(world, truth=truth(world)) == result
    assert not [event for event in world.events if isinstance(event, StageStarted)]
    assert len(world.store.runs()) == runs


def test_a_further_method_does_not_repeat_the_others(world: World, result: CompareResult) -> None:
    more = compare(world, "pale,fake:best", changes=("crop.size=64", "pale:polish.steps=5", "fake:best:polish.steps=3"))
    started = world.ran()
    assert started.count("polish") == 1
    assert "colour" not in started  # the first phase has the same settings as that of the other preset
    assert more.runs["pale"] != result.runs["pale"]  # renewed, as it is the first now
    assert find_run(world.store, None).id == more.runs["pale"]
    assert (COMPARED / "fake.best/disc-as-bar.mp4").is_file()


def test_the_report_has_a_section(world: World, result: CompareResult) -> None:
    again = compare(world)
    tree = page.read(again.report.read_text(encoding="utf-8"))
    files = page.check_links(tree, FOLDER)
    assert {f"comparison/{name}.{kind}" for name in ("disc-as-bar", "bar-as-disc") for kind in ("mp4", "png")} <= files
    tables = {found.all("caption")[0].words: found for found in tree.all("table")}
    rows = [[cell.words for cell in row.inside] for row in tables["Transfer"].all("tr")]
    assert rows[0][:3] == ["result", "method", "motion"]
    assert [row[:2] for row in rows[1:3]] == [["disc-as-bar", "fake"], ["disc-as-bar", "pale"]]
    assert any(table.all("b") for table in tables.values())  # the best of a column


def test_mattes_of_the_training_before_are_taken(world: World, result: CompareResult) -> None:
    """Without them, the objects would be found anew, and all methods trained once more."""
    world.events.clear()
    given = {"preset": "draft", "settings": CHANGES[:1], "device": "cpu", "reporter": world.events.append}
    found = compare_function(world.a.path, world.b.path, methods=["fake"], **given)
    assert list(found.runs) == ["fake"]
    assert found.found["methods"][0]["looks"].keys() == {"a", "b"}
    assert not {"colour", "polish", "matte:disc"} & set(world.ran())


def test_a_file_of_somebody_else_is_not_replaced(world: World, result: CompareResult) -> None:
    result.table.write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="would be lost"):
        compare(world)
    assert result.table.read_text(encoding="utf-8") == "mine"
    result.table.unlink()


def test_the_command_prints_tables_or_one_document(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["compare", "disc.mp4", "bar.mp4", "--methods", "fake,pale", "--preset", "draft", "--device", "cpu"]
    words += [word for change in CHANGES for word in ("--set", change)]
    assert command([*words, "--json", "--quiet"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["pair"] == "disc--bar"
    assert [one["label"] for one in told["methods"]] == ["fake", "pale"]
    assert told["methods"][1]["videos"]["a"] == str(COMPARED / "pale/disc-as-bar.mp4")
    assert told["videos"]["b"] == str(COMPARED / "bar-as-disc.mp4")
    assert command(words) == 0
    shown = capsys.readouterr().out
    assert "Reconstruction of held-out frames" in shown
    assert "* the best of its column" in shown
    assert str(COMPARED / "disc-as-bar.png") in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_a_list_that_makes_no_sense_ends_before_clips_are_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["compare", "no-such.mp4", "nor-this.mp4", "--methods", "fkae"]) == 2
    assert "Did you mean fake" in capsys.readouterr().err


def test_a_true_answer_that_is_missing_is_noticed_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["compare", "no-such.mp4", "nor-this.mp4", "--methods", "fake", "--truth-b", "nowhere.mkv"]) == 3
    assert "there is no such true answer (nowhere.mkv)" in capsys.readouterr().err


@pytest.mark.parametrize(("look", "clip"), [("a", "disc"), ("b", "bar")])
def test_networks_find_keypoints_where_they_asked_for_them(stage: World, look: Any, clip: str) -> None:
    """One clip of this pair is mirrored for training. In real frames the points are those by which these are drawn."""
    trained = find_run(stage.store, None)
    wanted = {f"transfer:{clip}-as-{clip}", f"reconstruction:{clip}"}
    plan = [each for each in plan_method(trained, {}, stage.store) if each.id in wanted]
    done = run(plan, Tools(stage.store, silent, never), trained.entries)
    frames = crop.frames(done[f"crop:{clip}"])
    entries = {"a": done["crop:disc"], "b": done["crop:bar"], **{name: done[name] for name in ("geometry", "texture")}}
    job: Any = SimpleNamespace(entries=entries)
    found = reconstruction._keypoints(job, trained.config, look, list(frames))
    assert found == pytest.approx(array(done[f"transfer:{clip}-as-{clip}"], "keypoints"), abs=0.02)
    scores = reconstruction.reconstruction_scores(done[f"reconstruction:{clip}"])
    assert scores["frames"] == 1
    assert scores["psnr"] > 0
