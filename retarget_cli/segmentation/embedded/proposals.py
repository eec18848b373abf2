"""Proposals of where the object is, and the choice among them by a short trial.

What tells good mattes from bad ones is how different the object's colours are from those just outside it, and that it
moves against the scene while they do not. Whether neighbouring mattes agree tells nothing: wrong mattes are just as
steady."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from retarget_cli.segmentation.embedded.models import ChangeModel, usual_change
from retarget_cli.segmentation.embedded.passes import Passes
from retarget_cli.segmentation.embedded.proxy_clip import ProxyClip
from retarget_cli.segmentation.embedded.refine import Refinement
from retarget_cli.segmentation.masks import grow, logit, otsu, overlap, sigmoid, to_bytes, to_float
from retarget_cli.utils.sampling import evenly
from retarget_cli.utils.threads import mapped
from retarget_cli.vision.regions import largest_components, largest_share, window_around

# Barrier distances:
_SIDE = 96
_CHUNK = 64
_PASSES = 3
_CHANNEL_WEIGHTS = (1.0, 1.5, 1.5)

# The proposals:
_RING = 0.07
_LEAST_BARRIER = 12.0
_GENEROUS = 0.8
"""Below the best threshold: what is taken for the object at first can be given back, what is missed is hard to find."""
_LEAST_MOTION = 0.3
_WINDOW = 24
_LEAST_CHANGED = 0.002

# The trial:
_TRIAL_FRAMES = 16
_TRIAL_ITERATIONS = 3
TRIAL_FRAMES = 5 * _TRIAL_FRAMES * _TRIAL_ITERATIONS
"""Frames that the trials of all proposals come to."""
_BINS = (8, 16, 16)


@dataclass(frozen=True)
class Choice:
    """The proposal taken, (N, h, w) uint8 probabilities, and the IoU of the best two after their trials, [0, 1]."""

    packed: np.ndarray
    agreement: float


@dataclass(frozen=True)
class Near:
    """Places of the object that hints name.

    propagated: (N, h, w) uint8, what they show, taken to all frames.
    gate: (N, h, w) uint8, 0 where the object cannot be.
    boxes: by frame, (h, w) bool areas that just hold the object.
    """

    propagated: np.ndarray
    gate: np.ndarray
    boxes: Mapping[int, np.ndarray]


def choose_proposal(clip: ProxyClip, near: Near | None = None) -> Choice | None:
    """Try every proposal on a few frames and take the best; None when none of them finds anything."""
    contrast, motion = contrast_proposal(clip), motion_proposal(clip)
    proposals = [one for one in (contrast, motion, change_proposal(clip)) if one is not None]
    if not proposals and near is None:
        return None
    if contrast is not None and motion is not None:
        proposals.append(both_proposal(clip, contrast, motion))
    proposals.append(place_proposal(clip))
    if near is not None:
        for one in proposals:
            for index in clip.passes.through(clip.count):
                one[index][near.gate[index] == 0] = 5
        proposals.append(near.propagated)
    tried = [(packed, *_try(clip, packed, near)) for packed in proposals]
    tried = sorted((one for one in tried if one[1] >= 0), key=lambda one: -one[1])
    if not tried:
        return None
    agreement = max((overlap(tried[0][2], other[2]) for other in tried[1:]), default=0.0)
    return Choice(tried[0][0], agreement)


def _try(clip: ProxyClip, proposal: np.ndarray, near: Near | None) -> tuple[float, np.ndarray]:
    """The score of a proposal, see `score_trial`, and the mattes it leads to on the frames tried, (n, h, w) bool."""
    boxes = near.boxes if near else {}
    frames = np.unique([*evenly(clip.count, _TRIAL_FRAMES), *boxes])
    packed = clip.layer()
    packed[frames] = proposal[frames]
    trial = Refinement(clip, packed, frames, near.gate if near else None, neighbours=False)
    packed = trial.run(_TRIAL_ITERATIONS)
    score = score_trial(clip, packed, frames)
    if boxes:
        score *= float(np.mean([box_fit(packed[frame] > 127, area) for frame, area in boxes.items()]))
    return score, packed[frames] > 127


def box_fit(mask: np.ndarray, area: np.ndarray) -> float:
    """IoU of the box round `mask` with the box `area`, both (h, w) bool; 0 when the mask is empty."""
    box = window_around(largest_components(mask))
    if box is None:
        return 0.0
    found = np.zeros_like(area)
    found[box] = True
    return overlap(found, area)


def contrast_proposal(clip: ProxyClip) -> np.ndarray | None:
    """Propose what stands free of the border in colour; None for a clip without contrast."""
    distance = barrier_distance(clip.lab, clip.passes)
    if np.percentile(distance[:: max(1, clip.count // 1000)], 99.5) < _LEAST_BARRIER:
        return None
    threshold = _GENEROUS * otsu(distance[:: max(1, clip.count // 200)])
    packed = clip.layer()
    for index in clip.passes.through(clip.count):
        wide = cv2.resize(distance[index], clip.size, interpolation=cv2.INTER_LINEAR)
        packed[index] = to_bytes(likely((wide - threshold) / (threshold / 6)))
    return packed


def residual_motion(clip: ProxyClip, index: int) -> np.ndarray:
    """Speed of every pixel relative to the camera, (h, w) float32, proxy pixels a frame."""
    step = 1 if index + 1 < clip.count else -1
    matrix = clip.path.between(index, index + step).astype(np.float32)
    width, height = clip.size
    xs, ys = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    flow = clip.flow(index, step)
    across = flow[..., 0] - (matrix[0, 0] * xs + matrix[0, 1] * ys + matrix[0, 2] - xs)
    down = flow[..., 1] - (matrix[1, 0] * xs + matrix[1, 1] * ys + matrix[1, 2] - ys)
    return np.hypot(across, down)


def motion_proposal(clip: ProxyClip) -> np.ndarray | None:
    """Propose what moves against the camera's motion, now and over two seconds; None when nothing does."""
    if clip.count < 2:
        return None
    few = evenly(clip.count, 60)
    speeds = np.stack([residual_motion(clip, index) for index in few])
    if np.percentile(speeds, 99) < _LEAST_MOTION:
        return None
    unit = max(0.15, 2 * float(np.median(speeds[:, border_ring(clip.size)])))
    moving, mixed = clip.layer(), clip.layer()
    for index in range(clip.count):
        squared = residual_motion(clip, index) ** 2
        moving[index] = to_bytes(squared / (squared + unit * unit))
        clip.passes.tick("motion")
    for index, mean in zip(clip.passes.through(clip.count), _running_mean(moving), strict=True):
        mixed[index] = to_bytes(0.5 * to_float(moving[index]) + 0.5 * mean)
    threshold = max(otsu(to_float(mixed[few])), 0.05)
    for index in clip.passes.through(clip.count):
        mixed[index] = to_bytes(likely((to_float(mixed[index]) - threshold) / 0.05))
    return mixed


def change_proposal(clip: ProxyClip) -> np.ndarray | None:
    """Propose what differs from its place in the scene a little earlier and later; None when hardly anything does."""
    if (usual_change(clip.change[clip.sampled]) > 0).mean() < _LEAST_CHANGED:
        return None
    packed = clip.layer()
    for index in clip.passes.through(clip.count):
        level = cv2.GaussianBlur(usual_change(clip.change[index]).astype(np.float32), (0, 0), 1.0)
        packed[index] = to_bytes(likely((level - 2.0) / 0.5))
    return packed


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


def both_proposal(clip: ProxyClip, contrast: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """Propose the mean of the log odds of contrast and motion."""
    packed = clip.layer()
    for index in clip.passes.through(clip.count):
        odds = logit(to_float(contrast[index])) + logit(to_float(motion[index]))
        packed[index] = to_bytes(sigmoid(0.5 * odds))
    return packed


def place_proposal(clip: ProxyClip) -> np.ndarray:
    """Propose all but a ring along the border: for an object that fills the frame."""
    packed, inside = clip.layer(), np.where(border_ring(clip.size), 5, 153).astype(np.uint8)
    for index in clip.passes.through(clip.count):
        packed[index] = inside
    return packed


def likely(odds: np.ndarray) -> np.ndarray:
    """Probability of log odds by a first guess, which leaves everything possible: 0.02 to 0.92."""
    return 0.02 + 0.9 * sigmoid(odds)


def border_ring(size: tuple[int, int]) -> np.ndarray:
    """(h, w) bool, True within 7 % of the shorter side from the border."""
    width, height = size
    border = max(1, round(_RING * min(size)))
    ring = np.ones((height, width), bool)
    ring[border:-border, border:-border] = False
    return ring


def barrier_distance(lab: np.ndarray, passes: Passes | None = None) -> np.ndarray:
    """Barrier distance of every pixel from the border, summed over L, a and b.

    lab: (N, h, w, 3) uint8; passes: count the frames, where given.
    Returns (N, h', w') float32 in units of Lab bytes; the longer side is at most 96 px.
    """
    height, width = lab.shape[1:3]
    scale = min(1.0, _SIDE / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    shape = len(lab), size[1], size[0]
    distance = np.empty(shape, np.float32) if passes is None else passes.scratch.array(shape, np.float32)

    def fill(start: int) -> int:
        chunk = lab[start : start + _CHUNK]
        distance[start : start + _CHUNK] = _chunk(chunk, size)
        return len(chunk)

    for done in mapped(fill, range(0, len(lab), _CHUNK)):
        for _ in range(done):
            if passes is not None:
                passes.tick("contrast")
    return distance


def _chunk(lab: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    small = [cv2.resize(cv2.GaussianBlur(image, (0, 0), 1.0), size, interpolation=cv2.INTER_AREA) for image in lab]
    images = np.stack(small).astype(np.float32)
    parts = [w * _one_channel(np.ascontiguousarray(images[..., k])) for k, w in enumerate(_CHANNEL_WEIGHTS)]
    return np.sum(parts, axis=0)


def _one_channel(values: np.ndarray) -> np.ndarray:
    high, low = values.copy(), values.copy()
    distance = np.full(values.shape, np.inf, np.float32)
    distance[:, 0] = distance[:, -1] = 0
    distance[:, :, 0] = distance[:, :, -1] = 0
    for _ in range(_PASSES):
        for axis in (1, 2):
            layers = [np.moveaxis(layer, axis, 0) for layer in (values, high, low, distance)]
            for reverse in (False, True):
                _sweep(*(layer[::-1] if reverse else layer for layer in layers))
    return distance


def _sweep(values: np.ndarray, high: np.ndarray, low: np.ndarray, distance: np.ndarray) -> None:
    """Extend paths from every line into the next one, straight and diagonally, for all frames at once; in place."""
    last = values.shape[-1] - 1
    for line in range(1, len(values)):
        for shift in (0, -1, 1):
            target = slice(max(0, shift), last + 1 + min(0, shift))
            source = slice(max(0, -shift), last + 1 - max(0, shift))
            here = values[line, :, target]
            top = np.maximum(high[line - 1, :, source], here)
            bottom = np.minimum(low[line - 1, :, source], here)
            barrier = top - bottom
            better = (barrier < distance[line, :, target]) & np.isfinite(distance[line - 1, :, source])
            np.copyto(distance[line, :, target], barrier, where=better)
            np.copyto(high[line, :, target], top, where=better)
            np.copyto(low[line, :, target], bottom, where=better)


def separation(lab: np.ndarray, mask: np.ndarray) -> float:
    """1 minus the Bhattacharyya coefficient of the colours inside and just outside of `mask`; 0 when it is empty.

    lab: (h, w, 3) uint8; mask: (h, w) bool.
    """
    if not mask.any() or mask.all():
        return 0.0
    reach = max(2, round(0.06 * min(mask.shape)))
    band = (grow(mask.astype(np.uint8), reach) > 0) & ~(grow(mask.astype(np.uint8), 1) > 0)
    core = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    inside, outside = _histogram(lab[core if core.any() else mask]), _histogram(lab[band if band.any() else ~mask])
    return float(1.0 - np.sqrt(inside * outside).sum())


def _histogram(colours: np.ndarray) -> np.ndarray:
    light, a, b = (colours[:, k].astype(int) for k in range(3))
    a, b = (np.clip(channel, 64, 191) - 64 >> 3 for channel in (a, b))
    counts = np.bincount((light >> 5) * 256 + a * 16 + b, minlength=int(np.prod(_BINS))).reshape(_BINS)
    smooth: np.ndarray = counts.astype(np.float32)
    for axis in range(3):
        padded = np.pad(smooth, [(1, 1) if k == axis else (0, 0) for k in range(3)])
        size = smooth.shape[axis]
        before, here, after = (np.take(padded, range(shift, shift + size), axis) for shift in range(3))
        smooth = 0.25 * before + 0.5 * here + 0.25 * after
    return smooth.ravel() / max(float(smooth.sum()), 1e-6)


def border_share(mask: np.ndarray) -> float:
    """Share of the frame's top and side border that `mask` covers."""
    border = np.concatenate([mask[0], mask[:, 0], mask[:, -1]])
    return float(border.mean())


def score_trial(clip: ProxyClip, packed: np.ndarray, frames: np.ndarray) -> float:
    """Judge a trial by how separate in colour, whole, free of the border and believable in size its mattes are.

    About [0, 1], more is better; -1 when nothing that could be an object was found.
    """
    masks = [packed[frame] > 127 for frame in frames]
    areas = np.array([mask.mean() for mask in masks])
    present = areas > 0.002
    if present.mean() < 0.5 or np.median(areas) > 0.85:
        return -1.0
    rows = [
        (separation(clip.lab[frame], mask), largest_share(mask), border_share(mask), solidity(mask))
        for frame, mask, seen in zip(frames, masks, present, strict=True)
        if seen
    ]
    apart, whole, border, solid = np.array(rows).mean(axis=0)
    hard = np.array(masks).astype(np.uint8) * np.uint8(255)
    moving = ChangeModel(clip.change[frames], hard, np.arange(len(frames)))
    apart = 0.5 * apart + 0.5 * (1.0 - moving.overlap())
    spread = float(areas[present].std() / areas[present].mean())
    value = apart * (0.4 + 0.6 * whole) * (1.0 - border) * (0.5 + 0.5 * solid) * float(present.mean()) / (1.0 + spread)
    return float(value)


def solidity(mask: np.ndarray) -> float:
    """Area over area after a generous opening and closing: 1 for a compact shape, low for scattered texture."""
    radius = max(1, round(0.015 * min(mask.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    flat = mask.astype(np.uint8)
    opened, closed = cv2.morphologyEx(flat, cv2.MORPH_OPEN, kernel), cv2.morphologyEx(flat, cv2.MORPH_CLOSE, kernel)
    return float(opened.sum() / max(1, int(closed.sum())))
