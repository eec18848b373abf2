"""Smoothing is judged on the joints of drawn characters, whose true motion is known, and noise on top."""

from __future__ import annotations

import numpy as np
import pytest

from retarget_cli.methods.playback import noise_level, smoothed
from retarget_cli.samples.pair import roles
from retarget_cli.samples.rig import solve

FRAMES = 80
TIMES = np.arange(FRAMES) / 25


def joints(kind: str) -> np.ndarray:
    """(N, K, 2) a character's joints as it moves, its extent 1.7 as in a crop."""
    role, _ = roles(kind)
    poses = [solve(role.actor.character, role.motion.pose(index), 0, 400).values() for index in range(FRAMES)]
    points = np.array([[(place.x, place.y) for place in pose] for pose in poses])
    return (points - points.mean(axis=(0, 1))) / np.ptp(points, axis=(0, 1)).max() * 1.7


def noisy(points: np.ndarray, deviation: float, seed: int = 0) -> np.ndarray:
    return points + np.random.default_rng(seed).normal(scale=deviation, size=points.shape)


def jitter(points: np.ndarray) -> np.ndarray:
    """(K, 2)"""
    return np.abs(np.diff(points, 2, axis=0)).mean(axis=0)


def kept(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(K, 2) the share of the true movement that is left."""
    true, left = truth - truth.mean(axis=0), found - found.mean(axis=0)
    return (left * true).sum(axis=0) / np.maximum((true**2).sum(axis=0), 1e-12)


@pytest.mark.parametrize("kind", ["quadrupeds", "bipeds", "plants"])
@pytest.mark.parametrize("deviation", [0.004, 0.008])
def test_swings_stay_and_trembling_goes(kind: str, deviation: float) -> None:
    truth = joints(kind)
    seen = noisy(truth, deviation)
    found = smoothed(seen, TIMES, "auto")
    spread = truth.std(axis=0)
    fast, still = spread > 0.05, spread < 0.01
    assert kept(found, truth)[fast].min() > 0.95
    assert kept(np.diff(found, axis=0), np.diff(truth, axis=0))[fast].mean() > 0.97  # speeds, the shortest swings most
    if still.any():
        assert jitter(found)[still].mean() < 0.2 * jitter(seen)[still].mean()
    assert np.square(found - truth).mean() < 0.75 * np.square(seen - truth).mean()


@pytest.mark.parametrize("kind", ["quadrupeds", "bipeds", "plants"])
def test_without_noise_nothing_is_done(kind: str) -> None:
    truth = joints(kind).astype(np.float32)
    np.testing.assert_allclose(smoothed(truth, TIMES, "auto"), truth, atol=1e-4)


@pytest.mark.parametrize("period", [0.24, 0.4, 0.8])
@pytest.mark.parametrize("width", [0.05, 0.2])
def test_a_small_fast_swing_is_not_taken_for_noise(period: float, width: float) -> None:
    swing = width * np.sin(2 * np.pi * TIMES / period)[:, None, None] * np.ones((1, 8, 1))
    found = smoothed(noisy(swing, width / 8), TIMES, "auto")
    assert kept(found, swing).mean() > 0.95


def test_a_lone_kick_is_not_taken_for_noise() -> None:
    kick = np.zeros((FRAMES, 20, 1))
    kick[40:48] = 0.2 * np.sin(np.pi * np.arange(8) / 8)[:, None, None]
    seen = noisy(kick, 0.01)
    found = smoothed(seen, TIMES, "auto")
    assert found.max(axis=0).mean() > 0.95 * 0.2
    assert jitter(found[:36]).mean() < 0.6 * jitter(seen[:36]).mean()


@pytest.mark.parametrize("times", [TIMES, np.cumsum(np.random.default_rng(3).uniform(0.01, 0.09, FRAMES))])
def test_a_strength_in_seconds_halves_swings_of_that_period(times: np.ndarray) -> None:
    def left(period: float) -> float:
        swing = np.sin(2 * np.pi * times / period)[:, None, None]
        return float(kept(smoothed(swing, times, 0.3)[10:-10], swing[10:-10])[0, 0])

    assert left(0.3) == pytest.approx(0.5, abs=0.08)
    assert left(0.6) == pytest.approx(16 / 17, abs=0.04)


def test_nothing_lags_behind_and_a_straight_way_stays() -> None:
    swing = np.sin(2 * np.pi * TIMES)[:, None, None]
    found = smoothed(noisy(swing, 0.05), TIMES, "auto")
    delays = range(-3, 4)
    fits = [float((np.roll(found, -delay, axis=0) * swing)[5:-5].sum()) for delay in delays]
    assert delays[int(np.argmax(fits))] == 0
    straight = (0.3 * TIMES)[:, None, None]
    np.testing.assert_allclose(smoothed(straight, TIMES, 1.0), straight, atol=1e-4)


def test_uneven_times_are_no_noise() -> None:
    times = np.cumsum(np.random.default_rng(4).uniform(0.01, 0.09, FRAMES))
    swing = np.sin(2 * np.pi * times / 1.5)[:, None]
    assert noise_level(swing, np.diff(times))[0] < 0.02
    assert noise_level(noisy(swing, 0.1), np.diff(times))[0] == pytest.approx(0.1, rel=0.3)


def test_zero_and_too_few_frames_change_nothing() -> None:
    points = noisy(np.zeros((5, 3, 2)), 1.0)
    assert smoothed(points, TIMES[:5], 0) is points
    assert smoothed(points, TIMES[:5], "auto") is points
