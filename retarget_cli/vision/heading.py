"""Heading of the object, measured against the background, so that a panning camera does not hide it."""

from __future__ import annotations

import cv2
import numpy as np

from retarget_cli.vision.camera import estimate_motion

_SAMPLES = 40  # pairs of frames looked at in a clip
_APART = 2  # frames between the two of a pair
_WIDTH = 426  # pixels the frames are shrunk to
_MARGIN = 0.02  # share of the width around the object that is not background either


class HeadingMeter:
    """Takes a clip's frames in order and tells how far the object went sideways. count: frames in the clip."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._every = max(_APART + 1, count // _SAMPLES)
        self._before: tuple[np.ndarray, np.ndarray] | None = None
        self._steps: list[float] = []

    def wanted(self) -> list[int]:
        """The frames that are looked at; the others need not be given."""
        return [index for index in range(self._count) if index % self._every in (0, _APART)]

    def add(self, index: int, frame: np.ndarray, matte: np.ndarray) -> None:
        """Frame `index`, (H, W, 3) uint8, and its matte (H, W) uint8."""
        place = index % self._every
        if place not in (0, _APART):
            return
        scale = min(1.0, _WIDTH / frame.shape[1])
        size = (round(frame.shape[1] * scale), round(frame.shape[0] * scale))
        gray = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
        solid = cv2.resize(matte, size, interpolation=cv2.INTER_AREA) > 127
        if place == 0:
            self._before = (gray, solid)
        elif self._before is not None:
            step = _sideways(*self._before, gray, solid)
            if step is not None:
                self._steps.append(step / scale / _APART)

    def travelled(self) -> float | None:
        """Native pixels to the right (negative: left) over the whole clip; None when it cannot be told."""
        if not self._steps:
            return None
        return float(np.mean(self._steps)) * self._count


def _sideways(before: np.ndarray, was: np.ndarray, after: np.ndarray, now: np.ndarray) -> float | None:
    """Return how far the object moved to the right between two frames, less what the background there did."""
    if not was.any() or not now.any():
        return None
    margin = max(1, round(_MARGIN * before.shape[1]))
    covered = cv2.dilate((was | now).astype(np.uint8), np.ones((2 * margin + 1,) * 2, np.uint8)) > 0
    motion = estimate_motion(before, after, ~covered)
    if not motion.known:
        return None
    (rows, columns), (_, later) = np.nonzero(was), np.nonzero(now)
    x, y = columns.mean(), rows.mean()
    expected = motion.matrix[0] @ (x, y, 1.0)
    return float(later.mean() - expected)
