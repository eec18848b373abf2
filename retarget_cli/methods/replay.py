"""Keypoints between the frames they were found on, steadied, and going round."""

from __future__ import annotations

import numpy as np

from retarget_cli.interpolation import interpolated, smoothstep
from retarget_cli.methods.base import Playback
from retarget_cli.methods.smoothing import smoothed

_SEAM = 5  # frames at each end over which a loop is closed
_SEAM_SHARE = 0.25  # of the loop at most


def replayed(points: np.ndarray, playback: Playback) -> np.ndarray:
    """(M, K, 2) float32: the keypoints at every moment of `playback`, from those of every frame, (N, K, 2).

    They are steadied first, if that is asked for. On a frame they then are its own; between two frames they stay
    between the two (see :func:`~retarget_cli.interpolation.interpolated`).
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
    """Where the last two values lead by the time `end`."""
    slope = (values[-1] - values[-2]) / (times[-1] - times[-2])
    result: np.ndarray = values[-1] + slope * (end - times[-1])
    return result
