"""What an object was filmed against: the colours that its outline may have taken on."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

_CLEAR = 5  # pixels of the crop next to the matte that may be the object's own edge
_NEAR = 0.05  # of the crop's side: what is not farther from the object counts
_SMOOTH = ((0.06, 1.0), (0.3, 1e-3))  # of the crop's side: how far colours are gathered, and what that counts


def behind(crops: Iterable[np.ndarray], size: int) -> np.ndarray:
    """(size, size, 3) float32: the mean colour beside the object at each place of the crop, 0 to 255.

    crops: (S, S, 4) uint8, RGB and matte, some frames of the clip; black is outside the picture.
    """
    total = np.zeros((size, size, 4), np.float32)
    for frame in crops:
        small = cv2.resize(np.asarray(frame), (size, size), interpolation=cv2.INTER_AREA)
        matte = small[..., 3]
        clear = (cv2.dilate(matte, np.ones((_CLEAR, _CLEAR), np.uint8)) < 8) & small[..., :3].any(axis=2)
        near = cv2.GaussianBlur(matte.astype(np.float32) / 255, (0, 0), _NEAR * size) * clear
        total += np.dstack([small[..., :3] * near[..., None], near])
    gathered = np.full_like(total, 1e-9) * total.sum(axis=(0, 1))
    for reach, counts in _SMOOTH:
        gathered += counts * cv2.GaussianBlur(total, (0, 0), reach * size)
    return gathered[..., :3] / np.maximum(gathered[..., 3:], 1e-20)
