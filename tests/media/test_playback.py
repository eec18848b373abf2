from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from retarget_cli.errors import UsageError
from retarget_cli.media.playback import Playing, Tempo, play
from retarget_cli.media.timing import Timing

UNEVEN = Timing(Fraction(1, 1000), (0, 100, 150, 300), 400)
STEADY = Timing.constant(10, 25)


def played(driver: Timing, **options: Any) -> Playing:
    return play(Tempo.parse(**options), driver, "fox.mp4")


def seconds(timing: Timing) -> list[Fraction]:
    return [pts * timing.time_base for pts in timing.pts]


@pytest.mark.parametrize("options", [{}, {"start": "0"}, {"stop": "10f"}, {"slow": "1"}, {"fps": "25"}])
def test_nothing_asked_nothing_changed(options: dict[str, str]) -> None:
    playing = played(STEADY, **options)
    assert playing.is_plain
    assert playing.timing == STEADY
    assert playing.shown == list(range(10))


def test_slow_motion_stretches_times_and_adds_frames_between() -> None:
    playing = played(UNEVEN, slow="2")
    assert playing.timing == Timing(Fraction(1, 1000), (0, 100, 200, 250, 300, 450, 600, 700), 800)
    assert playing.moments == (0, 50, 100, 125, 150, 225, 300, 350)
    assert playing.shown == [0, 0, 1, 1, 2, 2, 3, 3]
    assert playing.between == [0, 0.5, 0, 0.5, 0, 0.5, 0, 0]
    assert playing.real_time.duration == UNEVEN.duration


@pytest.mark.parametrize("slow", ["2.5", "4", "0.5", "1/3"])
def test_every_frame_of_the_driver_is_kept_at_its_stretched_time(slow: str) -> None:
    playing = played(UNEVEN, slow=slow)
    times = dict(zip(playing.moments, seconds(playing.timing), strict=True))
    assert [times[Fraction(pts)] for pts in UNEVEN.pts] == [Fraction(slow) * t for t in seconds(UNEVEN)]
    assert playing.timing.duration == Fraction(slow) * UNEVEN.duration
    assert max(playing.timing.durations) * playing.timing.time_base <= Fraction(150, 1000)  # as dense as before


def test_a_frame_rate_gives_frames_of_equal_length() -> None:
    playing = played(UNEVEN, fps="60")
    assert playing.timing == Timing.constant(24, 60)
    assert playing.moments[:4] == (0, Fraction(50, 3), Fraction(100, 3), 50)
    ntsc = played(STEADY, fps="29.97")
    assert ntsc.timing == Timing.constant(12, Fraction(30000, 1001))
    assert ntsc.moments[1] == Fraction(1001 * 25, 30000)
    both = played(STEADY, fps="50", slow="3")
    assert both.timing == Timing.constant(60, 50)
    assert both.moments[:2] == (0, Fraction(1, 6))


def test_a_part_begins_with_the_frame_that_shows_then() -> None:
    playing = played(UNEVEN, start="0.12", stop="0.3")
    assert (playing.first, playing.stop, playing.begin, playing.end) == (1, 3, 100, 300)
    assert playing.timing == Timing(Fraction(1, 1000), (0, 50), 200)
    assert playing.moments == (100, 150)
    by_number = played(UNEVEN, start="1f", stop="3f")
    assert (by_number.timing, by_number.moments) == (playing.timing, playing.moments)
    assert played(UNEVEN, start="3f").shown == [3]
    assert played(UNEVEN, stop="0.4").is_plain
    assert played(UNEVEN, start="0.12", stop="0.13").shown == [1]


def test_a_loop_follows_itself_without_a_pause() -> None:
    playing = played(UNEVEN, start="1f", rounds=2)
    assert playing.timing == Timing(Fraction(1, 1000), (0, 50, 200, 300, 350, 500), 600)
    assert playing.moments == (100, 150, 300, 100, 150, 300)
    around = played(STEADY, rounds=3, fps="10")
    assert around.timing.frames == 12
    assert around.moments[4] == 0


@pytest.mark.parametrize(
    ("options", "where", "message"),
    [
        ({"start": "0.4"}, "--from", "has ended"),
        ({"start": "10f"}, "--from", "has ended"),
        ({"stop": "0.401"}, "--to", "has ended"),
        ({"stop": "11f"}, "--to", "has ended"),
        ({"start": "0.2", "stop": "0.2"}, "--to", "before it begins"),
        ({"start": "3f", "stop": "2f"}, "--to", "before it begins"),
        ({"stop": "0"}, "--to", "before it begins"),
        ({"start": "9f", "rounds": 2}, "--loop", "single frame"),
        ({"rounds": 1000, "slow": "64"}, "--fps, --slow, --loop", "640000 frames"),
    ],
)
def test_what_the_clip_does_not_allow(options: dict[str, Any], where: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        played(STEADY, **options)
    assert caught.value.where == where


def test_the_hint_says_how_long_the_clip_is() -> None:
    with pytest.raises(UsageError) as caught:
        played(STEADY, start="5")
    assert caught.value.fix == "fox.mp4 lasts 0.400 s and has 10 frames, 0f to 9f."
