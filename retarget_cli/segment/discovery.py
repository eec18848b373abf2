"""Where the object may be when nobody says: first guesses from contrast, motion, both, and place.

Each guess is tried on a few frames, and the one whose result separates best from its surroundings is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from retarget_cli.sampling import evenly
from retarget_cli.segment.barrier import barrier_distance
from retarget_cli.segment.clip_arrays import allocate
from retarget_cli.segment.refine import Refinement
from retarget_cli.segment.soft import logit, otsu, sigmoid, to_bytes, to_float
from retarget_cli.segment.stillness import usual_change
from retarget_cli.segment.trial import TrialScore, score_trial
from retarget_cli.segment.working import WorkingClip
from retarget_cli.vision.regions import box_of, largest_components

_TRIAL_FRAMES = 16
_TRIAL_ITERATIONS = 3
_RING = 0.07
_LEAST_BARRIER = 12.0
_GENEROUS = 0.8
"""Below the best threshold: what is taken for the object at first can be given back, what is missed is hard to find."""
_LEAST_MOTION = 0.3
_WINDOW = 24
_LEAST_CHANGED = 0.002


@dataclass(frozen=True)
class Start:
    """A first guess. name: ``contrast``, ``motion``, ``both`` or ``place``; packed: (N, h, w) uint8 probabilities."""

    name: str
    packed: np.ndarray


@dataclass(frozen=True)
class Choice:
    """The guess taken, and how well the results of the guesses agree (IoU of the best two, [0, 1])."""

    start: Start
    agreement: float


def contrast_start(clip: WorkingClip) -> Start | None:
    """What stands free of the border in colour; None for a clip without contrast."""
    distance = barrier_distance(clip.lab)
    if np.percentile(distance, 99.5) < _LEAST_BARRIER:
        return None
    threshold = _GENEROUS * otsu(distance[:: max(1, clip.count // 200)])
    packed = allocate(clip.lab.shape[:3], np.uint8)
    for index in range(clip.count):
        wide = cv2.resize(distance[index], clip.size, interpolation=cv2.INTER_LINEAR)
        packed[index] = to_bytes(0.02 + 0.9 * sigmoid((wide - threshold) / (threshold / 6)))
    return Start("contrast", packed)


def residual_motion(clip: WorkingClip, index: int) -> np.ndarray:
    """Speed of every pixel relative to the camera, (h, w) float32, working pixels a frame."""
    step = 1 if index + 1 < clip.count else -1
    matrix = clip.path.between(index, index + step).astype(np.float32)
    width, height = clip.size
    xs, ys = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    flow = clip.flow(index, step)
    across = flow[..., 0] - (matrix[0, 0] * xs + matrix[0, 1] * ys + matrix[0, 2] - xs)
    down = flow[..., 1] - (matrix[1, 0] * xs + matrix[1, 1] * ys + matrix[1, 2] - ys)
    return np.hypot(across, down)


def motion_start(clip: WorkingClip) -> Start | None:
    """What moves against the camera's own motion, now and over two seconds; None when nothing does."""
    if clip.count < 2:
        return None
    few = evenly(clip.count, 60)
    speeds = np.stack([residual_motion(clip, index) for index in few])
    if np.percentile(speeds, 99) < _LEAST_MOTION:
        return None
    unit = max(0.15, 2 * float(np.median(speeds[:, border_ring(clip.size)])))
    moving = allocate(clip.lab.shape[:3], np.uint8)
    for index in range(clip.count):
        squared = residual_motion(clip, index) ** 2
        moving[index] = to_bytes(squared / (squared + unit * unit))
    mixed = allocate(moving.shape, np.uint8)
    for index, mean in enumerate(_running_mean(moving)):
        mixed[index] = to_bytes(0.5 * to_float(moving[index]) + 0.5 * mean)
    threshold = max(otsu(to_float(mixed[few])), 0.05)
    for index in range(clip.count):
        mixed[index] = to_bytes(0.02 + 0.9 * sigmoid((to_float(mixed[index]) - threshold) / 0.05))
    return Start("motion", mixed)


def change_start(clip: WorkingClip) -> Start | None:
    """What differs from the same place of the scene a little earlier and later; None when hardly anything does."""
    usual = usual_change(clip.change)
    if (usual[clip.sampled] > 0).mean() < _LEAST_CHANGED:
        return None
    packed = allocate(clip.lab.shape[:3], np.uint8)
    for index in range(clip.count):
        level = cv2.GaussianBlur(usual[index].astype(np.float32), (0, 0), 1.0)
        packed[index] = to_bytes(0.02 + 0.9 * sigmoid((level - 2.0) / 0.5))
    return Start("change", packed)


def _running_mean(packed: np.ndarray) -> Iterator[np.ndarray]:
    """Mean over up to `_WINDOW` frames either side, (h, w) float32, one a frame."""
    total = packed[: _WINDOW + 1].astype(np.float64).sum(axis=0)
    for index in range(len(packed)):
        first, last = max(0, index - _WINDOW), min(len(packed) - 1, index + _WINDOW)
        yield (total / (255.0 * (last - first + 1))).astype(np.float32)
        if index + _WINDOW + 1 < len(packed):
            total += packed[index + _WINDOW + 1]
        if index - _WINDOW >= 0:
            total -= packed[index - _WINDOW]


def both_start(contrast: Start, motion: Start) -> Start:
    """Mean of the log odds of contrast and motion."""
    packed = allocate(contrast.packed.shape, np.uint8)
    for index in range(len(packed)):
        odds = logit(to_float(contrast.packed[index])) + logit(to_float(motion.packed[index]))
        packed[index] = to_bytes(sigmoid(0.5 * odds))
    return Start("both", packed)


def place_start(clip: WorkingClip) -> Start:
    """Anything but a ring along the border: for an object that fills the frame."""
    packed = allocate(clip.lab.shape[:3], np.uint8)
    packed[:] = np.where(border_ring(clip.size), 5, 153).astype(np.uint8)
    return Start("place", packed)


def border_ring(size: tuple[int, int]) -> np.ndarray:
    """(h, w) bool, True within 7 % of the shorter side from the border."""
    width, height = size
    border = max(1, round(_RING * min(size)))
    ring = np.ones((height, width), bool)
    ring[border:-border, border:-border] = False
    return ring


@dataclass(frozen=True)
class Near:
    """What hints say: a guess carried from them, where to look, and boxes by frame.

    gate: (N, h, w) uint8, 0 where the object cannot be; boxes: (h, w) bool areas that just hold the object.
    """

    carried: Start
    gate: np.ndarray
    boxes: Mapping[int, np.ndarray]


def choose_start(clip: WorkingClip, tick: Callable[[], None], near: Near | None = None) -> Choice | None:
    """Try every guess on a few frames and take the best; None when none of them finds anything."""
    contrast, motion = contrast_start(clip), motion_start(clip)
    starts = [start for start in (contrast, motion, change_start(clip)) if start is not None]
    if not starts and near is None:
        return None
    if contrast is not None and motion is not None:
        starts.append(both_start(contrast, motion))
    starts.append(place_start(clip))
    if near is not None:
        for start in starts:
            np.copyto(start.packed, 5, where=near.gate == 0)
        starts.append(near.carried)
    tried = [(start, *_try(clip, start, near, tick)) for start in starts]
    tried = sorted((one for one in tried if one[1].valid), key=lambda one: -one[1].value)
    if not tried:
        return None
    agreement = max((_overlap(tried[0][2], other[2]) for other in tried[1:]), default=0.0)
    return Choice(tried[0][0], agreement)


def _try(clip: WorkingClip, start: Start, near: Near | None, tick: Callable[[], None]) -> tuple[TrialScore, np.ndarray]:
    """The score of a guess, and the mattes it leads to on the frames tried, (n, h, w) bool."""
    spread = np.linspace(0, clip.count - 1, min(clip.count, _TRIAL_FRAMES)).round().astype(int)
    frames = np.unique(np.concatenate([spread, np.array(sorted(near.boxes) if near else [], int)]))
    packed = _only(start.packed, frames)
    trial = Refinement(clip, packed, frames, near.gate if near else None, neighbours=False)
    trial.run(_TRIAL_ITERATIONS, tick)
    score = score_trial(clip, packed, frames)
    fits = [box_fit(packed[frame] > 127, area) for frame, area in near.boxes.items()] if near else []
    value = score.value * (float(np.mean(fits)) if fits else 1.0)
    return TrialScore(value, score.valid), packed[frames] > 127


def box_fit(mask: np.ndarray, area: np.ndarray) -> float:
    """IoU of the box round `mask` with the box `area`, both (h, w) bool; 0 when the mask is empty."""
    box = box_of(largest_components(mask))
    if box is None:
        return 0.0
    x, y, w, h = box
    found = np.zeros_like(area)
    found[y : y + h, x : x + w] = True
    return _overlap(found, area)


def _only(packed: np.ndarray, frames: np.ndarray) -> np.ndarray:
    copy = allocate(packed.shape, np.uint8)
    copy[frames] = packed[frames]
    return copy


def _overlap(first: np.ndarray, second: np.ndarray) -> float:
    union = np.logical_or(first, second).sum()
    return float(np.logical_and(first, second).sum() / union) if union else 0.0
