"""The embedded backend on proxy frames: from hints, or from nothing, to probabilities for every frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from retarget_cli.segmentation.base import Hint, merge, no_object, shows
from retarget_cli.segmentation.embedded.propagate import (
    box_area,
    discs,
    follow,
    main_object,
    propagate,
    reach,
    seed,
    spans,
    together,
)
from retarget_cli.segmentation.embedded.proposals import Choice, Near, choose_proposal
from retarget_cli.segmentation.embedded.proxy_clip import ProxyClip
from retarget_cli.segmentation.embedded.refine import ALWAYS, NEVER, OPEN, Refinement
from retarget_cli.segmentation.masks import grow
from retarget_cli.vision.regions import components, largest_components

_BOX_MARGIN = 0.08
"""How far the object may reach out of its box, as a share of the longer side."""
_BESIDE = 3
"""Frames either side of a negative point for which it counts."""


@dataclass(frozen=True)
class Guess:
    """packed: (N, h, w) uint8 probabilities of the proxy frames.

    agreement: of two ways to find the object, [0, 1]; None where hints say which is meant. gate: where the object
    may be, as for `Refinement`.
    """

    packed: np.ndarray
    agreement: float | None
    gate: np.ndarray | None


def guess(clip: ProxyClip, hints: Sequence[Hint]) -> Guess:
    """Find the object in every frame. InputError when there is none."""
    hints = merge(hints)
    showing = [hint for hint in hints if shows(hint)]
    if any(hint.box for hint in showing):
        return _near_hints(clip, hints)
    choice = _chosen(clip, "choice")
    if choice is None:
        if not showing:
            raise no_object("nothing stands out from its surroundings or moves against them")
        return _near_hints(clip, hints)
    gate = settled_by_points(clip, hints, None)
    found = Refinement(clip, choice.packed, np.arange(clip.count), gate, neighbours=True).run(kept="refine")
    if not showing:
        return Guess(main_object(clip, found), choice.agreement, gate)
    packed = clip.layer()
    for span in spans(showing, clip.count):
        chosen = _pointed_at(clip, found[span[0].frame], span[0])
        if chosen is None:
            return _near_hints(clip, hints)
        follow(clip, chosen, span, found, packed)
        if not ((chosen > 127) & (together(clip, chosen) <= 127)).any():  # one thing is meant, not several
            for frame in range(span[1], span[2] + 1):
                packed[frame] = together(clip, packed[frame])
    return Guess(packed, None, gate)


def _near_hints(clip: ProxyClip, hints: Sequence[Hint]) -> Guess:
    """Propagate what the hints show to all frames, and find the object near there, trying all first guesses."""
    propagated, gate = clip.layer(), clip.layer()
    for span in spans([hint for hint in hints if shows(hint)], clip.count):
        propagate(clip, seed(clip, span[0]), span, propagated)
    for frame in clip.passes.through(clip.count):
        gate[frame] = grow(hull(propagated[frame] > 100), 2 * reach(clip))
    boxes = {hint.frame: box_area(clip, hint.box) for hint in hints if hint.box}
    for frame, area in boxes.items():
        _, _, width, height = cv2.boundingRect(area.astype(np.uint8))
        gate[frame] = grow(area.astype(np.uint8), max(1, round(_BOX_MARGIN * max(width, height))))
    settled_by_points(clip, hints, gate)
    choice = _chosen(clip, "near-choice", Near(propagated, gate, boxes))
    if choice is None:
        raise no_object("nothing near the hints stands out from its surroundings")
    packed = Refinement(clip, choice.packed, np.arange(clip.count), gate, neighbours=True).run(kept="near-refine")
    return Guess(packed, None, gate)


def _chosen(clip: ProxyClip, name: str, near: Near | None = None) -> Choice | None:
    """What `choose_proposal` takes, or took before a rerun. name: the one under which it is kept."""
    passes, kept = clip.passes, clip.layer(f"{name}.packed")
    noted = passes.scratch.noted(name)
    if noted:
        passes.skip("contrast", clip.count)
        passes.skip("motion", clip.count)
    else:
        choice = choose_proposal(clip, near)
        if choice is None:
            return None
        for index in passes.through(clip.count):
            kept[index] = choice.packed[index]
        noted = {"agreement": choice.agreement}
        passes.scratch.note(name, noted)
    passes.done("trial")
    return Choice(kept, float(noted["agreement"]))


def settled_by_points(clip: ProxyClip, hints: Sequence[Hint], gate: np.ndarray | None) -> np.ndarray | None:
    """`gate` (N, h, w) uint8 with NEVER round negative points and ALWAYS round positive ones; made when there is none.

    A negative point counts on its own frame and, at the same place of the scene, on those beside it: farther in time
    the object itself may have come there. A positive one counts on its frame. None without points and gate.
    """
    if not any(hint.points for hint in hints):
        return gate
    if gate is None:
        gate = clip.layer()
        for frame in clip.passes.through(clip.count):
            gate[frame] = OPEN
    for hint in hints:
        places = discs(clip, hint, positive=False).astype(np.uint8)
        for frame in range(max(0, hint.frame - _BESIDE), min(clip.count, hint.frame + _BESIDE + 1)):
            matrix = clip.path.between(hint.frame, frame)
            gate[frame][cv2.warpAffine(places, matrix, clip.size, flags=cv2.INTER_NEAREST) > 0] = NEVER
        gate[hint.frame][discs(clip, hint, positive=True)] = ALWAYS
    return gate


def hull(mask: np.ndarray) -> np.ndarray:
    """Convex hull of the larger regions of `mask` (h, w) bool, as uint8 {0, 1}; empty for an empty one."""
    filled = np.zeros(mask.shape, np.uint8)
    points = cv2.findNonZero(largest_components(mask))
    if points is not None:
        cv2.fillConvexPoly(filled, cv2.convexHull(points), 1)
    return filled


def _pointed_at(clip: ProxyClip, probability: np.ndarray, hint: Hint) -> np.ndarray | None:
    """The regions of a found matte under the positive points, less those under negative ones; None when there are none.

    A region that holds points of both kinds settles nothing and counts as none. Where nothing but the point itself was
    found, the region beside it is meant, to which the point adds a part.
    """
    opened = cv2.morphologyEx((probability > 127).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    labels, areas = components(opened)
    scale = np.array([clip.size[0] / clip.native[0], clip.size[1] / clip.native[1]])
    under: dict[bool, set[int]] = {True: set(), False: set()}
    for x, y, positive in hint.points:
        column, row = (np.array([x, y]) * scale).astype(int)
        under[positive].add(int(labels[min(row, labels.shape[0] - 1), min(column, labels.shape[1] - 1)]))
    chosen = under[True] - under[False] - {0}
    if not chosen or 0 in under[True]:
        return None
    mark = 2 * int(discs(clip, hint, positive=True).sum())
    for small in [region for region in chosen if areas[region] < mark]:
        close = set(labels[grow((labels == small).astype(np.uint8), 3 * reach(clip)) > 0].tolist()) - under[False]
        larger = [region for region in close if areas[region] >= mark]
        if not larger:
            return None
        chosen.add(max(larger, key=lambda region: int(areas[region])))
    near = grow(np.isin(labels, list(chosen)).astype(np.uint8), 1)
    return np.where(near > 0, probability, 0).astype(np.uint8)
