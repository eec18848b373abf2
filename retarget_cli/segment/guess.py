"""The embedded way on working frames: from hints, or from nothing, to a soft matte for every frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from retarget_cli.segment.base import Hint, no_object
from retarget_cli.segment.discovery import choose_start
from retarget_cli.segment.refine import Refinement
from retarget_cli.segment.soft import grow
from retarget_cli.segment.track import box_seed, carry, reach, spans
from retarget_cli.segment.working import WorkingClip, allocate
from retarget_cli.vision.regions import components

_SHARED_SEED = 0.3
_HINTED_ITERATIONS = 3


@dataclass(frozen=True)
class Guess:
    """packed: (N, h, w) uint8 soft mattes of the working frames; agreement: of two ways to find the object, [0, 1].

    steady: whether the agreement says anything (a hint leaves only one way).
    """

    packed: np.ndarray
    agreement: float | None


def guess(clip: WorkingClip, hints: Sequence[Hint], tick: Callable[[], None]) -> Guess:
    """Find the object in every frame. `tick` is called once a frame and pass. InputError when there is none."""
    if any(hint.box for hint in hints):
        return Guess(from_hints(clip, hints, None, tick), None)
    found = choose_start(clip, tick)
    if found is None and not hints:
        raise no_object("nothing stands out from its surroundings or moves against them")
    if found is None:
        return Guess(from_hints(clip, hints, None, tick), None)
    packed = found.start.packed
    Refinement(clip, packed, np.arange(clip.count), None, neighbours=True).run(tick=tick)
    if hints:
        packed = from_hints(clip, hints, packed, tick)
    return Guess(packed, None if hints else found.agreement)


def from_hints(
    clip: WorkingClip, hints: Sequence[Hint], found: np.ndarray | None, tick: Callable[[], None]
) -> np.ndarray:
    """Carry what the hints show to all frames and refine it there.

    found: soft mattes found without hints, if any; a point then chooses one of their regions.
    """
    packed, gate = (allocate(clip.lab.shape[:3], np.uint8) for _ in range(2))
    for span in spans(hints, clip.count):
        seed = None if found is None else _pointed_at(clip, found[span[0].frame], span[0])
        carry(clip, box_seed(clip, span[0]) if seed is None else seed, span, packed, tick)
    for frame in range(clip.count):
        gate[frame] = grow((packed[frame] > 100).astype(np.uint8), 2 * reach(clip))
    Refinement(clip, packed, np.arange(clip.count), gate, neighbours=True).run(_HINTED_ITERATIONS, tick)
    return packed


def _pointed_at(clip: WorkingClip, soft: np.ndarray, hint: Hint) -> np.ndarray | None:
    """The regions of a found matte under the positive points, less those under negative ones; None when there are none.

    A region that holds points of both kinds settles nothing and counts as none.
    """
    labels, _ = components(cv2.morphologyEx((soft > 127).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)))
    scale = np.array([clip.size[0] / clip.native[0], clip.size[1] / clip.native[1]])
    under: dict[bool, set[int]] = {True: set(), False: set()}
    for x, y, positive in hint.points:
        column, row = (np.array([x, y]) * scale).astype(int)
        under[positive].add(int(labels[min(row, labels.shape[0] - 1), min(column, labels.shape[1] - 1)]))
    chosen = under[True] - under[False] - {0}
    if not chosen or 0 in under[True]:
        return None
    near = grow(np.isin(labels, list(chosen)).astype(np.uint8), 1)
    return np.where(near > 0, soft, 0).astype(np.uint8)
