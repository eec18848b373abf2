"""Masks and probabilities of a whole clip, and the arithmetic of log odds."""

from __future__ import annotations

import cv2
import numpy as np

from retarget_cli.segmentation.base import Sink
from retarget_cli.utils.scratch import Scratch
from retarget_cli.vision.regions import fill_holes, largest_components


def to_bytes(probability: np.ndarray) -> np.ndarray:
    """[0, 1] float to uint8."""
    return np.round(np.clip(probability, 0.0, 1.0) * 255.0).astype(np.uint8)


def to_float(packed: np.ndarray) -> np.ndarray:
    """Bytes back to [0, 1] float32."""
    return packed.astype(np.float32) / np.float32(255.0)


def logit(probability: np.ndarray) -> np.ndarray:
    """Log odds, with the probability kept within [0.01, 0.99]."""
    bounded = np.clip(probability, 0.01, 0.99)
    return np.log(bounded / (1.0 - bounded))


def sigmoid(log_odds: np.ndarray) -> np.ndarray:
    """Probability of log odds."""
    return 1.0 / (1.0 + np.exp(-np.clip(log_odds, -30.0, 30.0)))


def grow(values: np.ndarray, radius: int) -> np.ndarray:
    """Largest value within `radius` pixels (an ellipse)."""
    if radius < 1:
        return values
    return cv2.dilate(values, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)))


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two masks; unlike `metrics.image.iou`, 0 when both are empty."""
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else 0.0


def otsu(values: np.ndarray) -> float:
    """Otsu's threshold between two groups of non-negative values of any shape."""
    top = max(float(np.percentile(values, 99.5)), 1e-6)
    scaled = np.clip(values * (255.0 / top), 0, 255).astype(np.uint8).reshape(1, -1)
    level, _ = cv2.threshold(scaled, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return (float(level) + 1.0) * top / 255.0


class MatteBits:
    """One matte a frame; the one put last counts.

    confidence: (N,) in [0, 1], 0 where the matte is empty; areas: (N,) pixels. size: (w, h) in pixels.
    """

    def __init__(self, count: int, size: tuple[int, int]) -> None:
        self._size, self._scratch = size, Scratch()
        self._bits = self._scratch.array((count, -(-size[0] * size[1] // 8)), np.uint8)
        self.confidence, self.areas = np.zeros(count), np.zeros(count, np.int64)

    def put(self, frame: int, mask: np.ndarray, confidence: float) -> None:
        """Take the mask (H, W) bool of a frame, less specks and small holes."""
        if mask.any():
            mask = fill_holes(largest_components(mask)) > 0
        self._bits[frame] = np.packbits(mask)
        self._scratch.let_go()
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
            self._scratch.let_go()
