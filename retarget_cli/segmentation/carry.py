"""Carrying what a person corrected on one frame of a matte to the frames beside it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from retarget_cli.segmentation.base import FrameSource, Hint
from retarget_cli.segmentation.embedded.finish import finish
from retarget_cli.segmentation.embedded.propagate import Span, outwards, propagate, reach
from retarget_cli.segmentation.embedded.proxy_clip import ProxyClip
from retarget_cli.segmentation.masks import grow
from retarget_cli.vision.flow import warp_by_flow

FARTHEST = 30
"""Frames to either side to which a correction is carried; flow and colours drift beyond."""
_SPREADS = 4  # frames after which the corrected place counts as a pixel larger: flow is not exact


class Correction:
    """A corrected frame and what follows from it for the frames round it.

    The object is followed from the corrected matte along the flow, by its colours there. It takes effect only where the
    correction was, a place that moves along the flow too: elsewhere what was found stays. Where the correction added
    something it takes nothing away, and the other way round.
    """

    def __init__(self, window: FrameSource, found: Sequence[np.ndarray], given: np.ndarray, at: int) -> None:
        """window: the frames round the corrected one, which is frame `at` of them.

        found: the matte of each, (H, W) uint8 {0, 255}, at any size; given: the corrected one.
        """
        self._clip = ProxyClip(window)
        size = self._clip.size
        start, before = (cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in (given, found[at]))
        span: Span = (Hint(at), 0, window.count - 1)
        self._packed = self._clip.layer()
        propagate(self._clip, start, span, self._packed)
        self._added = self._places((start > 127) & (before <= 127), at, span)
        self._removed = self._places((start <= 127) & (before > 127), at, span)

    def _places(self, changed: np.ndarray, at: int, span: Span) -> np.ndarray:
        """Where a change of frame `at`, (h, w) bool, is on each frame: (N, h, w) uint8, above 127 there."""
        places = self._clip.layer()
        solid = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
        places[at] = 255 * grow(solid, reach(self._clip))
        for frame, back in outwards(span):
            moved = warp_by_flow(places[frame + back], self._clip.flow(frame, back))
            places[frame] = grow(moved, 1) if (frame - at) % _SPREADS == 0 else moved
        return places

    def applied(self, index: int, image: np.ndarray, matte: np.ndarray) -> np.ndarray:
        """The matte of a frame of the window with the correction in it, (H, W) uint8 {0, 255}.

        image: (H, W, 3) uint8 RGB, the frame; matte: what was found on it.
        """
        places = self._added[index] > 127, self._removed[index] > 127
        if not any(place.any() for place in places):
            return matte
        guide = cv2.cvtColor(self._clip.lab[index], cv2.COLOR_LAB2RGB).astype(np.float32) / 255.0
        followed = finish(self._packed[index], guide, image)
        size = matte.shape[1], matte.shape[0]
        added, removed = (cv2.resize(place.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
                          for place in places)  # fmt: skip
        result = np.where(added, matte | followed, matte)
        return np.where(removed & ~(added & (followed > 127)), result & followed, result)
