"""A pair whose keypoints have names: words select them, files and reports hold them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import page
import pytest
from worlds import NAMED, World, make_world, naming

import retarget_cli
from retarget_cli.cli.app import run
from retarget_cli.errors import InputError, UsageError
from retarget_cli.media.images import read_picture
from retarget_cli.motion.files import read_motion
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.keypoints import ExportResult, apply_motion, export_motion
from retarget_cli.pipeline.options import RenderOptions
from retarget_cli.pipeline.runs import find_run
from retarget_cli.stages.fit import keypoint_names, object_kind
from retarget_cli.stages.transfer import array, drawn_names
from retarget_cli.store.engine import Entry

ENDINGS = ("csv", "json", "motion.safetensors")


def export(world: World, name: str = "walk.csv", **options: object) -> ExportResult:
    return export_motion(RenderOptions(**options), world.store, out=Path(name), raw=False)  # type: ignore[arg-type]


def transfer(world: World, direction: str = "disc-as-bar") -> Entry:
    """What was drawn last of a direction."""
    places = next(iter(world.store.runs()))["results"]
    place = places[f"transfer:{direction}"]
    found = world.store.find(place["stage"], place["key"])
    assert found is not None
    return found


def test_names_are_read_from_the_first_phase(named: World, stage: World) -> None:
    geometry = find_run(named.store, None).entries["geometry"]
    assert (keypoint_names(geometry), object_kind(geometry)) == (NAMED, "quadruped")
    plain = find_run(stage.store, None).entries["geometry"]
    assert (keypoint_names(plain), object_kind(plain)) == ((), None)


@pytest.mark.parametrize("names", [None, ["p0"]])
def test_numbers_are_no_names(names: list[str] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    world = make_world(tmp_path)
    with naming("colour", None, names):
        world.train()
    colour = find_run(world.store, None).entries["colour"]
    assert (keypoint_names(colour), object_kind(colour)) == ((), None)
    world.render()
    assert "keypoints" not in world.render().reports[0]


@pytest.mark.parametrize(
    ("words", "numbers"),
    [(("tail",), [2, 3]), (("tail", "nose"), [2, 3, 0]), (("tail_mid", "tail_end"), [2, 3]), (("p2", "p3"), [2, 3])],
)
def test_a_word_is_the_points_that_it_stands_for(named: World, words: tuple[str, ...], numbers: list[int]) -> None:
    """It draws what their numbers draw, and finds it drawn already: the stage knows nothing but numbers."""
    named.render(background="alpha", follow=tuple(f"p{number}" for number in numbers))
    by_number = transfer(named)
    assert by_number.receipt["params"]["follow"] == numbers
    named.render(background="alpha", follow=words)
    assert not [stage for stage in named.ran() if stage.startswith("transfer")]
    assert transfer(named).key == by_number.key


def test_only_the_part_that_is_named_follows(named: World) -> None:
    named.render(background="alpha", affine="none")
    whole = np.array(array(transfer(named), "keypoints"))
    named.render(background="alpha", affine="none", follow=("tail",))
    some = np.array(array(transfer(named), "keypoints"))
    assert np.array_equal(some[:, 2:], whole[:, 2:])
    assert np.abs(some[:, :2] - whole[:, :2]).max() > 1e-3


def test_from_python_and_on_the_command_line(named: World, capsys: pytest.CaptureFixture[str]) -> None:
    (drawn,) = retarget_cli.render(follow="tail, nose", background="alpha").looks
    assert drawn.video.name == "disc-as-bar.tail-nose.mov"
    assert drawn.report["keypoints"] == list(NAMED)
    assert transfer(named).receipt["params"]["follow"] == [2, 3, 0]
    capsys.readouterr()
    assert run(["render", "--follow", "tail,nose", "--background", "alpha", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["reports"][0]["keypoints"] == list(NAMED)
    assert run(["render", "--follow", "tial"]) == 2
    told = re.sub(r"\s+", " ", capsys.readouterr().err)
    assert "there is no keypoint 'tial'" in told
    assert "Did you mean tail? The keypoints are nose, rump, tail_mid, tail_end" in told


def test_an_unknown_word_is_refused_before_anything_runs(named: World, tmp_path: Path) -> None:
    """Even the object of a new driver is not looked for."""
    for name in ("paw", "p4"):
        with pytest.raises(UsageError, match=f"no keypoint '{name}'") as problem:
            named.render(follow=("tail", name), driver=ClipInput(named.b.path, named.a.matte))
        assert "nose, rump, tail_mid, tail_end" in problem.value.fix
        assert named.ran() == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_exports_have_the_names_and_are_drawn_again(named: World, ending: str) -> None:
    exported = export(named, f"walk.{ending}", background="alpha")
    assert read_motion(exported.motion).names == exported.exported.names == NAMED
    assert all(name.encode() in exported.motion.read_bytes() for name in NAMED)
    named.render(driver=ClipInput(exported.motion), background="alpha")
    again = array(transfer(named, "disc-as-walk"), "keypoints")
    np.testing.assert_array_equal(again, exported.exported.points)


def test_edits_move_every_point_of_a_part(named: World) -> None:
    exported = export(named)
    changes = [("--move", "tail=0,-0.1")]
    options = RenderOptions(look="auto", background="alpha")
    apply_motion(exported.motion, changes, options, named.store, save=Path("up.json"))
    up = read_motion(Path("up.json"))
    assert up.names == NAMED
    shift = np.zeros((4, 2))
    shift[2:, 1] = -0.1
    np.testing.assert_allclose(up.points - exported.exported.points, np.broadcast_to(shift, (12, 4, 2)), atol=1e-6)
    with pytest.raises(UsageError, match="no keypoint 'ear'"):
        apply_motion(exported.motion, [("--freeze", "ear")], options, named.store)


def test_a_file_with_numbers_gets_the_names_of_the_pair(named: World) -> None:
    exported = export(named)
    text = exported.motion.read_text(encoding="utf-8")
    text = re.sub(r"# point_names.*\n", "", text)
    for number, name in enumerate(NAMED):
        text = text.replace(f",{name},", f",p{number},")
    Path("numbers.csv").write_text(text, encoding="utf-8")
    assert read_motion(Path("numbers.csv")).names == ("p0", "p1", "p2", "p3")
    options = RenderOptions(look="auto", background="alpha")
    apply_motion(Path("numbers.csv"), [("--move", "tail=0.2,0")], options, named.store, save=Path("moved.csv"))
    moved = read_motion(Path("moved.csv"))
    assert moved.names == NAMED
    assert (moved.points != exported.exported.points).any(axis=(0, 2)).tolist() == [False, False, True, True]


def test_a_file_may_have_the_points_in_any_order(named: World) -> None:
    exported = export(named)
    text = exported.motion.read_text(encoding="utf-8")
    turned = text.replace("point_names: nose rump tail_mid tail_end", "point_names: tail_end nose tail_mid rump")
    assert turned != text
    Path("turned.csv").write_text(turned, encoding="utf-8")
    assert read_motion(Path("turned.csv")).names == ("tail_end", "nose", "tail_mid", "rump")
    named.render(driver=ClipInput(Path("turned.csv")), background="alpha")
    again = array(transfer(named, "disc-as-turned"), "keypoints")
    np.testing.assert_array_equal(again, exported.exported.points)


def test_a_file_with_other_names_is_refused(named: World) -> None:
    text = export(named).motion.read_text(encoding="utf-8")
    Path("other.csv").write_text(text.replace("rump", "hump"), encoding="utf-8")
    with pytest.raises(InputError, match="other names"):
        named.render(driver=ClipInput(Path("other.csv")))
    with pytest.raises(InputError, match="other names"):
        apply_motion(Path("other.csv"), [], RenderOptions(look="auto"), named.store)


def test_a_drawing_knows_its_names(named: World, stage: World) -> None:
    named.render(background="alpha")
    assert drawn_names(transfer(named)) == NAMED
    stage.render(background="alpha")
    assert drawn_names(transfer(stage)) == ()


def test_the_report_calls_points_by_their_names(named: World) -> None:
    named.render()
    tree = page.read((named.folder / "retargeted" / "disc--bar" / "report.html").read_text(encoding="utf-8"))
    captions = [found.text for found in tree.all("figcaption")]
    assert [f"{name} (p{number})" in captions for number, name in enumerate(NAMED)] == [True] * 4
    facts = list(zip(*([found.words for found in tree.all(name)] for name in ("dt", "dd")), strict=True))
    assert facts.count(("kind", "quadruped")) == facts.count(("keypoints", ", ".join(NAMED))) == 2


def test_a_comparison_says_which_number_is_which_name(
    named: World, stage: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    heights = []
    for world in (named, stage):
        monkeypatch.chdir(world.folder)
        (sheet,) = [one.sheet for one in world.render(compare=True).looks]
        assert sheet is not None
        heights.append(read_picture(sheet).shape[0])
    assert heights[0] == heights[1] + 20
