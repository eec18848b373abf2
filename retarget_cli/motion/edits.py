"""Changes of a motion: each takes one and gives a new one of the same frames and points.

`points` are numbers of keypoints, None for all of them. `part` are the frames that change, None for all; a change grows
from nothing at a part's beginning and shrinks to nothing at its end, so that no point jumps there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from retarget_cli.media.timing import Timing
from retarget_cli.motion.motion import Motion
from retarget_cli.utils.interpolation import interpolated, smoothstep

EASE = 0.25
"""Seconds that a change takes to grow; half of the part in shorter ones."""

Points = Sequence[int] | None


def move(motion: Motion, by: tuple[float, float], points: Points = None, part: range | None = None) -> Motion:
    """Every point further by (dx, dy), in half sides of the crop; x to the right, y down."""
    return _changed(motion, motion.points + np.array(by, np.float32), points, part)


def pull(motion: Motion, by: tuple[float, float], points: Points, frame: int, reach: float) -> Motion:
    """Points further by (dx, dy), in half sides of the crop, on `frame`, and less the longer before and after it.

    reach: seconds from the frame at which nothing of it is left; 0 changes the frame alone.
    """
    apart = np.abs(_seconds(motion) - _seconds(motion)[frame])
    share = smoothstep(1 - apart / reach) if reach > 0 else (apart == 0).astype(np.float64)
    chosen = list(range(len(motion.names)) if points is None else points)
    changed = motion.points.copy()
    changed[:, chosen] += (share[:, None, None] * np.array(by)).astype(np.float32)
    return replace(motion, points=changed)


def freeze(motion: Motion, points: Points = None, part: range | None = None, frame: int | None = None) -> Motion:
    """Points held where they are on `frame`, or in the mean over the part."""
    held = motion.points[list(_inside(motion, part))].mean(axis=0) if frame is None else motion.points[frame]
    return _changed(motion, np.broadcast_to(held, motion.points.shape), points, part)


def exaggerate(motion: Motion, factor: float, points: Points = None, part: range | None = None) -> Motion:
    """Every point `factor` times as far from where it is in the mean over the whole motion; below 1 it moves less."""
    mean = motion.points.mean(axis=0, keepdims=True)
    return _changed(motion, mean + factor * (motion.points - mean), points, part)


def between(motion: Motion, first: int, last: int) -> Motion:
    """From the pose on frame `first` to that on frame `last` > `first` on the shortest way, slow at both ends."""
    times = _seconds(motion)
    share = smoothstep((times - times[first]) / (times[last] - times[first]))[:, None, None]
    poses = motion.points[[first, last]].astype(np.float64)
    points = motion.points.copy()
    points[first + 1 : last] = (poses[0] + share * (poses[1] - poses[0]))[first + 1 : last]
    return replace(motion, points=points)


def blend(motion: Motion, other: Motion, share: float) -> Motion:
    """`motion` with `share` of `other`, which is stretched in time to end with it.

    Times, crops, size and the order of keypoints stay those of `motion`. Raises ValueError when the two are of
    different networks, looks or spaces.
    """
    kinds = [(one.networks, one.look, one.space, one.points.shape[1]) for one in (motion, other)]
    if kinds[0] != kinds[1]:
        raise ValueError("motions of different networks, looks or spaces cannot be blended")
    other = other.arranged(motion.named)
    times, others = _seconds(motion), _seconds(other)
    moments = times * (others[-1] / times[-1] if len(times) > 1 else 0.0)
    points, confidence = (
        ((1 - share) * values + share * interpolated(others, added.astype(np.float64), moments)).astype(np.float32)
        for values, added in ((motion.points, other.points), (motion.confidence, other.confidence))
    )
    return replace(motion, points=points, confidence=np.clip(confidence, 0, 1))


def backwards(motion: Motion) -> Motion:
    """The last frame first, every frame as long as it was."""
    timing = motion.timing
    starts = tuple(timing.end - tick for tick in reversed((*timing.pts[1:], timing.end)))
    return replace(
        motion,
        points=motion.points[::-1].copy(),
        confidence=motion.confidence[::-1].copy(),
        places=motion.places[::-1].copy(),
        timing=Timing(timing.time_base, starts, timing.end),
    )


def _changed(motion: Motion, target: np.ndarray, points: Points, part: range | None) -> Motion:
    """The motion with `points` on their way to `target` (N, K, 2), as far as the change has grown."""
    chosen = list(range(len(motion.names)) if points is None else points)
    weight = _growth(motion, part)[:, None, None]
    result = motion.points.copy()
    result[:, chosen] += (weight * (target[:, chosen] - motion.points[:, chosen])).astype(np.float32)
    return replace(motion, points=result)


def _growth(motion: Motion, part: range | None) -> np.ndarray:
    """(N,) how much of a change there is on each frame; no growing where the part begins or ends with the motion."""
    inside, times = _inside(motion, part), _seconds(motion)
    before, after = inside.start - 1, inside.stop
    opens, closes = before >= 0, after < len(times)
    length = times[min(after, len(times) - 1)] - times[max(before, 0)]
    width = min(EASE, length / (1 + (opens and closes)))
    growth = np.ones(len(times))
    if opens:
        growth = np.minimum(growth, smoothstep((times - times[before]) / width))
    if closes:
        growth = np.minimum(growth, smoothstep((times[after] - times) / width))
    return growth


def _inside(motion: Motion, part: range | None) -> range:
    return range(motion.timing.frames) if part is None else part


def _seconds(motion: Motion) -> np.ndarray:
    """(N,) seconds from the first frame to each."""
    return np.array([float(tick * motion.timing.time_base) for tick in motion.timing.pts])
