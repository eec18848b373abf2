from __future__ import annotations

from fractions import Fraction

import pytest

from retarget_cli.media.timing import Timing, repaired


def times(raw: list[int | None], step: int = 10) -> list[int]:
    return [time for time, _ in repaired(((t, None) for t in raw), step)]


def test_numbers_of_a_constant_clip():
    timing = Timing.constant(30, Fraction(30000, 1001))
    assert timing.frames == 30
    assert timing.duration == Fraction(1001, 1000)
    assert timing.rate == Fraction(30000, 1001)
    assert timing.is_constant


def test_a_variable_clip_knows_how_long_each_frame_shows():
    timing = Timing(Fraction(1, 30), (0, 1, 5), 6)
    assert timing.durations == (1, 4, 1)
    assert not timing.is_constant
    assert timing.rate == 15


def test_json_round_trip_is_exact():
    timing = Timing(Fraction(1001, 30000), (0, 1, 5), 7)
    assert Timing.from_json(timing.to_json()) == timing


@pytest.mark.parametrize(("pts", "end"), [((), 1), ((1, 2), 3), ((0, 2, 2), 3), ((0, 2, 1), 3), ((0, 1), 1)], ids=str)
def test_impossible_times_are_refused(pts: tuple[int, ...], end: int):
    with pytest.raises(ValueError, match=r"frame|increasing"):
        Timing(Fraction(1, 25), pts, end)


def test_good_times_stay_as_they_are():
    assert times([5, 15, 16, 90]) == [5, 15, 16, 90]


def test_missing_and_doubled_times_are_spread_between_their_neighbours():
    assert times([0, None, 20, 20, 20, 50]) == [0, 10, 20, 30, 40, 50]


def test_missing_times_at_the_ends_follow_the_nominal_step():
    assert times([None, None, 20, 30, None]) == [0, 10, 20, 30, 40]


def test_times_without_room_between_them_are_pushed_on():
    assert times([0, 0, 0, 1, 2, 30], step=1) == [0, 1, 2, 3, 16, 30]


def test_a_clip_without_any_times_runs_at_the_nominal_step():
    assert times([None] * 40) == list(range(0, 400, 10))


def test_a_clock_that_jumps_back_goes_on_where_it_was():
    raw: list[int | None] = [*range(1000, 1300, 10), *range(0, 400, 10)]
    assert times(raw) == list(range(1000, 1700, 10))


def test_repair_needs_few_frames_in_hand():
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield None, None

    stream = repaired(endless(), 10)
    for _ in range(100):
        next(stream)
    assert taken <= 100 + 17
