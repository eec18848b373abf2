"""Dense optical flow between two grey images, and pulling images along it."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np


@lru_cache(maxsize=1)
def _coordinate_grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    xs, ys = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return xs, ys


def dense_flow(prev_gray: np.ndarray, next_gray: np.ndarray) -> np.ndarray:
    """Displacement of every pixel of `prev_gray` into `next_gray` (DIS, medium preset).

    prev_gray, next_gray: (H, W) uint8 of one size.
    Returns (H, W, 2) float32, pixels, (dx, dy): ``next[y + dy, x + dx]`` shows what ``prev[y, x]`` shows.
    DIS needs at least about 16 px a side; smaller images give zero flow.
    """
    if prev_gray.shape != next_gray.shape:
        raise ValueError(f"flow needs two images of one size, not {prev_gray.shape} and {next_gray.shape}")
    if min(prev_gray.shape) < 16:
        return np.zeros((*prev_gray.shape, 2), np.float32)
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    prev_gray, next_gray = np.ascontiguousarray(prev_gray), np.ascontiguousarray(next_gray)
    return dis.calc(prev_gray, next_gray, np.zeros((*prev_gray.shape, 2), np.float32))


def warp_by_flow(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Pull `image` back along `flow`: ``out[y, x] = image[y + dy, x + dx]``, bilinear.

    With ``flow = dense_flow(a, b)``, an image that belongs to b becomes one that belongs to a.
    image: (H, W) or (H, W, C), uint8 or float32; flow: (H, W, 2) float32 in pixels. The border's colours go on beyond.
    """
    xs, ys = _coordinate_grid(*flow.shape[:2])
    return cv2.remap(image, xs + flow[..., 0], ys + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
