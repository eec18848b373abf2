"""What people get of a training: previews while it runs and afterwards, curves, the verdict."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import toy

from retarget_cli.events import Artifact, Event, Notice, Preview, StageFinished, StageStarted
from retarget_cli.media.decode import read_frames, scan
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.images import read_picture
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.settings import load_config
from retarget_cli.pipeline.train import TrainResult
from retarget_cli.pipeline.train import train as train_pair
from retarget_cli.store.engine import Store

TRAINING = Path("retargeted/disc--bar/training")
PREVIEWS = {f"{phase}-{step:05d}.png" for phase, steps in (("colour", (2, 3, 4, 5, 6)), ("polish", (1, 2, 3, 4))) for step in steps}  # fmt: skip  # noqa: E501


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ClipInput, ClipInput]:
    monkeypatch.chdir(tmp_path)
    a, b = (toy.draw_clip(tmp_path, kind, kind, 20) for kind in ("disc", "bar"))
    return ClipInput(*a), ClipInput(*b)


def train(clips: tuple[ClipInput, ClipInput], *changes: str) -> tuple[TrainResult, list[Event]]:
    config = load_config("draft", None, ("crop.size=64", *changes), method="fake", device="cpu")
    events: list[Event] = []
    return train_pair(*clips, config, Store(Path(".retarget")), events.append), events


def test_previews_appear_while_training_runs(clips: Any) -> None:
    _, events = train(clips)
    kept = [event for event in events if not isinstance(event, Preview)]
    assert kept == events  # they are turned into files for people
    stage = next(i for i, e in enumerate(events) if isinstance(e, StageStarted) and e.stage == "colour")
    done = next(i for i, e in enumerate(events) if isinstance(e, StageFinished) and e.stage == "colour")
    early = [e.path.name for e in events[stage:done] if isinstance(e, Artifact) and e.kind == "preview"]
    assert early == sorted(name for name in PREVIEWS if name.startswith("colour"))
    assert sum(isinstance(e, Notice) and str(TRAINING) in e.message for e in events) == 1


def test_everything_is_there_in_the_end_and_after_a_cached_run(clips: Any) -> None:
    result, _ = train(clips)
    files = {path.name: path.read_bytes() for path in TRAINING.iterdir()}
    assert files.keys() == PREVIEWS | {"curves.png"}
    assert read_picture(TRAINING / "colour-00006.png").shape[2] == 3
    text = (result.folder / "verdict.txt").read_text()
    shutil.rmtree("retargeted")
    again, events = train(clips)
    assert not [event for event in events if isinstance(event, StageStarted)]
    assert {path.name: path.read_bytes() for path in TRAINING.iterdir()} == files
    assert (again.folder / "verdict.txt").read_text() == text
    assert again.verdict == result.verdict


def test_previews_of_an_earlier_training_go(clips: Any) -> None:
    train(clips, "colour.steps=25")
    assert (TRAINING / "colour-00025.png").exists()
    (TRAINING / "mine.png").touch()
    train(clips)
    assert {path.name for path in TRAINING.iterdir()} == PREVIEWS | {"curves.png", "mine.png"}


def test_previews_of_phases_that_a_training_does_without_go(clips: Any) -> None:
    TRAINING.mkdir(parents=True)
    (TRAINING / "detail-00020.png").write_bytes(b"of an earlier training")
    train(clips)
    assert {path.name for path in TRAINING.glob("*-*.png")} == PREVIEWS


def test_the_verdict_joins_what_the_method_and_the_clips_say(clips: Any) -> None:
    result, events = train(clips)
    severities = {finding.name: finding.severity for finding in result.verdict}
    assert severities == {"short clip A": "weak", "short clip B": "weak", "colours": "good"}
    assert [finding.name for finding in result.verdict][-1] == "colours"  # the worst first
    text = (result.folder / "verdict.txt").read_text()
    assert text.startswith("verdict on disc (A) and bar (B): 1 good, 2 weak\n")
    assert "Learned in 6 steps." in text
    assert Artifact("report", result.folder / "verdict.txt") in events


def test_the_verdict_doubts_a_matte_that_is_none(clips: Any) -> None:
    frames = [255 - frame.image for frame in read_frames(clips[0].matte, channels="gray")]
    upside_down = Path("inverted.mkv")
    with VideoWriter(upside_down, toy.SIZE, scan(clips[0].path).timing, codec="ffv1", pixels="gray") as writer:
        for frame in frames:
            writer.write(frame)
    result, _ = train((ClipInput(clips[0].path, upside_down), clips[1]))
    (doubt,) = [finding for finding in result.verdict if finding.name == "doubtful matte A"]
    assert doubt.severity == "bad"
    assert "of the picture" in doubt.says
    assert "--mask-a" in doubt.advice
