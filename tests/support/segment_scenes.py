"""Clips drawn for the segmentation tests: a textured blob with legs on textured ground, with and without a pan."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np


class ArraySource:
    """A clip held in memory, (N, H, W, 3) uint8."""

    def __init__(self, frames: np.ndarray) -> None:
        self.frames = frames
        self.size = (frames.shape[2], frames.shape[1])
        self.count = len(frames)

    def read(self, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        for frame in self.frames:
            yield frame if size is None else cv2.resize(frame, size, interpolation=cv2.INTER_AREA)


def texture(shape: tuple[int, int], colour: tuple[int, int, int], strength: float, seed: int) -> np.ndarray:
    """Smooth random texture about a colour, (H, W, 3) uint8."""
    rng = np.random.default_rng(seed)
    noise = sum(cv2.GaussianBlur(rng.normal(size=shape), (0, 0), s) * s for s in (1.5, 4.0, 10.0))
    shade = np.asarray(noise)[..., None] * strength
    return np.clip(np.array(colour) + shade, 0, 255).astype(np.uint8)


def walker(
    count: int = 16,
    size: tuple[int, int] = (192, 128),
    pan: float = 0.0,
    step: float = 1.0,
    ground: tuple[int, int, int] = (110, 120, 130),
    body: tuple[int, int, int] = (200, 120, 50),
    strength: float = 18.0,
    place: tuple[float, float] = (0.3, 0.5),
) -> tuple[np.ndarray, np.ndarray]:
    """A body with two swinging legs. Frames (N, H, W, 3) uint8 and truth (N, H, W) bool.

    pan: pixels a frame by which the camera moves right; step: pixels a frame by which the body does, in the picture.
    """
    width, height = size
    scenery = texture((height, width + int(abs(pan) * count) + 8), ground, strength, 1)
    skin = texture((height, width), body, strength / 2, 2)
    frames, truth = [], []
    for i in range(count):
        left = pan * i
        view = cv2.warpAffine(scenery, np.float32([[1, 0, -left], [0, 1, 0]]), size)
        mask = np.zeros((height, width), np.uint8)
        x, y = place[0] * width + step * i, place[1] * height
        centre = (round(x), round(y))
        cv2.ellipse(mask, centre, (width // 7, height // 6), 0, 0, 360, 255, -1)
        for side, phase in ((-0.09, 0.0), (0.09, 2.0)):
            hip = (round(x + side * width), round(y + 0.1 * height))
            foot = (round(hip[0] + 8 * np.sin(i / 3 + phase)), round(y + 0.32 * height))
            cv2.line(mask, hip, foot, 255, max(3, width // 24))
        moved = cv2.warpAffine(skin, np.float32([[1, 0, step * i], [0, 1, 0]]), size, borderMode=cv2.BORDER_REFLECT)
        frames.append(np.where(mask[..., None] > 0, moved, view))
        truth.append(mask > 0)
    noise = np.random.default_rng(3).normal(0, 2, (count, height, width, 1))
    return np.clip(np.array(frames) + noise, 0, 255).astype(np.uint8), np.array(truth)


def ious(mattes: list[np.ndarray], truth: np.ndarray) -> np.ndarray:
    """IoU of each matte with the truth."""
    found = np.array(mattes) > 0
    return np.array([(a & b).sum() / (a | b).sum() for a, b in zip(found, truth, strict=True)])
