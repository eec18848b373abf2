"""Keypoints exported, edited and drawn again, with networks that were hardly trained: they draw, which is enough."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from worlds import World

from retarget_cli.cli.app import run
from retarget_cli.errors import InputError, UsageError
from retarget_cli.events import Notice
from retarget_cli.media.decode import read_frames, scan
from retarget_cli.motion.exchange.tracks import Tracks
from retarget_cli.motion.files import read_motion
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.keypoints import ExportResult, apply_motion, export_motion
from retarget_cli.pipeline.options import RenderOptions
from retarget_cli.pipeline.render import RenderResult


def export(world: World, **options: Any) -> ExportResult:
    own = {name: options.pop(name) for name in ("raw", "out", "kind") if name in options}
    return export_motion(RenderOptions(**options), world.store, **own)


def apply(world: World, file: Path, *changes: tuple[str, str], **options: Any) -> RenderResult:
    own = {name: options.pop(name) for name in ("part", "save") if name in options}
    return apply_motion(file, changes, RenderOptions(**{"look": "auto", **options}), world.store, **own)


def pictures(video: Path) -> np.ndarray:
    return np.stack([frame.image for frame in read_frames(video, channels="rgba")])


@pytest.mark.parametrize(("look", "name"), [("a", "walk.csv"), ("b", "walk.json"), ("b", "walk.motion.safetensors")])
def test_unedited_motions_are_drawn_as_they_were(stage: World, look: str, name: str) -> None:
    drawn = stage.render(look=look, background="alpha", out=Path("drawn.mkv")).videos[0]
    exported = export(stage, look=look, out=Path(name))
    again = apply(stage, exported.motion, background="alpha", out=Path("again.mkv")).videos[0]
    assert scan(again).timing == scan(drawn).timing
    np.testing.assert_array_equal(pictures(again), pictures(drawn))


def test_an_edited_motion_is_written_in_whatever_format(stage: World) -> None:
    moved = ("--move", "p0=0.1,0")
    exported = export(stage, out=Path("walk.csv"))
    (folder,) = apply(stage, exported.motion, moved, format="exr", layers="parts", crop="square").videos
    parts = list(folder.glob("*.exr"))
    assert len(parts) == 12
    (video,) = apply(stage, exported.motion, moved, size="48x64", format="h264-10").videos
    info = scan(video).info
    assert (info.width, info.height, info.bit_depth) == (48, 64, 10)
    assert scan(folder).info.width == scan(folder).info.height


def test_a_drivers_own_motion_is_drawn_as_the_driver_is(stage: World) -> None:
    rendered = stage.render(background="alpha", affine="learned", out=Path("drawn.mkv"))
    assert rendered.reports[0]["driver_mirrored"]
    raw = export(stage, raw=True)
    assert raw.exported.space == "driver"
    again = apply(stage, raw.motion, background="alpha", affine="learned", out=Path("again.mkv")).videos[0]
    np.testing.assert_array_equal(pictures(again), pictures(rendered.videos[0]))


def test_a_motion_file_knows_the_drivers_way(stage: World) -> None:
    rendered = stage.render(background="alpha", affine="trajectory", out=Path("drawn.mkv"))
    assert rendered.reports[0]["opposite"]
    raw = export(stage, raw=True)
    again = apply(stage, raw.motion, background="alpha", affine="trajectory", out=Path("again.mkv"))
    still = apply(stage, raw.motion, background="alpha", out=Path("still.mkv"))
    wanted, found, elsewhere = (pictures(one.videos[0])[..., 3].astype(int) for one in (rendered, again, still))
    assert np.abs(found - wanted).mean() < 0.2 * np.abs(elsewhere - wanted).mean()
    assert again.reports[0]["lost"] == rendered.reports[0]["lost"]


def test_what_an_export_does_not_hold_is_said(stage: World) -> None:
    for raw, told in ((False, True), (True, False)):
        stage.events.clear()
        options = RenderOptions(affine="trajectory")
        export_motion(options, stage.store, stage.events.append, raw=raw, out=Path("walk.csv"))
        assert any("with --raw" in event.message for event in stage.events if isinstance(event, Notice)) == told


def test_a_motion_that_is_fitted_already_is_not_fitted_again(stage: World) -> None:
    fitted = ClipInput(export(stage, out=Path("fitted.csv")).motion)
    plain = stage.render(driver=fitted, background="alpha", out=Path("plain.mkv")).videos[0]
    assert not [event for event in stage.events if isinstance(event, Notice) and "--affine" in event.message]
    other = stage.render(driver=fitted, affine="moments", background="alpha", out=Path("other.mkv")).videos[0]
    assert [
        event for event in stage.events if isinstance(event, Notice) and "--affine changes nothing" in event.message
    ]
    np.testing.assert_array_equal(pictures(other), pictures(plain))


def test_an_export_is_a_table_and_a_picture_beside_the_results(stage: World) -> None:
    result = export(stage)
    assert result.motion == Path("retargeted/disc--bar/disc-as-bar.csv")
    assert result.preview.name == "disc-as-bar-points.png"
    assert result.preview.stat().st_size > 5000
    assert export(stage, out=Path("walk.v2.csv")).preview == Path("walk.v2-points.png")
    motion = read_motion(result.motion)
    assert (motion.points.shape, motion.frame_size, motion.look) == ((12, 4, 2), (96, 64), "a")
    assert motion.timing.duration == scan(stage.render().videos[0]).timing.duration


def test_keyframes_for_other_programs_lie_where_the_subject_is_drawn(stage: World) -> None:
    result = export(stage, kind="nuke")
    assert (result.motion, result.again) == (Path("retargeted/disc--bar/disc-as-bar.nk"), False)
    assert result.preview.name == "disc-as-bar-points.png"
    assert result.motion.read_text(encoding="utf-8").startswith("Tracker4 {")
    by_ending = export(stage, out=Path("keys.txt"))
    assert by_ending.motion.read_text(encoding="utf-8").count("Point Control") == 4
    tracks = Tracks.of(result.exported)
    assert tracks.size == (96, 64)
    assert ((tracks.points > -20) & (tracks.points < 120)).all()
    with pytest.raises(UsageError, match="no names"):
        export(stage, kind="limbs")


def test_what_is_written_into_a_table_is_drawn(stage: World) -> None:
    exported = export(stage)
    before = pictures(apply(stage, exported.motion, background="alpha", out=Path("before.mkv")).videos[0])
    table = exported.motion.read_text(encoding="utf-8")
    exported.motion.write_text(re.sub(r"(?m)^(7,.*,p\d,).*$", r"\g<1>0.9,0.9,1", table), encoding="utf-8")
    after = pictures(apply(stage, exported.motion, background="alpha", out=Path("after.mkv")).videos[0])
    assert np.flatnonzero((after != before).any(axis=(1, 2, 3))).tolist() == [7]


def test_every_edit_changes_the_motion_and_the_frames(stage: World) -> None:
    exported = export(stage)
    seen = [pictures(apply(stage, exported.motion, background="alpha", out=Path("plain.mkv")).videos[0])]
    edits = {"--move": "all=0.4,0", "--freeze": "all", "--exaggerate": "4", "--between": "1f,10f", "--backwards": ""}
    for change in edits.items():
        drawn = pictures(apply(stage, exported.motion, change, background="alpha", out=Path("edited.mkv")).videos[0])
        assert all((drawn != other).any() for other in seen), change
        seen.append(drawn)
        saved = read_motion(Path("retargeted/disc--bar/disc-as-bar-edited.motion.safetensors"))
        assert not np.array_equal(saved.points, exported.exported.points), change
        assert saved.networks == exported.exported.networks


def test_only_the_part_that_is_named_changes(stage: World) -> None:
    exported = export(stage)
    apply(stage, exported.motion, ("--move", "p1=0.3,0"), part=("3f", "9f"), save=Path("saved.json"))
    shift = (read_motion(Path("saved.json")).points - exported.exported.points)[..., 0]
    assert (shift[3:9, 1] > 0).all()
    assert (shift[:3] == 0).all()
    assert (shift[9:] == 0).all()
    assert (shift[:, [0, 2, 3]] == 0).all()


def test_an_edited_motion_is_exported_as_it_is_and_never_over_itself(stage: World) -> None:
    exported = export(stage)
    apply(stage, exported.motion, ("--exaggerate", "2"), save=Path("more.csv"))
    edited = read_motion(Path("more.csv"))
    again = export(stage, driver=ClipInput(Path("more.csv")), out=Path("again.csv"))
    np.testing.assert_array_equal(again.exported.points, edited.points)
    assert again.exported.timing == edited.timing
    with pytest.raises(UsageError, match="made from"):
        export(stage, driver=ClipInput(Path("more.csv")), out=Path("more.csv"))


def test_two_motions_of_a_pair_are_blended(stage: World) -> None:
    first, second = export(stage), export(stage, slow="2", out=Path("slow.csv"))
    apply(stage, first.motion, ("--exaggerate", "3"), save=Path("more.csv"))
    apply(stage, first.motion, ("--blend", "more.csv:0.25"), save=Path("mixed.csv"))
    mixed, more = read_motion(Path("mixed.csv")), read_motion(Path("more.csv"))
    np.testing.assert_allclose(mixed.points, 0.75 * first.exported.points + 0.25 * more.points, atol=1e-6)
    apply(stage, first.motion, ("--blend", "slow.csv:1"), save=Path("stretched.csv"))
    assert read_motion(Path("stretched.csv")).timing == first.exported.timing
    assert second.exported.timing.frames == 24


def test_the_report_offers_nothing_that_a_motion_file_cannot_do(stage: World) -> None:
    apply(stage, export(stage, out=Path("walk.csv")).motion)
    page = (stage.folder / "retargeted" / "disc--bar" / "report.html").read_text(encoding="utf-8")
    assert "disc moving like walk" in page
    assert "--driver walk.csv --compare" not in page


def test_a_motion_is_refused_by_the_other_look(stage: World) -> None:
    exported = export(stage, look="b")
    with pytest.raises(InputError, match="look"):
        apply(stage, exported.motion, look="a")
    with pytest.raises(InputError, match="look"):
        stage.render(look="a", driver=ClipInput(exported.motion))


def test_mistakes_are_found_before_anything_is_drawn(stage: World) -> None:
    exported = export(stage)
    with pytest.raises(UsageError, match="no keypoint 'p7'"):
        apply(stage, exported.motion, ("--move", "p7=1,0"))
    with pytest.raises(UsageError, match="made from"):
        apply(stage, exported.motion, ("--backwards", ""), save=exported.motion)
    with pytest.raises(InputError, match="no such file"):
        apply(stage, Path("gone.csv"))
    with pytest.raises(UsageError, match="one motion"):
        export(stage, look="both")
    stage.events.clear()
    with pytest.raises(UsageError, match="says nothing"):
        export_motion(RenderOptions(), stage.store, stage.events.append, out=Path("x.mp4"))
    assert stage.events == []


def test_on_the_command_line(stage: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keypoints", "export", "--look", "b", "--json"]) == 0
    exported = json.loads(capsys.readouterr().out)
    assert exported["points"] == ["p0", "p1", "p2", "p3"]
    words = ["--freeze", "p0", "--move", "p0=0.5,0", "--out", "x.mp4", "--save", "x.csv", "--json"]
    assert run(["keypoints", "apply", exported["motion"], *words]) == 0
    applied = json.loads(capsys.readouterr().out)
    assert (applied["videos"], applied["motion"]) == (["x.mp4"], "x.csv")
    before, after = read_motion(Path(exported["motion"])).points, read_motion(Path("x.csv")).points
    held = before[:, 0].mean(axis=0) + np.array([0.5, 0])
    np.testing.assert_allclose(after[:, 0], np.broadcast_to(held, (10, 2)), atol=1e-6)


def test_a_motion_finds_the_networks_it_comes_from(world: World) -> None:
    exported = export(world)
    first = world.render().run_id
    world.train("colour.steps=7")
    assert world.render().run_id != first
    drawn = apply(world, exported.motion)
    assert drawn.run_id == first
    assert world.render(driver=ClipInput(exported.motion)).run_id == first


def test_keypoints_edited_by_hand_are_not_exported_over(world: World) -> None:
    file = export(world).motion
    assert export(world).motion == file
    assert export(world, start="2f").motion.name == "disc-as-bar.from2f.csv"
    file.write_text(file.read_text() + "\n")
    for out in ({}, {"out": file}):
        with pytest.raises(UsageError, match="changed since"):
            export(world, **out)
    mine = Path("mine.csv")
    mine.write_text("mine")
    with pytest.raises(UsageError, match="not made by retarget") as caught:
        apply(world, file, ("--backwards", ""), save=mine)
    assert "--save" in caught.value.fix
    apply(world, file, ("--backwards", ""), save=mine, force=True)
