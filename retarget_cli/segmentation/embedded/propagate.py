"""Propagating probabilities from one frame to all others along the flow."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from retarget_cli.segmentation.base import Hint
from retarget_cli.segmentation.embedded.models import ColourModel
from retarget_cli.segmentation.embedded.proposals import barrier_distance, likely
from retarget_cli.segmentation.embedded.proxy_clip import ProxyClip
from retarget_cli.segmentation.embedded.refine import Refinement
from retarget_cli.segmentation.guided_filter import guided_filter
from retarget_cli.segmentation.masks import grow, logit, otsu, sigmoid, to_bytes, to_float
from retarget_cli.vision.flow import warp_by_flow
from retarget_cli.vision.regions import components

Span = tuple[Hint, int, int]
"""A hint, and the first and last of the frames that belong to it."""

_FLOW_WEIGHT = 2.0
"""Weight of what the flow says against what the colours say."""
_REACH = 0.05
"""How far, as a share of the shorter side, the object may reach beyond where the flow puts it."""

_USUAL_AREA = 0.6
_CLOSE = 0.5
"""A piece belongs to the main region when this share of it lies within `reach` of that."""
_SAME_REGION = 0.3
"""A region continues one of the frame before when this share of it lies where the flow puts that one."""


def reach(clip: ProxyClip) -> int:
    """Pixels that the object may be off where the flow puts it."""
    return max(2, round(_REACH * min(clip.size)))


def spans(hints: Sequence[Hint], count: int) -> list[Span]:
    """Each hint with the first and last frame for which it is the nearest one in time; sorted by frame."""
    ordered = sorted({hint.frame: hint for hint in hints}.values(), key=lambda hint: hint.frame)
    middles = [(a.frame + b.frame) // 2 for a, b in itertools.pairwise(ordered)]
    firsts = [0, *(middle + 1 for middle in middles)]
    lasts = [*middles, count - 1]
    return list(zip(ordered, firsts, lasts, strict=True))


def seed(clip: ProxyClip, hint: Hint) -> np.ndarray:
    """Probabilities of the hint's frame from its box and points alone, (h, w) uint8.

    In a box, what stands free of its border is taken. Without one, a disc of a twelfth of the frame's longer side
    round each positive point stands in for it.
    """
    inside = box_area(clip, hint.box) if hint.box else discs(clip, hint, positive=True, share=1 / 12)
    probability = np.where(inside, 0.7, 0.02).astype(np.float32)
    if hint.box:
        x, y, w, h = cv2.boundingRect(inside.astype(np.uint8))
        probability[y : y + h, x : x + w] = _free_of_border(clip.lab[hint.frame, y : y + h, x : x + w])
    probability[discs(clip, hint, positive=True)] = 0.98
    probability[discs(clip, hint, positive=False)] = 0.02
    packed, gate = clip.layer(), clip.layer()
    packed[hint.frame] = to_bytes(probability)
    gate[hint.frame] = grow(inside.astype(np.uint8), 1 if hint.box else reach(clip))
    return Refinement(clip, packed, np.array([hint.frame]), gate, neighbours=False).run(2)[hint.frame]


def _free_of_border(lab: np.ndarray) -> np.ndarray:
    """Probability that a pixel belongs to what stands free of the border, (h, w) float32."""
    if min(lab.shape[:2]) < 8:
        return np.full(lab.shape[:2], 0.7, np.float32)
    distance = cv2.resize(barrier_distance(lab[None])[0], lab.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    threshold = max(0.8 * otsu(distance), 1.0)
    return likely((distance - threshold) / (threshold / 6)).astype(np.float32)


def box_area(clip: ProxyClip, box: tuple[float, float, float, float]) -> np.ndarray:
    """The proxy pixels in a box given in native pixels, (h, w) bool, never empty."""
    width, height = clip.size
    across, down = width / clip.native[0], height / clip.native[1]
    left, top = (min(max(0, round(at)), most - 1) for at, most in ((box[0] * across, width), (box[1] * down, height)))
    area = np.zeros((height, width), bool)
    area[
        top : max(top + 1, round((box[1] + box[3]) * down)), left : max(left + 1, round((box[0] + box[2]) * across))
    ] = True
    return area


def discs(clip: ProxyClip, hint: Hint, positive: bool, share: float = 1 / 60) -> np.ndarray:
    """Discs of `share` of the longer side round the positive or the negative points, (h, w) bool."""
    width, height = clip.size
    rows, columns = np.ogrid[:height, :width]
    area = np.zeros((height, width), bool)
    for x, y, kind in hint.points:
        if kind == positive:
            x, y = x * width / clip.native[0], y * height / clip.native[1]
            area |= (columns - x) ** 2 + (rows - y) ** 2 <= (share * max(width, height)) ** 2
    return area


def propagate(clip: ProxyClip, start: np.ndarray, span: Span, packed: np.ndarray) -> None:
    """Fill the span's frames of `packed` (N, h, w) from the hint's frame outwards.

    start: (h, w) uint8 probabilities of the hint's frame.
    Every frame starts from its neighbour moved by the flow; the colours of the hint's frame correct it near that place.
    """
    hint = span[0].frame
    packed[hint] = start
    model = ColourModel.fit([(clip.bins(hint), to_float(start))])
    for frame, back in outwards(span):
        moved = to_float(warp_by_flow(packed[frame + back], clip.flow(frame, back)))
        near = grow((moved > 0.3).astype(np.uint8), reach(clip))
        odds = 0.5 * model.logit(clip.bins(frame)) + _FLOW_WEIGHT * logit(moved)
        probability = sigmoid(guided_filter(clip.guide(frame), odds.astype(np.float32), 1, 1e-3))
        packed[frame] = to_bytes(probability * near)
        clip.passes.tick("follow")


def follow(clip: ProxyClip, start: np.ndarray, span: Span, found: np.ndarray, packed: np.ndarray) -> None:
    """Fill the span's frames of `packed` with those regions of `found` that continue `start` through time.

    start: (h, w) uint8, the chosen regions of the hint's frame.
    found, packed: (N, h, w) uint8 probabilities.
    Unlike :func:`propagate`, this cannot drift.
    """
    packed[span[0].frame] = start
    for frame, back in outwards(span):
        before, flow = frame + back, clip.flow(frame, back)
        wanted = warp_by_flow(packed[before], flow) > 127
        others = warp_by_flow(np.where(packed[before] > 127, 0, found[before]), flow) > 127
        packed[frame] = _continued(found[frame], wanted, others)
        clip.passes.tick("follow")


def outwards(span: Span) -> Iterator[tuple[int, int]]:
    """Frames of a span from the hint's on, forwards and then backwards, each with the step back to the one before."""
    hint, first, last = span
    yield from ((frame, -1) for frame in range(hint.frame + 1, last + 1))
    yield from ((frame, 1) for frame in range(hint.frame - 1, first - 1, -1))


def _continued(found: np.ndarray, wanted: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The regions of `found` (h, w) uint8 that lie where the `wanted` ones should be.

    Where one touches what were `others` before, it is divided between the two by nearness.
    """
    labels, areas = components(found > 127)
    shared = np.bincount(labels.ravel(), weights=wanted.ravel(), minlength=len(areas))
    kept = shared > _SAME_REGION * np.maximum(areas, 1)
    kept[0] = False
    inside = kept[labels]
    if (inside & others).any():
        to_wanted, to_others = (
            cv2.distanceTransform(1 - mask.astype(np.uint8), cv2.DIST_L2, 3) for mask in (wanted, others)
        )
        inside &= to_wanted <= to_others
    return np.where(grow(inside.astype(np.uint8), 1) > 0, found, 0).astype(np.uint8)


def main_object(clip: ProxyClip, found: np.ndarray) -> np.ndarray:
    """Keep of `found` (N, h, w) uint8 only its largest thing, followed through time; same shape."""
    areas = {frame: int(components(found[frame] > 127)[1].max()) for frame in clip.sampled.tolist()}
    usual = float(np.median(list(areas.values())))
    # The smallest of the usual areas: a larger one may be that of two things which touch.
    frame = min((each for each in areas if areas[each] >= _USUAL_AREA * usual), key=lambda each: areas[each])
    packed = clip.layer()
    follow(clip, together(clip, found[frame]), (Hint(frame), 0, clip.count - 1), found, packed)
    for index in clip.passes.through(clip.count):
        packed[index] = together(clip, packed[index])
    return packed


def together(clip: ProxyClip, probability: np.ndarray) -> np.ndarray:
    """Keep the largest region of probabilities (h, w) uint8 and the pieces close to it; leave out what stands apart."""
    labels, areas = components(probability > 127)
    if not areas.any():
        return probability
    near = grow((labels == areas.argmax()).astype(np.uint8), reach(clip)) > 0
    close = np.bincount(labels.ravel(), weights=near.ravel(), minlength=len(areas)) > _CLOSE * np.maximum(areas, 1)
    close[0] = False
    return np.where(grow(close[labels].astype(np.uint8), 1) > 0, probability, 0).astype(np.uint8)
