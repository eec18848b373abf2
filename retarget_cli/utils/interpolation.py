"""Values between the times at which they are known."""

from __future__ import annotations

import numpy as np


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


def smoothstep(position: np.ndarray) -> np.ndarray:
    """From 0 to 1, level at both ends (smoothstep)."""
    inside = np.clip(position, 0, 1)
    result: np.ndarray = inside**2 * (3 - 2 * inside)
    return result
