from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import toy
from worlds import TINY, World, config, make_world

from retarget_cli.errors import InputError, Interrupted, UsageError, WorkspaceError
from retarget_cli.events import Finished, Notice, StageCached
from retarget_cli.media.decode import scan
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.timing import Timing
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.evaluate import evaluate
from retarget_cli.pipeline.options import RenderOptions
from retarget_cli.pipeline.render import render
from retarget_cli.pipeline.segment import segment
from retarget_cli.pipeline.train import train
from retarget_cli.store.engine import Store

JUDGED = ("curves", "verdict")


def test_every_stage_runs_once(trained: World) -> None:
    names = {
        "ingest:disc",
        "matte:disc",
        "doubts:disc",
        "overlay:disc",
        "crop:disc",
        "ingest:bar",
        "matte:bar",
        "doubts:bar",
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
    assert sum(isinstance(event, StageCached) for event in world.events) == 15
    assert [(event.ran, event.cached) for event in world.events if isinstance(event, Finished)] == [(0, 15)]
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
    tests = Path(__file__).parents[1] / "support"
    script = (
        f"import sys, time; sys.path.insert(0, {str(tests)!r}); import fake_method; fake_method.register()\n"
        "from pathlib import Path; start = time.monotonic()\n"
        "from retarget_cli import train, render\n"
        "train('disc.mp4', 'bar.mp4', mask_a=Path('disc_matte.mkv'), mask_b=Path('bar_matte.mkv'),"
        " preset='draft', method='fake', size=64, device='cpu')\n"
        "print('torch' in sys.modules, time.monotonic() - start)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded, seconds = done.stdout.split()
    assert loaded == "False"
    assert float(seconds) < 3  # far less on an idle machine


def test_nothing_trained_yet(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing was trained"):
        render(RenderOptions(), Store(tmp_path / "empty"))


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
            train(world.a, ClipInput(other), config(), world.store)


@pytest.mark.parametrize("which", ["clip", "matte"])
def test_missing_files(world: World, which: str) -> None:
    missing = world.folder / "missing.mp4"
    clip = ClipInput(missing) if which == "clip" else ClipInput(world.a.path, missing)
    with pytest.raises(InputError) as caught:
        train(clip, world.b, config(), world.store)
    assert caught.value.where == str(missing)


def test_a_matte_of_another_size_is_refused(world: World) -> None:
    with pytest.raises(InputError):
        train(ClipInput(world.a.path, world.b.matte), world.b, config(), world.store)


def test_scores_of_both_looks(world: World) -> None:
    found = evaluate(None, world.store, world.events.append)
    assert set(found) == {"pair", "run", "a", "b", "held_out"}
    for look in "ab":
        assert {"motion", "shape", "appearance", "jitter", "affine"} <= set(found[look])
    assert found["b"]["motion"] > 0.9  # the fake method copies the driver's outline
    json.dumps(found)
    world.events.clear()
    assert evaluate((world.a.path, world.b.path), world.store, world.events.append) == found
    assert world.ran() == []


def test_segmenting_one_clip(world: World) -> None:
    world.events.clear()
    result = segment(world.a, config().matte, None, world.store, world.events.append)
    assert result.matte == Path("retargeted/segments/disc_matte.mkv")
    assert result.overlay == Path("retargeted/segments/disc_overlay.mp4")
    assert result.report["backend"] == "given"
    assert world.ran() == ["alpha:disc", "flicker:disc", "contact:disc"]
    assert scan(result.overlay).timing.frames == scan(result.matte).timing.frames == 10
    named = segment(world.a, config().matte, Path("out/m.mkv"), world.store)
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
            train(world.a, world.b, config("seed=7"), world.store, stop=Patience(allowed))
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
    assert evaluate(None, world.store)["run"] == newer
    assert evaluate((world.a.path, world.b.path), world.store, run_id=older)["run"] == older
    with pytest.raises(UsageError, match="no run") as caught:
        evaluate(None, world.store, run_id="1999")
    assert "retarget runs" in caught.value.fix


def said(world: World, level: str = "note") -> list[str]:
    return [event.message for event in world.events if isinstance(event, Notice) and event.level == level]


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return make_world(tmp_path)


def test_what_training_takes_is_told_once_it_was_measured(fresh: World) -> None:
    fresh.train()
    assert [line for line in said(fresh) if "not known on this machine yet" in line and "are free" in line]
    fresh.train("polish.steps=7", "colour.steps=9")
    (line,) = [line for line in said(fresh) if "this takes about" in line]
    assert "of disk" in line
    fresh.train("polish.steps=7", "colour.steps=9")
    assert not [line for line in said(fresh) if "this takes" in line or "are free" in line]


def test_a_doubtful_matte_is_told_before_training_on_it(fresh: World) -> None:
    with VideoWriter(Path("inverted.mkv"), toy.SIZE, Timing.constant(10, 10), codec="ffv1", pixels="gray") as writer:
        for index in range(10):
            writer.write(255 - toy.matte_frame("disc", index / 10))
    fresh.a = ClipInput(fresh.a.path, Path("inverted.mkv"))
    for _ in range(2):  # new, and from the workspace
        fresh.train()
        (line,) = said(fresh, "warning")
        assert "--mask-a" in line
        picture = Path(line.rpartition(" See ")[2])
        assert picture == Path("retargeted/disc--bar/disc_overlay.mp4")
        assert picture.is_file()
    fresh.events.clear()
    train(fresh.a, fresh.b, config(seed=5), fresh.store, fresh.events.append)
    kinds = [event.message if isinstance(event, Notice) else getattr(event, "stage", "") for event in fresh.events]
    assert next(i for i, what in enumerate(kinds) if "may be wrong" in what) < kinds.index("colour")


def test_training_ends_with_a_video_where_one_is_wanted(fresh: World) -> None:
    assert fresh.train().videos == ()
    fresh.events.clear()
    result = train(fresh.a, fresh.b, config(), fresh.store, fresh.events.append, draws="a")
    assert result.videos == (Path("retargeted/disc--bar/disc-as-bar.mp4"),)
    (video,) = result.videos
    assert scan(video).timing.frames == 12
    assert len([event for event in fresh.events if isinstance(event, Finished)]) == 1
    both = train(fresh.a, fresh.b, config(), fresh.store, fresh.events.append, draws="both")
    assert [path.name for path in both.videos] == ["disc-as-bar.mp4", "bar-as-disc.mp4"]
    video.write_bytes(b"cut by hand")
    again = train(fresh.a, fresh.b, config(), fresh.store, fresh.events.append, draws="a")
    assert again.videos == ()
    assert video.read_bytes() == b"cut by hand"


def test_scenes_are_prepared_for_the_looks_that_are_wanted_only(fresh: World) -> None:
    train(fresh.a, fresh.b, config(seed=7), fresh.store, fresh.events.append, draws="b")
    assert {name for name in fresh.ran() if name.startswith(("plate", "footage"))} == {"plate:bar", "footage:bar"}


def test_a_look_that_there_is_not_is_refused_before_anything_starts(fresh: World) -> None:
    with pytest.raises(UsageError, match="'all' is not a choice"):
        train(fresh.a, fresh.b, config(), fresh.store, draws="all")


def test_which_clip_is_mirrored_is_told(fresh: World) -> None:
    fresh.train(*TINY, method="jokr", flip="yes")
    assert [line for line in said(fresh) if line.startswith("bar is mirrored")]
    messages = [event for event in fresh.events if isinstance(event, Notice)]
    assert len(set(messages)) == len(messages)
