"""Folders of pictures in the place of videos, from training to rendering."""

from __future__ import annotations

import shlex
from fractions import Fraction
from pathlib import Path

import pytest
from worlds import World

import retarget_cli
from retarget_cli.cli.app import run
from retarget_cli.errors import UsageError
from retarget_cli.media.decode import read_frames, scan
from retarget_cli.media.images import write_png
from retarget_cli.pipeline.clips import ClipInput, rated
from retarget_cli.pipeline.keypoints import export_motion
from retarget_cli.pipeline.options import RenderOptions
from retarget_cli.pipeline.reproduce import Commands


def unpacked(video: Path, folder: Path) -> Path:
    folder.mkdir()
    for frame in read_frames(video):
        write_png(folder / f"shot.{frame.index + 1001:04d}.png", frame.image)
    return folder


def test_a_pair_of_a_folder_and_a_video_is_trained_and_rendered(world: World) -> None:
    rate = Fraction(25)
    world.a = ClipInput(unpacked(world.a.path, world.folder / "shot.v2"), world.a.matte, (), rate)
    trained = world.train()
    assert trained.pair == "shot.v2--bar"
    drawn = world.render(look="b").videos[0]
    assert scan(drawn).timing.rate == rate
    (record, *_) = world.store.runs()
    assert record["clips"]["a"]["rate"] == "25"
    assert "--fps-in=25" in shlex.split(Commands(record, world.store.root).train())


def test_a_folder_drives(world: World) -> None:
    world.train()
    folder = unpacked(world.b.path, world.folder / "walk")
    drawn = retarget_cli.render(driver=folder, fps_in=12, mask_driver=world.b.matte, out=world.folder / "d.mp4")
    assert scan(drawn.looks[0].video).timing.rate == 12


def test_a_video_is_given_no_rate_by_whoever_opens_it(world: World) -> None:
    a, b, other = world.a.path, world.b.path, world.folder / "walk.csv"
    opening = [lambda: retarget_cli.train(a, b, fps_in=24, mask_a=world.a.matte, mask_b=world.b.matte)]
    opening += [lambda: retarget_cli.segment(a, fps_in=24), lambda: retarget_cli.compare(a, b, fps_in="24")]
    for opened in opening:
        with pytest.raises(UsageError, match="a video says its rate itself") as caught:
            opened()
        assert Path(caught.value.where) == a
    world.train()
    export_motion(RenderOptions(), world.store, out=other)
    for driver in (b, other):
        with pytest.raises(UsageError, match="for sequences of pictures"):
            retarget_cli.render(driver=driver, fps_in=24)


def test_a_rate_is_that_of_the_pictures_beside_a_video(world: World) -> None:
    one, two = ClipInput(unpacked(world.a.path, world.folder / "shot")), ClipInput(world.b.path)
    assert [clip.rate for clip in rated(one, two, Fraction(12))] == [12, None]
    assert [clip.rate for clip in rated(two, one, Fraction(12))] == [None, 12]


def test_on_the_command_line(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    folder = unpacked(world.a.path, world.folder / "shot")
    words = ["segment", str(folder), "--mask", str(world.a.matte)]
    assert run([*words, "--fps-in", "23.976"]) == 0
    matte = Path("retargeted/segments/shot_matte.mkv")
    assert abs(scan(matte).timing.rate - Fraction(24000, 1001)) < Fraction(1, 10)
    assert run([*words, "--fps-in", "soon"]) == 2
    assert run(["segment", str(world.a.path), "--fps-in", "24"]) == 2
    assert "a video says its rate itself" in capsys.readouterr().err
    (folder / "shot.1004.png").unlink()
    assert run(words) == 3
    assert "Frame 1004 is missing" in capsys.readouterr().err
