"""Motion without pictures: where the keypoints of an object are over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from retarget_cli.media.timing import Timing
from retarget_cli.motion.names import check_names, point_names

Space = Literal["driver", "subject"]
"""``driver``: where the driver's own keypoints are, still to be fitted to a subject; ``subject``: as they are drawn."""
Look = Literal["a", "b", ""]


FARTHEST = 1000  # half sides of the crop; beyond that numbers overflow in edits


@dataclass(frozen=True)
class Motion:
    """Keypoints of N frames.

    points: (N, K, 2) float32, order (x, y), in [-1, 1] over the square crop of the clip in whose space they are;
    they may lie outside.
    confidence: (N, K) float32 in [0, 1], how sure the network was of each.
    timing: when each frame shows.
    space: whose.
    networks: digest of the networks that found the points; to others they mean nothing.
    places: (N, 3) float32, centre (x, y) and side of the crop in pixels of a frame of `frame_size` (width, height).
    source: what the motion was taken from, for people.
    look: whose look it was made for, ``a`` or ``b``; empty when nobody knows.
    Points mean the same only to that look.
    named: the names of the K keypoints; empty where they have only numbers.
    Raises ValueError when the shapes do not agree, a number is not finite, or a name is none.
    """

    points: np.ndarray
    confidence: np.ndarray
    timing: Timing
    space: Space
    networks: str
    places: np.ndarray
    frame_size: tuple[int, int]
    source: str = ""
    look: Look = ""
    named: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = self.timing.frames
        if self.points.ndim != 3 or self.points.shape[0] != count or self.points.shape[2] != 2:
            raise ValueError(f"points of {count} frames cannot have the shape {self.points.shape}")
        if self.confidence.shape != self.points.shape[:2] or self.places.shape != (count, 3):
            raise ValueError("points, confidence and places are of different lengths")
        if not all(np.isfinite(values).all() for values in (self.points, self.confidence, self.places)):
            raise ValueError("a keypoint is not a number")
        if np.abs(self.points).max(initial=0) > FARTHEST:
            raise ValueError(f"a keypoint is more than {FARTHEST} half crops away")
        if self.named:
            check_names(self.named, self.points.shape[1])

    @property
    def names(self) -> tuple[str, ...]:
        """What to call the keypoints: their names, or ``p0``, ``p1``, ... where they have none."""
        return self.named or point_names(self.points.shape[1])

    def arranged(self, names: Sequence[str]) -> Motion:
        """The motion with its keypoints in the order of `names`, and called so.

        Keypoints that have only numbers are in that order. Nothing changes where `names` is empty. Raises ValueError
        when the names are others than those of the motion, or not as many.
        """
        if not names or self.named == tuple(names):
            return self
        if not self.named:
            return replace(self, named=tuple(names))
        if sorted(self.named) != sorted(names):
            raise ValueError("its keypoints have other names")
        order = [self.named.index(name) for name in names]
        return replace(self, points=self.points[:, order], confidence=self.confidence[:, order], named=tuple(names))
