"""Keypoints over time: at the moments to draw, and smoothed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from retarget_cli.methods.base import Playback
from retarget_cli.utils.interpolation import interpolated, smoothstep

_SEAM = 5  # frames at each end over which a loop is closed
_SEAM_SHARE = 0.25  # of the loop at most


def replayed(points: np.ndarray, playback: Playback) -> np.ndarray:
    """(M, K, 2) float32: the keypoints at every moment of `playback`, from those of every frame, (N, K, 2).

    They are steadied first, if that is asked for. On a frame they then are its own; between two frames they stay
    between the two (see :func:`~retarget_cli.utils.interpolation.interpolated`).
    After the last frame the pose is held. In a loop, what the last pose lacks to the first is made up for near both.
    """
    zero = playback.times[0]
    times = np.array([float(tick - zero) for tick in playback.times])
    moments = np.array([float(moment - zero) for moment in playback.moments])
    values = smoothed(points, times * float(playback.tick), playback.smooth).astype(np.float64)
    if playback.loop is not None:
        first, stop, end = playback.loop
        times, values = _closed(times, values, first, stop, float(end - zero))
    return interpolated(times, values, moments).astype(np.float32)


def _closed(times: np.ndarray, values: np.ndarray, first: int, stop: int, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Three rounds of the part from `first` to `stop`, the middle one at its own times, made continuous."""
    part, length = times[first:stop], end - times[first]
    follows = values[stop] if stop < len(values) else _continued(times, values, end)
    gap = values[first] - follows
    width = min(_SEAM * length / len(part), _SEAM_SHARE * length)
    # Half of the gap at either end: the last poses go towards the first, the first come from the last.
    towards, away = smoothstep((part - end + width) / width), smoothstep((part[0] + width - part) / width)
    shape = (-1, *(1,) * (values.ndim - 1))
    closed = values[first:stop] + gap / 2 * (towards - away).reshape(shape)
    rounds = [part - length, part, part + length]
    return np.concatenate(rounds), np.concatenate([closed] * 3)


def _continued(times: np.ndarray, values: np.ndarray, end: float) -> np.ndarray:
    """The value that the last two lead to by the time `end`."""
    slope = (values[-1] - values[-2]) / (times[-1] - times[-2])
    return values[-1] + slope * (end - times[-1])


_FEWEST = 8  # frames; of fewer, noise cannot be told from motion
_PERIODS = 24  # candidates of `auto`
_SHORTEST = 2.5  # frames; a period that short is none: nothing is smoothed
_LONGEST = 2.0  # clips
_CAUTION = 0.7  # of the most likely period: a fast swing then loses a quarter of what it would lose
_REACH = 2.5  # standard deviations of the noise by which `auto` moves a point at most: a lone kick is no noise
_UNKNOWN = 1e8  # variance of what nothing is known about, in variances of the noise


def smoothed(points: np.ndarray, times: np.ndarray, strength: float | Literal["auto"]) -> np.ndarray:
    """(N, K, 2) keypoints without their trembling. times: (N,) seconds, increasing, evenly or not.

    Every coordinate is taken for a point that accelerates at random, seen with noise, and its most likely path is what
    comes out: a Kalman filter and its way back (Rauch, Tung and Striebel, 1965), which for this model is a cubic
    smoothing spline. The way back sees what comes after, so nothing lags behind.
    strength: 0 for none; seconds: a swing with that period keeps half of its width, one of twice the period 94 %;
    ``auto``: for every coordinate the most likely one, which is none for what has no noise.
    """
    if strength == 0 or len(points) < (_FEWEST if strength == "auto" else 3):
        return points
    values = points.reshape(len(points), -1).astype(np.float64)
    steps = np.diff(times)
    if strength == "auto":
        found = _most_likely(values, steps)
    else:
        found = _path(values, steps, np.full(values.shape[1], _agility(float(strength), steps)))
    return found.reshape(points.shape).astype(np.float32)


def _agility(period: float, steps: np.ndarray) -> float:
    """The strength of the accelerations, over the noise, for a swing of `period` seconds to keep half of its width.

    Of a swing with angular frequency w the spline keeps 1 / (1 + step w^4 / agility).
    """
    return float(steps.mean() * (2 * np.pi / period) ** 4)


def _most_likely(values: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """(N, C) the smoothed columns of `values`, each with the period that explains it best (see :func:`smoothed`)."""
    periods = np.geomspace(_SHORTEST * steps.mean(), _LONGEST * steps.sum(), _PERIODS)
    agilities = np.array([_agility(period, steps) for period in periods])
    noise = noise_level(values, steps)
    # The noise that suits a period best would take a small fast swing for noise; the one measured alone would find
    # noise in a swing that has none. Where they differ, less is smoothed.
    best = np.min([each.argmax(axis=0) for each in _likelihoods(values, steps, agilities, noise)], axis=0)
    noisy = (best > 0) & (noise > 1e-7)
    result = values.copy()
    if noisy.any():
        agility = agilities[best[noisy]] / _CAUTION**4
        moved = _path(values[:, noisy], steps, agility) - values[:, noisy]
        reach = _REACH * noise[noisy]
        result[:, noisy] += np.clip(moved, -reach, reach)
    return result


def noise_level(values: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """(C,) standard deviation of the noise on each column: what five frames have beyond any cubic through time.

    A swing of six frames adds an eighth of its own deviation. From medians, so that a lone jump counts for little.
    """
    times = np.concatenate([[0.0], np.cumsum(steps)])
    windows = np.lib.stride_tricks.sliding_window_view(times, 5)
    apart = windows[:, :, None] - windows[:, None, :] + np.eye(5)
    weights = 1 / apart.prod(axis=2)
    weights /= np.sqrt((weights**2).sum(axis=1, keepdims=True))
    seen = np.lib.stride_tricks.sliding_window_view(values, 5, axis=0)
    return 1.4826 * np.median(np.abs(np.einsum("nw,ncw->nc", weights, seen)), axis=0)


def _likelihoods(
    values: np.ndarray, steps: np.ndarray, agilities: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(G, C) log likelihoods, but for constants, of every column for every agility.

    First at the noise that suits the column best, then at its `noise` (C,).
    """
    squares = np.zeros((len(agilities), values.shape[1]))
    spreads = np.zeros((len(agilities), 1))
    for index, state in enumerate(_filtered(values, steps, agilities[:, None])):
        if index >= 2:  # the first two say where it starts and how fast
            squares += state.surprise**2 / state.spread
            spreads += np.log(state.spread)
    count = len(values) - 2
    free = -count * np.log(np.maximum(squares / count, 1e-20)) - spreads
    return free / 2, (-squares / np.maximum(noise, 1e-9) ** 2 - spreads) / 2


@dataclass(frozen=True)
class _State:
    """The knowledge at a frame, in variances of the noise: place and speed after it and (`was`) before it was seen.

    mean: (2, ...); variance: (3, ...) of the place, of both together, of the speed. surprise: what was seen less what
    was expected; spread: its variance.
    """

    mean: np.ndarray
    variance: np.ndarray
    mean_was: np.ndarray
    variance_was: np.ndarray
    surprise: np.ndarray
    spread: np.ndarray


def _filtered(values: np.ndarray, steps: np.ndarray, agility: np.ndarray) -> Iterator[_State]:
    """The states at all frames, in order. agility: (C,), or (G, 1) for all columns at once."""
    mean = np.zeros((2, *np.broadcast_shapes(agility.shape, values.shape[1:])))
    mean[0] += values[0]
    variance = np.stack([np.full(agility.shape, _UNKNOWN), np.zeros(agility.shape), np.full(agility.shape, _UNKNOWN)])
    for index, value in enumerate(values):
        if index:
            step = steps[index - 1]
            (place, speed), (own, both, pace) = mean, variance
            mean = np.stack([place + step * speed, speed])
            variance = np.stack(
                [
                    own + 2 * step * both + step**2 * pace + agility * step**3 / 3,
                    both + step * pace + agility * step**2 / 2,
                    pace + agility * step,
                ]
            )
        spread, surprise = variance[0] + 1, value - mean[0]
        gain, push = variance[0] / spread, variance[1] / spread
        after = np.stack([gain, variance[1] * (1 - gain), variance[2] - push * variance[1]])
        seen = mean + np.stack(np.broadcast_arrays(gain * surprise, push * surprise))
        yield _State(seen, after, mean, variance, surprise, spread)
        mean, variance = seen, after


def _path(values: np.ndarray, steps: np.ndarray, agility: np.ndarray) -> np.ndarray:
    """(N, C) the most likely places, given everything that was seen. agility: (C,)."""
    states = list(_filtered(values, steps, agility))
    later, places = states[-1].mean, [states[-1].mean[0]]
    for state, following, step in zip(states[-2::-1], states[:0:-1], steps[::-1], strict=True):
        own, both, pace = state.variance
        # How this state goes along with the next, (own, both; both, pace) F', times the inverse of the next's variance.
        a, b, c = following.variance_was
        scale = a * c - b * b
        rows = ((own + step * both, both), (both + step * pace, pace))
        off = later - following.mean_was
        across = np.stack([c * off[0] - b * off[1], a * off[1] - b * off[0]]) / scale
        later = state.mean + np.stack([row[0] * across[0] + row[1] * across[1] for row in rows])
        places.append(later[0])
    return np.stack(places[::-1])
