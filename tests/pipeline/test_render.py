from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy
from worlds import UNEVEN, World

from retarget_cli.errors import UsageError
from retarget_cli.events import Notice
from retarget_cli.media.decode import read_frames, scan
from retarget_cli.media.images import read_picture, read_png_folder, write_png
from retarget_cli.pipeline.clips import ClipInput


def test_size_of_the_subject_times_of_the_driver(world: World) -> None:
    result = world.render(look="both")
    assert [path.as_posix() for path in result.videos] == [
        "retargeted/disc--bar/disc-as-bar.mp4",
        "retargeted/disc--bar/bar-as-disc.mp4",
    ]
    first, second = (scan(path) for path in result.videos)
    assert (first.info.width, first.info.height) == toy.SIZE
    assert (second.info.width, second.info.height) == (80, 96)
    assert [p * first.timing.time_base for p in first.timing.pts] == [p * UNEVEN.time_base for p in UNEVEN.pts]
    assert first.timing.duration == UNEVEN.duration
    assert second.timing.frames == 10
    assert [report["look"] for report in result.reports] == ["a", "b"]
    assert result.reports[0]["affine"] == "auto"


def test_on_a_colour_there_is_only_the_object(world: World) -> None:
    result = world.render(background="#808080", out=Path("grey.mp4"))
    assert result.videos == [Path("grey.mp4")]
    for frame in read_frames(Path("grey.mp4")):
        image = frame.image.astype(int)
        drawn = abs(image - 128).max(axis=2) > 12
        assert 0.02 < drawn.mean() < 0.4
        assert np.abs(image[~drawn] - 128).mean() < 3
        reddish = image[drawn].mean(axis=0)
        assert reddish[0] > reddish[2] + 30


def test_the_subjects_own_background_has_lost_the_object(world: World) -> None:
    video = world.render(background="subject").videos[0]
    frame = next(read_frames(video)).image.astype(int)
    assert frame[2:10, 2:90, 1].mean() > 80  # the green stripes


def test_the_drivers_background_at_the_subjects_size(world: World) -> None:
    video = world.render(background="driver").videos[0]
    info = scan(video).info
    assert (info.width, info.height) == toy.SIZE


def test_alpha_goes_into_a_mov_with_the_drivers_sound(world: World) -> None:
    result = world.render(background="alpha")
    assert result.videos == [Path("retargeted/disc--bar/disc-as-bar.mov")]
    assert read_picture(Path("retargeted/disc--bar/disc-as-bar-still.png")).shape == (64, 96, 3)
    assert any("alpha" in notice for notice in notices(world))
    found = scan(result.videos[0])
    assert (found.info.codec, found.info.has_alpha) == ("prores", True)
    assert found.info.audio is not None
    assert [pts * found.timing.time_base for pts in found.timing.pts] == [p * UNEVEN.time_base for p in UNEVEN.pts]
    frame = next(read_frames(result.videos[0], channels="rgba")).image
    assert frame.shape == (64, 96, 4)
    assert (frame[..., 3].min(), frame[..., 3].max()) == (0, 255)


def test_the_ending_says_what_alpha_is_written_as(world: World) -> None:
    lossless, folder = Path("x.mkv"), Path("new/frames")
    world.render(background="alpha", out=lossless, compare=True)
    assert any("sound" in notice for notice in notices(world))
    assert (Path("x-compare.mp4").exists(), Path("x-still.png").exists()) == (True, False)
    world.render(background="alpha", out=folder, compare=True)
    assert any("pictures have none" in notice for notice in notices(world))
    assert Path("new/frames-compare.mp4").exists()
    world.render(background="alpha", out=Path("x.mov"))
    exact = np.stack([frame.image for frame in read_frames(lossless, channels="rgba")])
    assert np.array_equal(np.stack(list(read_png_folder(folder, channels="rgba"))), exact)
    found = np.stack([frame.image for frame in read_frames(Path("x.mov"), channels="rgba")])
    assert np.array_equal(found[..., 3], exact[..., 3])
    inside = exact[..., 3] > 0
    assert np.abs(found[inside][:, :3].astype(int) - exact[inside][:, :3]).mean() < 1
    assert scan(lossless).info.codec == "ffv1"


@pytest.mark.parametrize(("file", "codec"), [("x.mov", "h264"), ("x.MP4", "h264"), ("x.mkv", "ffv1")])
def test_the_ending_says_what_opaque_videos_are_written_as(world: World, file: str, codec: str) -> None:
    world.render(background="black", out=Path(file))
    info = scan(Path(file)).info
    assert (info.codec, info.has_alpha, info.audio is not None) == (codec, False, codec == "h264")


def test_a_folder_of_pictures_tells_their_times(world: World) -> None:
    result = world.render(out=Path("frames"))
    assert result.videos == [Path("frames")]
    assert next(read_png_folder(Path("frames"))).shape == (64, 96, 3)
    with Path("frames/times.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == sorted(path.name for path in Path("frames").glob("*.png"))
    times = [pts * UNEVEN.time_base for pts in (*UNEVEN.pts, UNEVEN.end)]
    assert [float(row["seconds"]) for row in rows] == [float(time) for time in times[:-1]]
    ends = [float(row["seconds"]) + float(row["duration"]) for row in rows]
    assert ends == pytest.approx([float(time) for time in times[1:]])


def test_only_an_earlier_result_is_replaced_by_a_folder(world: World) -> None:
    world.render(out=Path("frames"))
    Path("frames/000011.png").unlink()
    Path("frames/times.csv").touch()
    world.render(out=Path("frames"), stop="3f")  # an unfinished copy of ours may go
    assert len(list(Path("frames").iterdir())) == 4
    own = Path("frames/notes.txt")
    own.touch()
    with pytest.raises(UsageError, match="holds other files"):
        world.render(out=Path("frames"))
    assert own.exists()
    Path("taken").touch()
    with pytest.raises(UsageError, match="file has this name"):
        world.render(out=Path("taken"))
    for here in (Path(), Path(".."), world.folder):
        with pytest.raises(UsageError, match="folder you are in"):
            world.render(out=here, compare=True)
    Path("empty").mkdir()
    Path("link").symlink_to("empty")
    for place in ("empty", "link"):
        world.render(out=Path(place))
        assert len(list(Path("empty").iterdir())) == 13
    assert Path("link").is_symlink()
    assert not list(world.folder.glob(".*.part"))


def test_a_folder_of_mattes_is_never_replaced(world: World) -> None:
    mattes = Path("mattes")
    assert world.a.matte is not None
    for index, frame in enumerate(read_frames(world.a.matte, channels="gray")):
        write_png(mattes / f"{index:06d}.png", frame.image)
    (mattes / "times.csv").touch()
    world.a = ClipInput(world.a.path, mattes)
    world.train()
    for out in (mattes, mattes / "inside", mattes / "inside.mov"):
        with pytest.raises(UsageError, match="made from"):
            world.render(background="alpha", out=out)


def notices(world: World) -> list[str]:
    return [event.message for event in world.events if isinstance(event, Notice)]


def test_the_comparison_comes_as_sheet_and_video(world: World) -> None:
    result = world.render(compare=True)
    assert [path.name for path in result.sheets] == ["disc-as-bar-compare.png", "disc-as-bar-compare.mp4"]
    assert scan(result.sheets[1]).timing.frames == 12


def test_a_result_never_replaces_a_clip_of_the_pair(world: World) -> None:
    before = world.b.path.read_bytes()
    world.train()
    with pytest.raises(UsageError, match="made from"):
        world.render(out=world.b.path)
    assert world.ran() == []
    assert world.b.path.read_bytes() == before


def test_rendering_twice_draws_once(world: World) -> None:
    world.render()
    world.render(background="black")
    assert world.ran() == ["compose:disc-as-bar"]
    world.render(affine="none")
    assert world.ran() == ["transfer:disc-as-bar", "compose:disc-as-bar"]
    world.render(affine=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    assert "transfer:disc-as-bar" in world.ran()


def test_pruning_keeps_what_the_newest_run_made(world: World) -> None:
    from retarget_cli.store.gc import prune

    world.render()
    prune(world.store, keep_runs=1, min_age=0)
    world.render()
    assert world.ran() == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"look": "c"}, "look"),
        ({"look": "both", "out": Path("x.mp4")}, "two videos"),
        ({"out": Path("x.avi")}, "avi"),
        ({"out": Path("x.mp4"), "background": "alpha"}, "no alpha"),
        ({"out": Path("x_7.png")}, "one picture"),
        ({"max_memory": "4GB"}, "on the CPU"),
        ({"max_memory": "much"}, "no size"),
    ],
)
def test_options_that_make_no_sense(world: World, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        world.render(**options)


def test_the_pair_may_be_named(world: World) -> None:
    world.render(pair=(world.a.path, world.b.path))
    with pytest.raises(UsageError) as caught:
        world.render(pair=(world.b.path, world.a.path))
    assert "other way round" in caught.value.fix
    stranger, _ = toy.draw_clip(world.folder, "stranger", "disc", 7)
    with pytest.raises(UsageError) as caught:
        world.render(pair=(world.a.path, stranger))
    assert "retarget train" in caught.value.fix


def drawn_at(video: Path) -> np.ndarray:
    """(N, 2) the mean place, x and y, of what is drawn on black, in pixels."""
    places = [np.nonzero(frame.image.max(axis=2) > 60) for frame in read_frames(video)]
    return np.array([(columns.mean(), rows.mean()) for rows, columns in places])


def test_the_object_takes_the_drivers_way(world: World) -> None:
    """The disc goes to and fro, and the bar with it."""
    still = world.render(look="b", background="black").videos[0]
    own = drawn_at(still)
    result = world.render(look="b", background="black", affine="trajectory")
    assert world.ran() == ["compose:bar-as-disc"]
    moved = drawn_at(result.videos[0])
    assert np.ptp(moved[:, 0]) > np.ptp(own[:, 0]) + 5
    assert result.reports[0]["affine"] == "auto"
    assert result.reports[0]["lost"] == 0
    assert not [event for event in world.events if isinstance(event, Notice)]
    driver = world.render(look="b", background="driver", affine="trajectory").reports[0]
    assert "lost" not in driver


def test_an_object_that_leaves_the_picture_is_announced(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from retarget_cli.stages import compose

    monkeypatch.setattr(compose, "share_lost", lambda *_: 0.42)
    result = world.render(affine="trajectory")
    (notice,) = [event.message for event in world.events if isinstance(event, Notice)]
    assert notice == (
        "disc, on the trajectory of bar, is mostly outside the picture in 42% of the frames; `--background driver` "
        "has room for it."
    )
    assert result.reports[0]["lost"] == 0.42


def test_variants_stand_beside_each_other(world: World) -> None:
    asked: list[dict[str, Any]] = [
        {}, {"affine": "trajectory"}, {"background": "driver"}, {"start": "1f", "stop": "5f"}, {"slow": 2}
    ]  # fmt: skip
    names = [world.render(**options).videos[0].name for options in asked]
    assert names == [
        "disc-as-bar.mp4", "disc-as-bar.trajectory.mp4", "disc-as-bar.on-driver.mp4", "disc-as-bar.from1f-to5f.mp4",
        "disc-as-bar.slow2.mp4",
    ]  # fmt: skip
    assert len(list(Path("retargeted/disc--bar").glob("disc-as-bar*.mp4"))) == 5
    assert 'src="disc-as-bar.slow2.mp4"' in Path("retargeted/disc--bar/report.html").read_text()
    world.render()
    assert 'src="disc-as-bar.mp4"' in Path("retargeted/disc--bar/report.html").read_text()


def test_files_of_somebody_else_are_kept(world: World) -> None:
    mine = Path("mine.mp4")
    mine.write_bytes(b"my own film")
    with pytest.raises(UsageError, match="not made by retarget"):
        world.render(out=mine)
    assert world.ran() == []
    assert mine.read_bytes() == b"my own film"
    world.render(out=mine, force=True)
    world.render(out=mine, background="black")
    usual = world.render().videos[0]
    usual.write_bytes(b"cut by hand")
    with pytest.raises(UsageError, match="changed since"):
        world.render()
    assert usual.read_bytes() == b"cut by hand"


def test_drivers_of_one_name_do_not_replace_each_other(world: World, tmp_path: Path) -> None:
    videos = []
    for number, place in enumerate(("one", "two")):
        (tmp_path / place).mkdir()
        video, matte = toy.draw_clip(tmp_path / place, "pole", "bar", 6 + number, size=(80, 96))
        videos.append(world.render(driver=ClipInput(video, matte)).videos[0])
    assert [video.name for video in videos] == ["disc-as-pole.mp4", "disc-as-pole-2.mp4"]
    assert [scan(video).timing.frames for video in videos] == [6, 7]
    assert 'src="disc-as-pole-2.mp4"' in Path("retargeted/disc--bar/report.html").read_text()
