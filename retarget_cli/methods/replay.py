"""Keypoints between the frames they were found on, steadied, and going round."""

from __future__ import annotations

import numpy as np

from retarget_cli.methods.base import Playback
from retarget_cli.methods.smoothing import smoothed

_SEAM = 5  # frames at each end over which a loop is closed
_SEAM_SHARE = 0.25  # of the loop at most


def replayed(points: np.ndarray, playback: Playback) -> np.ndarray:
    """(M, K, 2) float32: the keypoints at every moment of `playback`, from those of every frame, (N, K, 2).

    They are steadied first, if that is asked for. On a frame they then are its own; between two frames they stay
    between the two (see :func:`interpolated`).
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


def interpolated(times: np.ndarray, values: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """(M, ...) values at `moments` (M,) from values (N, ...) at increasing `times` (N,); outside of them, the nearest.

    A piecewise cubic with continuous slopes that goes through every value and never beyond the two it lies between
    (Fritsch and Butland, 1984; slopes are zero where the values turn round).
    """
    if len(times) == 1:
        return np.repeat(values, len(moments), axis=0)
    steps = np.diff(times).reshape(-1, *(1,) * (values.ndim - 1))
    secants = np.diff(values, axis=0) / steps
    slopes = _slopes(steps, secants)
    moments = np.clip(moments, times[0], times[-1])
    at = np.clip(np.searchsorted(times, moments, side="right") - 1, 0, len(times) - 2)
    step = steps[at]
    u = (moments - times[at]).reshape(-1, *step.shape[1:]) / step
    start, end = values[at], values[at + 1]
    bend = u * (1 - u) * step * ((1 - u) * (slopes[at] - secants[at]) - u * (slopes[at + 1] - secants[at]))
    result: np.ndarray = start * (1 - u) + end * u + bend
    return result


def _slopes(steps: np.ndarray, secants: np.ndarray) -> np.ndarray:
    """Slope at every time: a harmonic mean of the secants on both sides, weighted by the lengths of the steps."""
    before, after = secants[:-1], secants[1:]
    near, far = 2 * steps[1:] + steps[:-1], steps[1:] + 2 * steps[:-1]
    same_way = before * after > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(same_way, (near + far) / (near / before + far / after), 0.0)
    return np.concatenate([secants[:1], mean, secants[-1:]])


def _closed(times: np.ndarray, values: np.ndarray, first: int, stop: int, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Three rounds of the part from `first` to `stop`, the middle one at its own times, made continuous."""
    part, length = times[first:stop], end - times[first]
    follows = values[stop] if stop < len(values) else _continued(times, values, end)
    gap = values[first] - follows
    width = min(_SEAM * length / len(part), _SEAM_SHARE * length)
    # Half of the gap at either end: the last poses go towards the first, the first come from the last.
    towards, away = _ramp((part - end + width) / width), _ramp((part[0] + width - part) / width)
    shape = (-1, *(1,) * (values.ndim - 1))
    closed = values[first:stop] + gap / 2 * (towards - away).reshape(shape)
    rounds = [part - length, part, part + length]
    return np.concatenate(rounds), np.concatenate([closed] * 3)


def _continued(times: np.ndarray, values: np.ndarray, end: float) -> np.ndarray:
    """Where the last two values lead by the time `end`."""
    slope = (values[-1] - values[-2]) / (times[-1] - times[-2])
    result: np.ndarray = values[-1] + slope * (end - times[-1])
    return result


def _ramp(position: np.ndarray) -> np.ndarray:
    """From 0 to 1, level at both ends (smoothstep)."""
    inside = np.clip(position, 0, 1)
    result: np.ndarray = inside**2 * (3 - 2 * inside)
    return result
