from __future__ import annotations

import numpy as np

from retarget_cli.utils.interpolation import interpolated, smoothstep

TIMES = (0, 40, 80, 100, 200, 240, 280, 330)


def test_a_straight_way_is_walked_evenly_whatever_the_frame_times() -> None:
    values = np.array(TIMES, float)[:, None] * 0.01
    moments = np.linspace(0, 330, 50)
    np.testing.assert_allclose(interpolated(np.array(TIMES, float), values, moments)[:, 0], moments * 0.01, atol=1e-12)


def test_a_swing_between_frames_is_nearer_to_the_truth_than_the_frames_are() -> None:
    times, moments = np.arange(40) / 25, np.arange(312) / 200
    truth = np.sin(2 * np.pi * moments * 2)
    found = interpolated(times, np.sin(2 * np.pi * times * 2)[:, None], moments)[:, 0]
    straight = np.interp(moments, times, np.sin(2 * np.pi * times * 2))
    assert np.abs(found - truth).max() < 0.03
    assert np.abs(found - truth).mean() < 0.4 * np.abs(straight - truth).mean()


def test_beyond_the_first_and_last_time_the_nearest_value_holds() -> None:
    values = np.array([[1.0], [3.0], [2.0]])
    found = interpolated(np.array([1.0, 2.0, 4.0]), values, np.array([0.0, 9.0]))
    np.testing.assert_array_equal(found, [[1.0], [2.0]])


def test_the_smooth_step_is_level_at_both_ends() -> None:
    positions = np.linspace(-1, 2, 301)
    values = smoothstep(positions)
    assert (values[positions <= 0] == 0).all()
    assert (values[positions >= 1] == 1).all()
    assert np.abs(np.diff(values, 2)).max() < 1e-3
