"""What artists bring and take home: sequences of pictures with their numbers, layers, timecode, parts of clips."""

from __future__ import annotations

import csv
import json
import shlex
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import toy
from worlds import World, config

import retarget_cli
from retarget_cli.errors import InputError, UsageError
from retarget_cli.events import Notice
from retarget_cli.media.decode import read_frames, scan
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.light import read_light
from retarget_cli.media.probe import timecode_of
from retarget_cli.media.series.timecode import Timecode
from retarget_cli.media.timing import Timing
from retarget_cli.media.transfer import bytes_to_light, halves
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.reproduce import Commands, rendered_files
from retarget_cli.pipeline.train import train as train_pair
from retarget_cli.segmentation.base import Hint

OpenEXR = pytest.importorskip("OpenEXR")
FIRST = 1001
CODE = (10, 59, 59, 23)


def write_exr(path: Path, light: np.ndarray, **attributes: object) -> None:
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **attributes}
    OpenEXR.File(header, {"RGB": np.ascontiguousarray(light)}).write(str(path))


def read_exr(path: Path) -> dict[str, np.ndarray]:
    """The parts of a file by name, as the official package reads them."""
    found = {}
    for part in OpenEXR.File(str(path)).parts:
        ((_, channel),) = part.channels.items()
        found[part.header.get("name", "")] = channel.pixels
    return found


def exr_clip(folder: Path, kind: str, frames: int = 10, size: tuple[int, int] = toy.SIZE) -> Path:
    """A toy clip in linear light whose sky is brighter than white, with a rate, and timecode before a full hour."""
    folder.mkdir()
    for index in range(frames):
        light = bytes_to_light()[toy.frame(kind, index / frames, size)]
        light[:4] = halves(np.linspace(0.5, 9.0, size[0])[None, :, None] * np.ones((4, 1, 3)))
        code = Timecode.parse(":".join(f"{part:02d}" for part in CODE), Fraction(24))
        assert code is not None
        stamp = OpenEXR.TimeCode(*code.later(index).parts, *[0] * 14)
        write_exr(
            folder / f"shot.{FIRST + index:04d}.exr", light, framesPerSecond=Fraction(24000, 1001), timeCode=stamp
        )
    return folder


@pytest.fixture
def exr_world(world: World) -> World:
    """Both clips are EXR sequences; A is named by a pattern."""
    folder = exr_clip(world.folder / "plates", "disc")
    world.a = ClipInput(folder / "shot.%04d.exr", world.a.matte)
    world.b = ClipInput(exr_clip(world.folder / "walk", "bar", 12, (80, 96)), world.b.matte)
    world.train()
    return world


def test_a_shot_comes_back_as_it_was_away_from_the_object(exr_world: World) -> None:
    """The subject drives itself, so each of its frames is behind the frame of its number."""
    world = exr_world
    assert next(iter(world.store.runs()))["pair"] == "shot--walk"
    result = world.render(driver=ClipInput(world.a.path), out=Path("comp/shot.%04d.exr"))
    assert result.videos == [Path("comp")]
    (drawn,) = rendered_files(None, world.store)
    assert drawn.there
    assert drawn.command.endswith("--out comp/shot.%04d.exr") or "--out 'comp/shot.%04d.exr'" in drawn.command
    files = sorted(Path("comp").glob("*.exr"))
    assert [file.name for file in files] == [f"shot.{FIRST + index:04d}.exr" for index in range(10)]
    for index, file in enumerate(files):
        header = OpenEXR.File(str(file)).parts[0].header
        assert header["framesPerSecond"] == Fraction(24000, 1001)
        assert header["retarget:run"] == next(iter(world.store.runs()))["id"]
        assert repr(header["timeCode"]).startswith(str(((10, 59, 59, 23), (11, 0, 0, index - 1))[index > 0])[:-1])
        (true,) = read_exr(world.a.path.parent / file.name).values()
        (made,) = read_exr(file).values()
        away = np.ones(true.shape[:2], bool)
        away[6:60, 14:82] = False  # the disc's way, and where its removal is blended in
        assert np.abs(made.astype(np.float32) - true)[away].max() <= 1e-3
        assert made[:4].max() > 8
        assert np.abs(made.astype(np.float32) - true)[~away].max() > 0.1


def test_layers_add_up_to_the_beauty(exr_world: World) -> None:
    exr_world.render(format="exr", layers="parts", out=Path("parts"), stop="1004f")
    names = ["beauty", "foreground", "matte", "plate", "shadow", "keypoints"]
    files = sorted(Path("parts").glob("*.exr"))
    assert [file.name for file in files] == ["001001.exr", "001002.exr", "001003.exr"]
    for file in files:
        parts = {name: pixels.astype(np.float32) for name, pixels in read_exr(file).items()}
        assert list(parts) == names
        matte, shadow = parts["matte"][..., None], parts["shadow"][..., None]
        whole = parts["foreground"] * matte + parts["plate"] * (1 - shadow) * (1 - matte)
        assert np.abs(whole - parts["beauty"]).max() <= 4e-3 * max(1, whole.max())
        assert 0.02 < matte.mean() < 0.5
        places = json.loads(OpenEXR.File(str(file)).parts[0].header["retarget:keypoints"])
        (x, y, sure) = places["p0"]
        assert parts["keypoints"][round(y), round(x), 3] == 1
        assert 0 <= sure <= 1


def test_a_folder_for_each_layer(exr_world: World) -> None:
    exr_world.render(format="tiff", layers="folders", out=Path("layers"), stop="1003f", background="driver")
    assert sorted(path.name for path in Path("layers").iterdir()) == [
        "beauty", "foreground", "keypoints", "matte", "plate", "shadow", "times.csv",
    ]  # fmt: skip
    assert [path.name for path in sorted(Path("layers/matte").iterdir())] == ["001001.tif", "001002.tif"]
    with Path("layers/times.csv").open() as file:
        assert [row["file"] for row in csv.DictReader(file)] == ["001001.tif", "001002.tif"]
    assert scan(Path("layers/beauty")).info.pixel_format == "rgb48le"
    exr_world.render(format="tiff", layers="folders", out=Path("layers"), stop="1003f")  # replaces its own
    Path("layers/notes.txt").touch()
    with pytest.raises(UsageError, match="holds other files"):
        exr_world.render(format="tiff", layers="folders", out=Path("layers"))


def test_transparent_pictures_in_each_kind(exr_world: World) -> None:
    for word in ("exr", "tiff", "png"):
        exr_world.render(background="alpha", format=word, out=Path(word), stop="1003f")
    (beauty,) = read_exr(Path("exr/001001.exr")).values()
    assert (beauty[..., :3] <= beauty[..., 3:] + 1e-3).all()  # multiplied: no colour here is brighter than white
    tiff = next(read_frames(Path("tiff"), channels="rgba")).image.astype(int)
    png = next(read_frames(Path("png"), channels="rgba")).image.astype(int)
    solid = png[..., 3] == 255
    assert solid.any()
    assert np.abs(tiff - png)[solid].max() <= 1
    assert np.abs(tiff[..., 3] - png[..., 3]).max() <= 1


def test_without_the_package_one_error_says_what_to_install(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.train()
    monkeypatch.setitem(__import__("sys").modules, "OpenEXR", None)
    with pytest.raises(retarget_cli.RetargetError) as caught:
        world.render(format="exr", out=Path("x"))
    assert caught.value.exit_code == 4
    assert "retarget[exr]" in caught.value.fix


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"out": Path("x.exr")}, r"x\.%04d\.exr"),
        ({"format": "hevc", "out": Path("x.webm")}, "not hevc"),
        ({"format": "tiff", "layers": "parts", "out": Path("x")}, "holds no layers"),
        ({"layers": "folders"}, "only sequences"),
        ({"format": "avi"}, "not a format"),
        ({"format": "hevc", "background": "alpha"}, "hold no alpha"),
        ({"format": "av1", "background": "alpha"}, r"av1 files hold no alpha.*Choose webm \(VP9\)"),
        ({"out": Path("x.mxf"), "look": "a"}, "frames of equal length"),
        ({"size": "100x100", "crop": "9:16"}, "has not the shape"),
        ({"size": "large"}, "no size"),
        ({"crop": "round"}, "no shape"),
        ({"out": Path("x.%04d.jpg")}, "not written as"),
    ],
)
def test_what_cannot_be_written_is_refused_in_words(world: World, options: dict[str, object], said: str) -> None:
    world.train()
    with pytest.raises(UsageError) as caught:
        world.render(**options)
    assert __import__("re").search(said, f"{caught.value} {caught.value.fix}")


def test_timecode_goes_from_a_mov_into_a_mov(world: World) -> None:
    code = Timecode.parse("01:00:00:00", Fraction(25))
    with VideoWriter(
        world.folder / "walk.mov", (80, 96), Timing.constant(12, 25), codec="prores", timecode=code
    ) as writer:
        for index in range(12):
            writer.write(toy.frame("bar", index / 12, (80, 96)))
    world.b = ClipInput(world.folder / "walk.mov", world.b.matte)
    world.train()
    for name in ("x.mov", "x.mxf", "x.mp4"):
        world.render(out=Path(name), start="5f", size="320x216")
        assert str(timecode_of(Path(name), Fraction(25))) == "01:00:00:05"
        assert scan(Path(name)).timing.frames == 7


def test_another_frame_round_the_object(world: World) -> None:
    world.train()
    tall = world.render(crop="9:16", background="black").videos[0]
    assert tall.name == "disc-as-bar.on-black.9x16.mp4"
    found = scan(tall).info
    assert (found.width, found.height) == (36, 64)
    for frame in read_frames(tall):  # the disc, never cut off, is in the middle
        columns = np.flatnonzero((frame.image > 60).any(axis=(0, 2)))
        assert columns.size
        assert abs(columns.mean() - 17.5) < 9
    sized = world.render(size="60x90", background="alpha", out=Path("x.mkv")).videos[0]
    picture = next(read_frames(sized, channels="rgba")).image
    assert picture.shape == (90, 60, 4)
    world.render(size="48x48", format="tiff", layers="folders", out=Path("small"))
    assert next(read_frames(Path("small/plate"))).image.shape == (48, 48, 3)


def test_a_part_of_a_clip_is_trained_with_hints_by_its_own_numbers(world: World) -> None:
    world.a = ClipInput(world.a.path, world.a.matte, (Hint(5, (20, 20, 30, 30)),), start="3f", stop="0.9")
    trained = world.train()
    facts = trained.stages["ingest:disc"].json("clip.json")
    assert (len(facts["timing"]["pts"]), facts["offset"]) == (6, "3/10")
    (record, *_) = world.store.runs()
    assert record["clips"]["a"]["part"] == [3, 6]
    words = shlex.split(Commands(record, world.store.root).train())
    assert {"--from=3f", "--to=9f"} <= set(words)
    assert "5:20,20,30,30" in words
    assert scan(world.render(look="b").videos[0]).timing.frames == 6  # found by the whole clips
    whole = ClipInput(world.a.path, world.a.matte)
    again = train_pair(whole, world.b, config(), world.store)
    assert (trained.pair, again.pair) == ("disc--bar-2", "disc--bar")
    with pytest.raises(UsageError, match=r"frame 2 of disc\.mp4 is not used"):
        train_pair(ClipInput(world.a.path, None, (Hint(2, (1, 1, 9, 9)),), start="3f"), world.b, config(), world.store)
    with pytest.raises(UsageError, match="has ended before"):
        train_pair(ClipInput(world.a.path, start="90f"), world.b, config(), world.store)


def test_sound_of_a_part_begins_where_it_does(world: World) -> None:
    world.b = ClipInput(world.b.path, world.b.matte, start="4f")
    world.train()
    drawn = scan(world.render().videos[0])
    assert drawn.info.audio is not None
    assert drawn.timing.frames == 8


def two_shots(path: Path) -> Path:
    with VideoWriter(path, toy.SIZE, Timing.constant(16, Fraction(10)), codec="ffv1") as writer:
        for index in range(16):
            frame = toy.frame("disc", index / 10)
            writer.write(frame if index < 10 else np.ascontiguousarray(255 - frame[::-1]))
    return path


def test_a_clip_with_cuts_is_refused_or_cut_to_its_longest_shot(world: World) -> None:
    clip = two_shots(world.folder / "two.mkv")
    with pytest.raises(InputError, match="a new shot begins on frame 10") as caught:
        retarget_cli.segment(clip, mask=world.a.matte)
    assert "--from 0f --to 10f" in caught.value.fix
    heard: list[object] = []
    found = retarget_cli.segment(clip, mask=world.a.matte, cuts="longest", reporter=heard.append)
    assert scan(found.matte).timing.frames == 10
    assert any(isinstance(event, Notice) and "frames 0 to 9" in event.message for event in heard)
    with pytest.raises(InputError, match="10 frames, but the video has 16"):
        retarget_cli.segment(clip, mask=world.a.matte, cuts="keep")
    with pytest.raises(UsageError, match="not a choice"):
        retarget_cli.segment(clip, cuts="mend")


def test_the_frames_of_a_dissolve_belong_to_no_shot(world: World) -> None:
    """A place turns into another within ten frames; the second one stands longer."""
    clip = world.folder / "mixed.mkv"
    ground = np.random.default_rng(3).integers(0, 256, (2, 6, 9, 3)).astype(np.uint8)
    a, b = (cv2.resize(each, toy.SIZE, interpolation=cv2.INTER_LINEAR) for each in ground)
    with VideoWriter(clip, toy.SIZE, Timing.constant(50, Fraction(10)), codec="ffv1") as writer:
        for share in np.clip((np.arange(50) - 14) / 11, 0, 1):
            writer.write(cv2.addWeighted(a, 1 - share, b, share, 0))
    with pytest.raises(InputError, match=r"begins on frame 2\d \(a dissolve or fade from 1\d on\)") as caught:
        retarget_cli.segment(clip, hints=[Hint(40, (10, 10, 30, 30))])
    begin = int(caught.value.fix.partition("--from ")[2].partition("f")[0])
    assert 25 <= begin <= 28
    heard: list[object] = []
    found = retarget_cli.segment(clip, hints=[Hint(40, (10, 10, 30, 30))], cuts="longest", reporter=heard.append)
    assert scan(found.matte).timing.frames == 50 - begin
    assert any(isinstance(event, Notice) and f"frames {begin} to 49" in event.message for event in heard)


def test_a_driver_with_cuts_is_drawn_with_a_warning(world: World) -> None:
    clip = two_shots(world.folder / "two.mkv")
    with VideoWriter(
        world.folder / "m.mkv", toy.SIZE, Timing.constant(16, Fraction(10)), codec="ffv1", pixels="gray"
    ) as writer:
        for index in range(16):
            writer.write(toy.matte_frame("disc", index / 10))
    world.render(driver=ClipInput(clip, world.folder / "m.mkv"), stop="10f", background="black")
    assert any(isinstance(event, Notice) and "cuts, on frames 10" in event.message for event in world.events)


def test_numbers_of_pictures_are_what_hints_and_parts_are_told_by(world: World) -> None:
    folder = exr_clip(world.folder / "plates", "disc")
    found = retarget_cli.segment(
        folder / "shot.[1001-1010].exr", start="1003f", hints=[Hint(1004, (20, 10, 50, 50))], backend="embedded"
    )
    assert scan(found.matte).timing.frames == 8
    assert found.hint_frame is None or found.hint_frame >= 1003
    with pytest.raises(UsageError, match="begins after 7f"):
        retarget_cli.segment(folder, start="7f")


def test_light_goes_back_the_way_it_came(world: World) -> None:
    """A clip by the camera's curve looks to networks as it does on a screen, and comes back in its curve."""
    retarget_cli.segment(world.a.path, mask=world.a.matte, colour="rec709")
    world.a = ClipInput(world.a.path, world.a.matte, colour="rec709")
    world.train()
    assert "--colour=rec709" in shlex.split(Commands(next(iter(world.store.runs())), world.store.root).train())
    made = next(read_frames(world.render(out=Path("x.mkv")).videos[0])).image
    true = next(read_frames(world.a.path)).image
    assert np.abs(made[:6].astype(int) - true[:6]).max() <= 3
    light = next(read_light(world.a.path))
    assert np.abs(light[:6].astype(float) - bytes_to_light()[true[:6]]).max() < 0.01
