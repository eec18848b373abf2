"""Rendering a trained pair with a driver that it was not trained on, or with some keypoints only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy
from worlds import World

from retarget_cli.errors import InputError, UsageError
from retarget_cli.events import Artifact, Finished, Notice, StageCached
from retarget_cli.media.decode import read_frames, scan
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.timing import Timing
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.options import RenderOptions
from retarget_cli.pipeline.render import render
from retarget_cli.pipeline.reproduce import Commands
from retarget_cli.stages.transfer import array, pictures

OTHER = Timing.constant(7, 20)


def other_bar(folder: Path, name: str = "pole", kind: str = "bar") -> ClipInput:
    return ClipInput(*toy.draw_clip(folder, name, kind, timing=OTHER, size=(90, 70)))


def drawn(world: World, name: str, **options: Any) -> dict[str, np.ndarray]:
    """The arrays of a transfer that is rendered now."""
    world.render(**options)
    made = world.store.runs()[0]["results"][f"transfer:{name}"]
    entry = world.store.find(made["stage"], made["key"])
    assert entry is not None
    points = {key: np.array(array(entry, key)) for key in ("keypoints", "driver_keypoints", "confidence")}
    return {"layer": np.stack(list(pictures(entry, "layer"))), **points}


def test_another_clip_drives_at_its_own_times(world: World, tmp_path: Path) -> None:
    pole = other_bar(tmp_path)
    video = world.render(driver=pole, background="driver", compare=True).videos[0]
    assert world.ran() == [
        "ingest:pole", "matte:pole", "doubts:pole", "overlay:pole", "crop:pole",
        "transfer:disc-as-pole", "plate:pole", "footage:pole", "compose:disc-as-pole", "compare:disc-as-pole",
    ]  # fmt: skip
    assert video.name == "disc-as-pole.on-driver.mp4"
    assert scan(video).timing.durations == OTHER.durations
    assert next(event.path.name for event in world.events if isinstance(event, Artifact)) == "pole_overlay.mp4"
    world.render(driver=pole, background="driver", compare=True)
    assert world.ran() == []
    kept = world.store.runs()[0]
    assert "crop:pole" in kept["results"]  # pruning must not take it
    words = Commands(kept, world.store.root).render("a", "disc-as-pole")
    assert f"--driver {pole.path} --mask-driver {pole.matte}" in words


@pytest.mark.parametrize("look", ["a", "b"])
def test_a_clip_of_the_pair_may_drive_itself(stage: World, look: str) -> None:
    clip = stage.a if look == "a" else stage.b
    name = clip.path.stem
    arrays = drawn(stage, f"{name}-as-{name}", look=look, driver=ClipInput(clip.path), affine="none")
    assert len(arrays["layer"]) == scan(clip.path).timing.frames
    np.testing.assert_allclose(arrays["keypoints"], arrays["driver_keypoints"], atol=1e-5)


def test_both_looks_may_have_another_driver(world: World, tmp_path: Path) -> None:
    names = [video.name for video in world.render(driver=other_bar(tmp_path), look="both").videos]
    assert names == ["disc-as-pole.mp4", "bar-as-pole.mp4"]
    assert world.ran().count("matte:pole") == 1
    assert [type(event) for event in world.events].count(Finished) == 1
    world.events.clear()
    world.render(driver=other_bar(tmp_path), look="both", slow="2")
    cached = [event.stage for event in world.events if isinstance(event, StageCached)]
    assert cached.count("matte:pole") == 1


def test_a_clip_of_the_pair_is_what_it_was_in_training(world: World) -> None:
    world.render()
    world.render(driver=ClipInput(world.b.path))
    assert world.ran() == []


def test_given_mattes_of_the_pair_are_not_asked_of_another_driver(world: World, tmp_path: Path) -> None:
    world.train(backend="given")
    pole = ClipInput(other_bar(tmp_path).path)
    world.render(driver=pole)
    assert "matte:pole" in world.ran()


def test_a_driver_called_like_a_clip_of_the_pair_has_its_own_name(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "others"
    folder.mkdir()
    assert world.render(driver=other_bar(folder, "bar")).videos[0].name == "disc-as-bar-driver.mp4"


def test_what_cannot_drive(world: World, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        world.render(driver=ClipInput(tmp_path / "gone.mp4"))
    notes = tmp_path / "notes.txt"
    notes.write_text("no video")
    with pytest.raises(InputError):
        world.render(driver=ClipInput(notes))
    with VideoWriter(tmp_path / "nothing.mp4", toy.SIZE, OTHER) as writer:
        for _ in range(OTHER.frames):
            writer.write(np.full((64, 96, 3), 128, np.uint8))
    with pytest.raises(InputError, match="No object") as nothing:
        world.render(driver=ClipInput(tmp_path / "nothing.mp4"))
    assert "--box-driver 3:24,16,48,32 (the middle" in nothing.value.fix
    assert "nothing.mp4 --preview-frame 3`" in nothing.value.fix
    assert "--mask-driver." in nothing.value.fix
    notices = [event.message for event in world.events if isinstance(event, Notice)]
    assert any("--box-driver" in message for message in notices)
    with pytest.raises(UsageError, match="no pictures"):
        world.render(driver=ClipInput(tmp_path / "walk.csv", matte=world.b.matte))
    with pytest.raises(UsageError, match="flip"):
        world.render(driver=other_bar(tmp_path), flip="maybe")
    for own in (None, ClipInput(world.b.path)):
        with pytest.raises(UsageError, match="decided in training") as problem:
            world.render(flip="yes", driver=own)
        assert "--flip yes" in problem.value.fix
    with pytest.raises(UsageError, match="no pictures to be mirrored"):
        world.render(flip="no", driver=ClipInput(tmp_path / "walk.csv"))
    with pytest.raises(UsageError, match="change what it is made from"):
        world.render(driver=other_bar(tmp_path), out=tmp_path / "pole.mp4")


def test_the_networks_see_another_driver_the_way_they_learned(stage: World, tmp_path: Path) -> None:
    """B was mirrored in training, so a clip that faces as B does must be, too: then it moves A as B would."""
    pole = other_bar(tmp_path)
    straight = drawn(stage, "disc-as-pole", driver=pole, flip="no", affine="none")
    turned = drawn(stage, "disc-as-pole", driver=pole, flip="yes", affine="none")
    assert np.abs(straight["keypoints"] - turned["keypoints"]).max() > 1e-3
    assert np.allclose(turned["keypoints"][..., 0], -turned["driver_keypoints"][..., 0])
    assert np.allclose(straight["keypoints"], straight["driver_keypoints"])
    assert ((turned["confidence"] >= 0) & (turned["confidence"] <= 1)).all()


def test_only_the_named_keypoints_follow(stage: World) -> None:
    whole = drawn(stage, "disc-as-bar", affine="none")["keypoints"]
    some = drawn(stage, "disc-as-bar", affine="none", follow=("p1", "p3"))["keypoints"]
    none_of_it = drawn(stage, "disc-as-bar", affine="none", follow=("p0",))["keypoints"]
    assert np.array_equal(some[:, [1, 3]], whole[:, [1, 3]])
    assert np.array_equal(some[:, 2], none_of_it[:, 2])
    assert np.ptp(some[:, 2], axis=0).max() > 0  # it moves as in the subject's own clip
    assert np.abs(some[:, 2] - whole[:, 2]).max() > 1e-3


@pytest.mark.parametrize(("names", "what"), [(("p9",), "no keypoint 'p9'"), (("head",), "no keypoint 'head'")])
def test_unknown_keypoints_cannot_follow(stage: World, names: tuple[str, ...], what: str) -> None:
    with pytest.raises(UsageError, match=what) as problem:
        stage.render(follow=names)
    assert "retarget keypoints export" in problem.value.fix


def test_slow_motion_of_some_keypoints(stage: World) -> None:
    """Between the frames of the subject's own clip, too, points are interpolated."""
    slow = drawn(stage, "disc-as-bar", affine="none", follow=("p0",), slow="4")["keypoints"][:, 2]
    assert len(np.unique(slow.round(6), axis=0)) > 20


def test_a_doubtful_driver_is_announced(stage: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retarget_cli.methods.jokr.transfer._ENOUGH", 10.0)
    stage.render(driver=other_bar(tmp_path, "doubtful"))
    told = [event for event in stage.events if isinstance(event, Notice) and event.level == "warning"]
    assert ["unlike the clips of the training" in event.message for event in told] == [True]
    stage.render(driver=other_bar(tmp_path, "doubtful"))  # also when it is there already
    assert stage.ran() == []
    assert told[0] in stage.events


def test_in_the_scene_of_a_driver_that_faces_the_other_way(stage: World) -> None:
    stage.render(background="driver")
    assert any("faces the other way" in event.message for event in stage.events if isinstance(event, Notice))
    stage.render(background="subject")
    assert not any("faces the other way" in event.message for event in stage.events if isinstance(event, Notice))


def test_the_library_takes_another_driver(world: World, tmp_path: Path) -> None:
    options = RenderOptions(driver=other_bar(tmp_path), background="alpha", out=Path("layer.mkv"))
    result = render(options, world.store)
    assert len(list(read_frames(result.videos[0]))) == OTHER.frames


def test_the_report_shows_other_drivers_too(world: World, tmp_path: Path) -> None:
    world.render(driver=other_bar(tmp_path), look="both")
    page = (world.folder / "retargeted" / "disc--bar" / "report.html").read_text(encoding="utf-8")
    assert "disc moving like pole" in page
    assert 'src="disc-as-pole.mp4"' in page
    assert "bar moving like pole" in page
