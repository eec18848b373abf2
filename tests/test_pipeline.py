from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy

from retarget_cli import pipeline
from retarget_cli.config import TrainConfig, load_config
from retarget_cli.errors import InputError, Interrupted, UsageError, WorkspaceError
from retarget_cli.events import Event, Finished, Notice, StageCached, StageStarted
from retarget_cli.media.decode import read_frames, scan
from retarget_cli.media.timing import Timing
from retarget_cli.pipeline import ClipInput, RenderOptions
from retarget_cli.store.engine import Store

JUDGED = ("curves", "verdict")
UNEVEN = Timing(Fraction(1, 1000), (0, 100, 150, 300, 420, 500, 610, 700, 810, 900, 1000, 1090), 1200)


def config(*changes: str, **flags: Any) -> TrainConfig:
    return load_config("draft", None, ("crop.size=64", *changes), **{"method": "fake", "device": "cpu", **flags})


@dataclasses.dataclass
class World:
    """A folder with two toy clips and a workspace; the current folder of the tests."""

    folder: Path
    a: ClipInput
    b: ClipInput
    events: list[Event] = dataclasses.field(default_factory=list)

    @property
    def store(self) -> Store:
        return Store(self.folder / ".retarget")

    def train(self, *changes: str, **flags: Any) -> pipeline.TrainResult:
        self.events.clear()
        return pipeline.train(self.a, self.b, config(*changes, **flags), self.store, self.events.append)

    def render(self, **options: Any) -> pipeline.RenderResult:
        self.events.clear()
        return pipeline.render(RenderOptions(**options), self.store, self.events.append)

    def ran(self) -> list[str]:
        return [event.stage for event in self.events if isinstance(event, StageStarted)]


def make_world(folder: Path) -> World:
    disc, disc_matte = toy.draw_clip(folder, "disc", "disc", 10)
    bar, bar_matte = toy.draw_clip(folder, "bar", "bar", timing=UNEVEN, size=(80, 96))
    return World(folder, ClipInput(disc, disc_matte), ClipInput(bar, bar_matte))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("trained")
    world, before = make_world(folder), Path.cwd()
    os.chdir(folder)
    world.train()
    os.chdir(before)
    return world


@pytest.fixture
def world(trained: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A copy of the trained world, so that every test may spoil its own."""
    folder = tmp_path / "world"
    shutil.copytree(trained.folder, folder)
    monkeypatch.chdir(folder)

    def moved(clip: ClipInput) -> ClipInput:
        assert clip.matte is not None
        return ClipInput(folder / clip.path.name, folder / clip.matte.name)

    copy = World(folder, moved(trained.a), moved(trained.b))
    copy.train()  # its clips lie elsewhere now
    yield copy


def test_every_stage_runs_once(trained: World) -> None:
    names = {
        "ingest:disc",
        "matte:disc",
        "overlay:disc",
        "crop:disc",
        "ingest:bar",
        "matte:bar",
        "overlay:bar",
        "crop:bar",
    }
    assert {entry.stage for entry in trained.store.entries()} >= {
        "ingest",
        "matte",
        "overlay",
        "crop",
        "colour",
        "polish",
    }
    record = trained.store.runs()[0]
    assert set(record["stages"]) == names | {"colour", "polish", "sheet:disc--bar", "curves", "verdict"}
    assert record["pair"] == "disc--bar"


def test_a_second_run_finds_everything(world: World) -> None:
    result = world.train()
    assert world.ran() == []
    assert sum(isinstance(event, StageCached) for event in world.events) == 13
    assert [(event.ran, event.cached) for event in world.events if isinstance(event, Finished)] == [(0, 13)]
    assert set(result.held_out) == {"colour", "polish"}
    assert (world.folder / result.folder / "disc_overlay.mp4").exists()


@pytest.mark.parametrize(
    ("changes", "ran"),
    [
        (["polish.steps=5"], ["polish", *JUDGED]),
        (["colour.rate=0.1"], ["colour", "polish", *JUDGED]),
        (["seed=1"], ["colour", "polish", *JUDGED]),
        (["crop.size=48"], ["crop:disc", "crop:bar", "sheet:disc--bar", "colour", "polish", *JUDGED]),
    ],
)
def test_a_change_redoes_what_depends_on_it(world: World, changes: list[str], ran: list[str]) -> None:
    world.train(*changes)
    assert world.ran() == ran


def test_a_renamed_clip_is_still_the_same(world: World) -> None:
    other = world.a.path.with_name("other.mp4")
    world.a.path.rename(other)
    world.a = ClipInput(other, world.a.matte)
    assert world.train().pair == "other--bar"
    assert world.ran() == ["sheet:other--bar", "verdict"]  # they show the names


def test_another_matte_is_another_input(world: World) -> None:
    shutil.copy(world.folder / "disc_matte.mkv", world.folder / "same.mkv")
    world.a = ClipInput(world.a.path, world.folder / "same.mkv")
    world.train()
    assert world.ran() == []
    toy.draw_clip(world.folder, "larger", "bar", 10)
    world.a = ClipInput(world.a.path, world.folder / "larger_matte.mkv")
    world.train()
    assert "matte:disc" in world.ran()


def test_a_finished_run_is_recognised_without_torch(world: World) -> None:
    tests = Path(__file__).parent
    script = (
        f"import sys, time; sys.path.insert(0, {str(tests)!r}); import fake_method; fake_method.register()\n"
        "from pathlib import Path; start = time.monotonic()\n"
        "from retarget_cli import train, render\n"
        "train('disc.mp4', 'bar.mp4', matte_a=Path('disc_matte.mkv'), matte_b=Path('bar_matte.mkv'),"
        " preset='draft', method='fake', size=64, device='cpu')\n"
        "print('torch' in sys.modules, time.monotonic() - start)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded, seconds = done.stdout.split()
    assert loaded == "False"
    assert float(seconds) < 3  # far less on an idle machine


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


def test_alpha_goes_into_a_lossless_file(world: World) -> None:
    result = world.render(background="alpha")
    assert result.videos[0].suffix == ".mkv"
    assert any(isinstance(event, Notice) and "alpha" in event.message for event in world.events)
    frame = next(read_frames(result.videos[0], channels="rgba")).image
    assert frame.shape == (64, 96, 4)
    assert (frame[..., 3].min(), frame[..., 3].max()) == (0, 255)
    with pytest.raises(UsageError, match="alpha"):
        world.render(background="alpha", out=Path("x.mp4"))


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
        ({"out": Path("x.gif")}, "gif"),
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


def test_nothing_trained_yet(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing was trained"):
        pipeline.render(RenderOptions(), Store(tmp_path / "empty"))


def test_clips_that_moved_or_changed(world: World) -> None:
    moved = world.a.path.with_name("moved.mp4")
    world.a.path.rename(moved)
    with pytest.raises(InputError, match="not where it was"):
        world.render()
    world.render(pair=(moved, world.b.path))
    toy.draw_clip(world.folder, "disc", "bar", 9)
    with pytest.raises(InputError, match="changed"):
        world.render()


def test_pruned_results_are_asked_for_again(world: World) -> None:
    place = world.store.runs()[0]["stages"]["colour"]
    shutil.rmtree(world.folder / ".retarget" / place["stage"] / place["key"])
    with pytest.raises(WorkspaceError) as caught:
        world.render()
    assert "retarget train" in caught.value.fix
    world.train()
    assert world.ran() == ["colour"]
    world.render()


def test_the_same_clip_twice_is_refused(world: World) -> None:
    copy = world.folder / "copy.mp4"
    shutil.copy(world.a.path, copy)
    for other in (world.a.path, copy):
        with pytest.raises(UsageError, match="same"):
            pipeline.train(world.a, ClipInput(other), config(), world.store)


@pytest.mark.parametrize("which", ["clip", "matte"])
def test_missing_files(world: World, which: str) -> None:
    missing = world.folder / "missing.mp4"
    clip = ClipInput(missing) if which == "clip" else ClipInput(world.a.path, missing)
    with pytest.raises(InputError) as caught:
        pipeline.train(clip, world.b, config(), world.store)
    assert caught.value.where == str(missing)


def test_a_matte_of_another_size_is_refused(world: World) -> None:
    with pytest.raises(InputError):
        pipeline.train(ClipInput(world.a.path, world.b.matte), world.b, config(), world.store)


def test_scores_of_both_looks(world: World) -> None:
    found = pipeline.evaluate(None, world.store, world.events.append)
    assert set(found) == {"pair", "run", "a", "b", "held_out"}
    for look in "ab":
        assert {"motion", "shape", "appearance", "jitter", "affine"} <= set(found[look])
    assert found["b"]["motion"] > 0.9  # the fake method copies the driver's outline
    json.dumps(found)
    world.events.clear()
    assert pipeline.evaluate((world.a.path, world.b.path), world.store, world.events.append) == found
    assert world.ran() == []


def test_segmenting_one_clip(world: World) -> None:
    world.events.clear()
    result = pipeline.segment(world.a, config().matte, None, world.store, world.events.append)
    assert result.matte == Path("retargeted/segments/disc_matte.mkv")
    assert result.overlay == Path("retargeted/segments/disc_overlay.mp4")
    assert result.report["backend"] == "given"
    assert world.ran() == ["alpha:disc", "flicker:disc", "contact:disc"]
    assert scan(result.overlay).timing.frames == scan(result.matte).timing.frames == 10
    named = pipeline.segment(world.a, config().matte, Path("out/m.mkv"), world.store)
    assert (named.matte, named.overlay) == (Path("out/m.mkv"), Path("out/m_overlay.mp4"))


class Patience:
    """Asks to stop once it was asked often enough."""

    def __init__(self, allowed: int) -> None:
        self.left = allowed

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_stopping_and_going_on(world: World) -> None:
    world.train("seed=7")
    expected = {stage: place["digest"] for stage, place in world.store.runs()[0]["stages"].items()}
    shutil.rmtree(world.folder / ".retarget")
    stops, finished = 0, False
    for allowed in range(1, 400, 9):
        try:
            pipeline.train(world.a, world.b, config("seed=7"), world.store, stop=Patience(allowed))
        except Interrupted as error:
            assert error.exit_code == 130
            stops += 1
        else:
            finished = True
            break
    assert finished
    assert stops > 3
    assert {stage: place["digest"] for stage, place in world.store.runs()[0]["stages"].items()} == expected


def test_an_older_run_is_scored_by_its_id(world: World) -> None:
    older = world.store.runs()[0]["id"]
    newer = world.train("colour.steps=2").run_id
    assert pipeline.evaluate(None, world.store)["run"] == newer
    assert pipeline.evaluate((world.a.path, world.b.path), world.store, run_id=older)["run"] == older
    with pytest.raises(UsageError, match="no run") as caught:
        pipeline.evaluate(None, world.store, run_id="1999")
    assert "retarget runs" in caught.value.fix
