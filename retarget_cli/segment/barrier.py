"""How hard it is to get from the frame's border to a pixel: the minimum barrier distance.

The barrier of a path is the highest minus the lowest value on it (Strand et al., 2013; raster scanning after Zhang et
al., 2015). A thing that stands free of the border is far from it, however plain or uneven its surroundings are.
"""

from __future__ import annotations

import cv2
import numpy as np

_SIDE = 96
_CHUNK = 64
_PASSES = 3
_CHANNEL_WEIGHTS = (1.0, 1.5, 1.5)


def barrier_distance(lab: np.ndarray) -> np.ndarray:
    """Barrier distance of every pixel from the border, summed over L, a and b.

    lab: (N, h, w, 3) uint8. Returns (N, h', w') float32 in units of Lab bytes; the longer side is at most 96 px.
    """
    height, width = lab.shape[1:3]
    scale = min(1.0, _SIDE / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    parts = [_chunk(lab[start : start + _CHUNK], size) for start in range(0, len(lab), _CHUNK)]
    return np.concatenate(parts)


def _chunk(lab: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    small = [cv2.resize(cv2.GaussianBlur(image, (0, 0), 1.0), size, interpolation=cv2.INTER_AREA) for image in lab]
    images = np.stack(small).astype(np.float32)
    parts = [w * _one_channel(np.ascontiguousarray(images[..., k])) for k, w in enumerate(_CHANNEL_WEIGHTS)]
    return np.sum(parts, axis=0)


def _one_channel(values: np.ndarray) -> np.ndarray:
    high, low = values.copy(), values.copy()
    distance = np.full(values.shape, np.inf, np.float32)
    distance[:, 0] = distance[:, -1] = 0
    distance[:, :, 0] = distance[:, :, -1] = 0
    for _ in range(_PASSES):
        for axis in (1, 2):
            layers = [np.moveaxis(layer, axis, 0) for layer in (values, high, low, distance)]
            for reverse in (False, True):
                _sweep(*(layer[::-1] if reverse else layer for layer in layers))
    return distance


def _sweep(values: np.ndarray, high: np.ndarray, low: np.ndarray, distance: np.ndarray) -> None:
    """Carry paths from every line into the next one, straight and diagonally, for all frames at once; in place."""
    last = values.shape[-1] - 1
    for line in range(1, len(values)):
        for shift in (0, -1, 1):
            target = slice(max(0, shift), last + 1 + min(0, shift))
            source = slice(max(0, -shift), last + 1 - max(0, shift))
            here = values[line, :, target]
            top = np.maximum(high[line - 1, :, source], here)
            bottom = np.minimum(low[line - 1, :, source], here)
            barrier = top - bottom
            better = (barrier < distance[line, :, target]) & np.isfinite(distance[line - 1, :, source])
            np.copyto(distance[line, :, target], barrier, where=better)
            np.copyto(high[line, :, target], top, where=better)
            np.copyto(low[line, :, target], bottom, where=better)
