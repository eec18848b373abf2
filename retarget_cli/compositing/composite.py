"""Placing a layer in a frame, and what is behind it: colours, sizes that cover the frame."""

from __future__ import annotations

import math

import cv2
import numpy as np

from retarget_cli.vision.camera import compose
from retarget_cli.vision.regions import window_around

NAMED_COLOURS = {"black": "#000000"}
_MARGIN = 3  # pixels around a layer that a cubic kernel may still touch


def place(layer: np.ndarray, matrix: np.ndarray, frame_size: tuple[int, int]) -> np.ndarray:
    """Resample a layer into a frame.

    layer: (h, w, 4) uint8, RGB and straight alpha.
    matrix: (2, 3), layer pixels to frame pixels.
    frame_size: (width, height).
    Returns (height, width, 4) float32 in [0, 1], colour premultiplied by alpha, 0 where the layer does not reach.
    Enlarged layers are interpolated with cubics; shrunk ones are averaged over the area a pixel covers.
    """
    width, height = frame_size
    placed = np.zeros((height, width, 4), np.float32)
    x0, y0, x1, y1 = _reach(layer.shape[:2], matrix, frame_size)
    if x0 >= x1 or y0 >= y1:
        return placed
    colour = layer.astype(np.float32) / 255.0
    colour[..., :3] *= colour[..., 3:]
    fine = max(1, math.ceil(1.0 / math.sqrt(abs(np.linalg.det(matrix[:, :2]))) - 1e-6))
    # `fine` x `fine` samples a frame pixel, of the part of the frame that the layer reaches
    to_fine = np.array([[fine, 0, (0.5 - x0) * fine - 0.5], [0, fine, (0.5 - y0) * fine - 0.5]])
    moved = compose(to_fine, matrix)
    size = ((x1 - x0) * fine, (y1 - y0) * fine)
    kernel = cv2.INTER_LINEAR if fine > 1 else cv2.INTER_CUBIC
    patch = cv2.warpAffine(colour, moved, size, flags=kernel, borderMode=cv2.BORDER_CONSTANT, borderValue=(0, 0, 0, 0))
    if fine > 1:
        patch = cv2.resize(patch, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)
    alpha = np.clip(patch[..., 3:], 0.0, 1.0)  # cubics overshoot
    placed[y0:y1, x0:x1, :3] = np.clip(patch[..., :3], 0.0, alpha)
    placed[y0:y1, x0:x1, 3:] = alpha
    return placed


def composite(background: np.ndarray, placed: np.ndarray) -> np.ndarray:
    """Lay a placed layer over a background.

    background: (H, W, 3) uint8. placed: (H, W, 4) float32 as :func:`place` returns it. Returns (H, W, 3) uint8;
    pixels that the layer does not touch are those of the background, bit for bit.
    """
    result = background.copy()
    window = window_around(placed[..., 3])
    if window is None:
        return result
    over = placed[window]
    mixed = background[window] * (1.0 - over[..., 3:]) + over[..., :3] * 255.0
    result[window] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    return result


def shaded(background: np.ndarray, light: np.ndarray) -> np.ndarray:
    """A background (H, W, 3) uint8 under a share of light (H, W) float32, bit for bit itself where that is 1."""
    window = window_around(light != 1.0)
    if window is None:
        return background
    result = background.copy()
    result[window] = np.rint(background[window] * light[window][..., None]).astype(np.uint8)
    return result


def straight(placed: np.ndarray) -> np.ndarray:
    """A placed layer as (H, W, 4) uint8 with straight alpha; black where it is fully transparent."""
    alpha = placed[..., 3:]
    colour = np.divide(placed[..., :3], alpha, out=np.zeros_like(placed[..., :3]), where=alpha > 0)
    return np.rint(np.concatenate([colour, alpha], axis=2) * 255.0).astype(np.uint8)


def colour(text: str) -> tuple[int, int, int]:
    """Red, green and blue of ``#rrggbb`` or a named colour."""
    digits = NAMED_COLOURS.get(text, text).removeprefix("#")
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def cover(size: tuple[int, int], onto: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Fit an image of `size` so that it fills `onto` (w, h): the size to resize it to, and the corner to cut at."""
    scale = max(onto[0] / size[0], onto[1] / size[1])
    grown = max(onto[0], round(size[0] * scale)), max(onto[1], round(size[1] * scale))
    return grown, ((grown[0] - onto[0]) // 2, (grown[1] - onto[1]) // 2)


def _reach(shape: tuple[int, ...], matrix: np.ndarray, frame_size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The frame's pixels that the layer can touch: first column, first row, one past the last column and row."""
    h, w = shape
    corners = np.array([(-1, -1, 1), (w, -1, 1), (-1, h, 1), (w, h, 1)], np.float64) @ np.asarray(matrix).T
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int) - _MARGIN, 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + _MARGIN + 1, frame_size)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])
