"""Tiny cropped clips for the method's tests: a disc with a bar that swings below it."""

from __future__ import annotations

import cv2
import numpy as np

from retarget_cli.training.clips import ClipArray


def swinging(count: int = 24, size: int = 64, width: float = 0.18, phase: float = 0.0, colour: int = 200) -> ClipArray:
    """(count, size, size, 4): a body and one leg; `width` is the body's, `phase` shifts the swing."""
    frames = np.zeros((count, size, size, 4), np.uint8)
    for i, frame in enumerate(frames):
        angle = 0.6 * np.sin(2 * np.pi * i / 8 + phase)
        centre = (size // 2, int(size * 0.4))
        foot = (int(centre[0] + size * 0.4 * np.sin(angle)), int(centre[1] + size * 0.4 * np.cos(angle)))
        for layer, value in ((0, colour), (1, colour // 2), (2, 40), (3, 255)):
            plane = np.ascontiguousarray(frame[:, :, layer])
            cv2.ellipse(plane, centre, (int(size * width * 1.5), int(size * width)), 0, 0, 360, value, -1)
            cv2.line(plane, centre, foot, value, max(2, size // 16))
            frame[:, :, layer] = plane
    return ClipArray(frames)
