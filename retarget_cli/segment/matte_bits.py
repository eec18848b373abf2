"""The mattes of a clip while they are being made, frame by frame in any order: one bit a pixel."""

from __future__ import annotations

import numpy as np

from retarget_cli.segment.base import Sink
from retarget_cli.segment.clip_arrays import allocate
from retarget_cli.vision.regions import fill_holes, largest_components


class MatteBits:
    """One matte a frame; the one put last counts.

    confidence: (N,) in [0, 1], 0 where the matte is empty; areas: (N,) pixels. size: (w, h) in pixels.
    """

    def __init__(self, count: int, size: tuple[int, int]) -> None:
        self._size = size
        self._bits = allocate((count, -(-size[0] * size[1] // 8)), np.uint8)
        self.confidence, self.areas = np.zeros(count), np.zeros(count, np.int64)

    def put(self, frame: int, mask: np.ndarray, confidence: float) -> None:
        """Take the mask (H, W) bool of a frame, less specks and small holes."""
        if mask.any():
            mask = fill_holes(largest_components(mask)) > 0
        self._bits[frame] = np.packbits(mask)
        self.areas[frame] = int(mask.sum())
        self.confidence[frame] = confidence if mask.any() else 0.0

    def clear(self, frame: int) -> None:
        """Make the matte of a frame empty."""
        self._bits[frame], self.areas[frame], self.confidence[frame] = 0, 0, 0.0

    def deliver(self, sink: Sink) -> None:
        """Hand over every matte in order, (H, W) uint8 {0, 255}."""
        width, height = self._size
        for bits in self._bits:
            sink(np.unpackbits(bits, count=width * height).reshape(height, width) * np.uint8(255))
