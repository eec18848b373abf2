"""Carrying a soft matte from one frame to all others along the flow."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from retarget_cli.segment.barrier import barrier_distance
from retarget_cli.segment.base import Hint
from retarget_cli.segment.colour_model import ColourModel
from retarget_cli.segment.guided_filter import guided_filter
from retarget_cli.segment.refine import Refinement
from retarget_cli.segment.soft import grow, logit, otsu, sigmoid, to_bytes, to_float
from retarget_cli.segment.working import WorkingClip, allocate
from retarget_cli.vision.flow import warp_by_flow
from retarget_cli.vision.regions import components

_TRUST = 2.0
"""Weight of what the flow says against what the colours say."""
_REACH = 0.05
"""How far, as a share of the shorter side, the object may reach beyond where the flow puts it."""

_SAME_REGION = 0.3
"""A region continues one of the frame before when this share of it lies where the flow puts that one."""


def reach(clip: WorkingClip) -> int:
    """Pixels that the object may be off its carried place."""
    return max(2, round(_REACH * min(clip.size)))


def spans(hints: Sequence[Hint], count: int) -> list[tuple[Hint, int, int]]:
    """Each hint with the first and last frame for which it is the nearest one in time; sorted by frame."""
    ordered = sorted({hint.frame: hint for hint in hints}.values(), key=lambda hint: hint.frame)
    middles = [(a.frame + b.frame) // 2 for a, b in itertools.pairwise(ordered)]
    firsts = [0, *(middle + 1 for middle in middles)]
    lasts = [*middles, count - 1]
    return list(zip(ordered, firsts, lasts, strict=True))


def seed(clip: WorkingClip, hint: Hint) -> np.ndarray:
    """A soft matte of the hint's frame from its box and points alone, (h, w) uint8.

    In a box, what stands free of its border is taken. Without one, a disc of a twelfth of the frame's longer side
    round each positive point stands in for it.
    """
    width, height = clip.size
    scale = np.array([width / clip.native[0], height / clip.native[1]])
    inside = box_area(clip, hint.box) if hint.box else _discs(hint, True, scale, (height, width), 1 / 12)
    soft = np.where(inside, 0.7, 0.02).astype(np.float32)
    if hint.box:
        x, y, w, h = cv2.boundingRect(inside.astype(np.uint8))
        soft[y : y + h, x : x + w] = _free_of_border(clip.lab[hint.frame, y : y + h, x : x + w])
    soft[_discs(hint, True, scale, (height, width), 1 / 60)] = 0.98
    soft[_discs(hint, False, scale, (height, width), 1 / 60)] = 0.02
    packed, gate = (allocate(clip.lab.shape[:3], np.uint8) for _ in range(2))
    packed[hint.frame] = to_bytes(soft)
    gate[hint.frame] = grow(inside.astype(np.uint8), 1 if hint.box else reach(clip))
    Refinement(clip, packed, np.array([hint.frame]), gate, neighbours=False).run(2)
    return packed[hint.frame]


def _free_of_border(lab: np.ndarray) -> np.ndarray:
    """Probability that a pixel belongs to what stands free of the border, (h, w) float32."""
    if min(lab.shape[:2]) < 8:
        return np.full(lab.shape[:2], 0.7, np.float32)
    distance = cv2.resize(barrier_distance(lab[None])[0], lab.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    threshold = max(0.8 * otsu(distance), 1.0)
    return (0.02 + 0.9 * sigmoid((distance - threshold) / (threshold / 6))).astype(np.float32)


def box_area(clip: WorkingClip, box: tuple[float, float, float, float]) -> np.ndarray:
    """The working pixels in a box given in native pixels, (h, w) bool, never empty."""
    width, height = clip.size
    across, down = width / clip.native[0], height / clip.native[1]
    left, top = (min(max(0, round(at)), most - 1) for at, most in ((box[0] * across, width), (box[1] * down, height)))
    area = np.zeros((height, width), bool)
    area[
        top : max(top + 1, round((box[1] + box[3]) * down)), left : max(left + 1, round((box[0] + box[2]) * across))
    ] = True
    return area


def _discs(hint: Hint, positive: bool, scale: np.ndarray, shape: tuple[int, int], share: float) -> np.ndarray:
    """Discs of `share` of the longer side round the positive or the negative points, (h, w) bool."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    area = np.zeros(shape, bool)
    for x, y, kind in hint.points:
        if kind == positive:
            area |= (columns - x * scale[0]) ** 2 + (rows - y * scale[1]) ** 2 <= (share * max(shape)) ** 2
    return area


def carry(
    clip: WorkingClip, start: np.ndarray, span: tuple[Hint, int, int], packed: np.ndarray, tick: Callable[[], None]
) -> None:
    """Fill the span's frames of `packed` (N, h, w) from the hint's frame outwards.

    start: (h, w) uint8 soft matte of the hint's frame. Every frame starts from its neighbour's matte moved by the flow,
    and the colours of the hint's frame correct it near that place.
    """
    hint, first, last = span
    packed[hint.frame] = start
    model = ColourModel.fit([(clip.bins(hint.frame), to_float(start))])
    for step, stop in ((1, last), (-1, first)):
        for frame in range(hint.frame + step, stop + step, step):
            moved = to_float(warp_by_flow(packed[frame - step], clip.flow(frame, -step)))
            near = grow((moved > 0.3).astype(np.uint8), reach(clip))
            odds = 0.5 * model.logit(clip.bins(frame)) + _TRUST * logit(moved)
            soft = sigmoid(guided_filter(clip.guide(frame), odds.astype(np.float32), 1, 1e-3))
            packed[frame] = to_bytes(soft * near)
            tick()


def follow(
    clip: WorkingClip,
    start: np.ndarray,
    span: tuple[Hint, int, int],
    found: np.ndarray,
    packed: np.ndarray,
    tick: Callable[[], None],
) -> None:
    """Fill the span's frames of `packed` with those regions of `found` that continue `start` through time.

    start: (h, w) uint8, the chosen regions of the hint's frame. Unlike carrying, this cannot drift.
    """
    hint, first, last = span
    packed[hint.frame] = start
    for step, stop in ((1, last), (-1, first)):
        for frame in range(hint.frame + step, stop + step, step):
            moved = warp_by_flow(packed[frame - step], clip.flow(frame, -step)) > 127
            labels, areas = components(found[frame] > 127)
            shared = np.bincount(labels.ravel(), weights=moved.ravel(), minlength=len(areas))
            kept = shared > _SAME_REGION * np.maximum(areas, 1)
            kept[0] = False
            near = grow(kept[labels].astype(np.uint8), 1)
            packed[frame] = np.where(near > 0, found[frame], 0)
            tick()
