"""A first video while the look is still being learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from worlds import UNEVEN, World, config

from retarget_cli.events import Finished, Notice, StageCached, StageFinished, StageStarted
from retarget_cli.media.decode import read_frames, scan
from retarget_cli.methods import get_method
from retarget_cli.pipeline import first_video
from retarget_cli.pipeline.train import TrainResult, train

LONG = "polish.steps=20"


def trained(world: World, draws: str, *changes: str, **flags: Any) -> TrainResult:
    world.events.clear()
    return train(world.a, world.b, config(*changes, **flags), world.store, world.events.append, draws=draws)


def first(world: World, result: TrainResult, name: str) -> Any:
    return world.folder / result.folder / "training" / f"first-{name}.mp4"


def started(world: World) -> list[str]:
    return [event.stage for event in world.events if isinstance(event, StageStarted)]


def test_it_is_there_before_the_look_is_learned(world: World) -> None:
    result = trained(world, "a", LONG)
    video = first(world, result, "disc-as-bar")
    assert scan(video).timing.frames == UNEVEN.frames
    names = [getattr(event, "stage", "") for event in world.events]
    assert names.index("first transfer:disc-as-bar") < names.index("polish")
    told = [event.message for event in world.events if isinstance(event, Notice) and "a first video" in event.message]
    assert told == [f"a first video, whose look is hardly learned yet: {result.folder / 'training' / video.name}"]
    # It is no part of the run, and the video at the end is not this one.
    assert not any(name.startswith("first") for name in result.stages)
    pictures = [np.stack([frame.image for frame in read_frames(each)]) for each in (video, result.videos[0])]
    assert float(np.abs(pictures[0].astype(int) - pictures[1]).mean()) > 0.2
    counted = next(event for event in world.events if isinstance(event, Finished))
    assert (counted.ran, counted.cached) == (
        len(started(world)),
        sum(isinstance(each, StageCached) for each in world.events),
    )
    assert sum(isinstance(event, StageFinished) and event.stage.startswith("first") for event in world.events) == 3


def test_of_a_long_driver_it_shows_the_beginning(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_video, "_LONGEST", 5)
    result = trained(world, "a", LONG)
    assert scan(first(world, result, "disc-as-bar")).timing.pts == UNEVEN.pts[:5]
    assert scan(result.videos[0]).timing.frames == UNEVEN.frames


def test_both_looks_begin_with_the_same_networks(world: World) -> None:
    result = trained(world, "both", LONG)
    assert first(world, result, "disc-as-bar").exists()
    assert first(world, result, "bar-as-disc").exists()
    assert started(world).count("first polish") == 1


def test_there_is_none_where_nobody_waits_for_it(world: World) -> None:
    trained(world, "a")  # a short training
    trained(world, "none", LONG, "colour.steps=7")
    trained(world, "a", LONG, "colour.steps=7")  # trained already, and drawn now
    assert not any(name.startswith("first") for name in started(world))
    assert not list(world.folder.glob("retargeted/*/training/first-*"))


@pytest.mark.parametrize(
    ("method", "change", "steps"),
    [
        ("jokr", "texture.steps=600", 30),
        ("jokr", "texture.steps=200", None),
        ("jokr", "texture.renderer=unet", None),
        ("jokr-paper", "texture.steps=600", None),
    ],
)
def test_only_a_renderer_that_copies_has_something_to_show_early(method: str, change: str, steps: int | None) -> None:
    chosen = get_method(method)
    preset = "paper" if method == "jokr-paper" else "draft"
    settings = chosen.config(preset, (change,))
    quick = chosen.sketch(settings)
    assert (None if quick is None else quick.texture.steps) == steps
    if quick is not None:
        assert chosen.phases(quick) == ("geometry", "texture")
        assert chosen.phase_config(quick, "geometry") == chosen.phase_config(settings, "geometry")
