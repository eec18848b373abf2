"""Rendering with another part, frame rate, length or number of rounds of the driver."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from worlds import UNEVEN, World

from retarget_cli.errors import UsageError
from retarget_cli.events import Notice
from retarget_cli.media.decode import read_frames, scan
from retarget_cli.media.timing import Timing

DRAWN = ["transfer:disc-as-bar", "footage:disc", "compose:disc-as-bar"]


def seconds(video: Path) -> list[Fraction]:
    """When each frame appears, and when the last one goes."""
    timing = scan(video).timing
    return [pts * timing.time_base for pts in (*timing.pts, timing.end)]


def places(video: Path) -> np.ndarray:
    """(N,) the mean row of what is drawn on black, in pixels."""
    rows = [np.nonzero(frame.image.max(axis=2) > 60)[0].mean() for frame in read_frames(video)]
    return np.array(rows)


def heard(world: World) -> list[str]:
    return [event.message for event in world.events if isinstance(event, Notice) and "sound" in event.message]


def test_the_driver_as_it_is_has_its_own_results(world: World) -> None:
    world.render(compare=True)
    world.render(compare=True, start="0", stop="12f", slow="1", loop=1, smooth="0")
    assert world.ran() == []
    world.render(smooth="auto")
    assert world.ran()[0] == "transfer:disc-as-bar"


def test_slow_motion_takes_longer_without_sound(world: World) -> None:
    video = world.render(slow="2", background="black").videos[0]
    times = [pts * UNEVEN.time_base for pts in (*UNEVEN.pts, UNEVEN.end)]
    assert seconds(video)[::2] == [2 * time for time in times]
    assert seconds(video)[1::2] == [start + end for start, end in pairwise(times)]
    assert world.ran() == DRAWN
    assert heard(world) == ["the driver's sound is left out: it takes another time than its sound."]
    assert scan(video).info.audio is None


def test_a_frame_rate_keeps_time_and_sound(world: World) -> None:
    video = world.render(fps="60", compare=True).videos[0]
    assert scan(video).timing.durations == (scan(video).timing.durations[0],) * 72
    assert seconds(video) == [Fraction(k, 60) for k in range(73)]
    assert heard(world) == []
    assert scan(video).info.audio is not None
    comparison = video.with_name(f"{video.stem}-compare.mp4")
    assert seconds(comparison) == seconds(video)


def test_a_part_is_what_the_whole_shows_then(world: World) -> None:
    whole = places(world.render(background="black").videos[0])
    video = world.render(background="black", start="0.3", stop="8f").videos[0]
    np.testing.assert_allclose(places(video), whole[3:8], atol=0.3)
    expected = Timing(UNEVEN.time_base, tuple(pts - 300 for pts in UNEVEN.pts[3:8]), 810 - 300)
    assert seconds(video) == [pts * expected.time_base for pts in (*expected.pts, expected.end)]
    assert scan(video).info.audio is not None


@pytest.mark.parametrize("background", ["subject", "driver"])
def test_a_loop_plays_again(world: World, background: str) -> None:
    video = world.render(loop=3, stop="4f", background=background).videos[0]
    once = [Fraction(tick, 1000) for tick in (0, 100, 150, 300)]
    assert seconds(video)[:-1] == [time + rounds * Fraction(420, 1000) for rounds in range(3) for time in once]
    assert heard(world) == ["the driver's sound is left out: it is looped."]


def test_the_drivers_scene_is_shown_at_the_drivers_moments(world: World) -> None:
    def frames(**options: Any) -> np.ndarray:
        return np.stack([frame.image for frame in read_frames(world.render(background="driver", **options).videos[0])])

    whole = frames().astype(float)
    part = frames(start="5f", stop="9f", loop=2)
    assert np.abs(part - whole[[5, 6, 7, 8] * 2]).mean() < 2
    assert np.abs(whole[5:9] - whole[:4]).mean() > 3


def test_a_driver_of_another_length_than_the_subject(world: World) -> None:
    """Twelve frames in 1.2 s move a subject of ten in 1.0 s, and the other way; looped, both run out of scene."""
    result = world.render(look="both", loop=4)
    assert [seconds(video)[-1] for video in result.videos] == [Fraction(48, 10), Fraction(4)]


def test_both_looks_are_cut_by_their_own_drivers(world: World) -> None:
    with pytest.raises(UsageError, match=r"disc\.mp4 has ended"):
        world.render(look="both", start="11f")
    assert world.ran() == []


@pytest.mark.parametrize(
    "options",
    [{"start": "soon"}, {"start": "2"}, {"start": "0.5", "stop": "0.2"}, {"fps": "0"}, {"slow": -1}, {"smooth": 2}],
)
def test_times_that_make_no_sense(world: World, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        world.render(**options)
    assert world.ran() == []


def test_scores_are_about_the_drivers_own_times(world: World) -> None:
    from retarget_cli.pipeline.evaluate import evaluate

    before = evaluate(None, world.store)
    world.render(look="both", slow="2", fps="30", background="black")
    assert evaluate(None, world.store) == before
