"""Connected regions of a matte: bounding box, components worth keeping, holes."""

from __future__ import annotations

import cv2
import numpy as np


def box_of(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """Smallest upright box around the non-zero pixels of `mask` (H, W): (x, y, w, h) in pixels, None when empty."""
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(mask.any(axis=0))
    x, y = int(columns[0]), int(rows[0])
    return x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1


def window_around(mask: np.ndarray, margin: int = 0) -> tuple[slice, slice] | None:
    """Rows and columns within `margin` pixels of the box round what is not zero in `mask` (H, W); None when empty."""
    box = box_of(mask)
    if box is None:
        return None
    x, y, w, h = box
    return slice(max(0, y - margin), y + h + margin), slice(max(0, x - margin), x + w + margin)


def components(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Label the 8-connected regions of `mask` (H, W).

    Returns labels (H, W) int32, 0 outside, and areas in pixels indexed by label (areas[0] is 0).
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats((mask > 0).astype(np.uint8), connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA].astype(np.int64)
    areas[0] = 0
    return labels, areas


def largest_components(mask: np.ndarray, share: float = 0.05) -> np.ndarray:
    """Keep the regions whose area is at least `share` of the largest one's. (H, W) any type in, uint8 {0, 255} out."""
    labels, areas = components(mask)
    keep = areas >= max(1.0, share * areas.max())
    return np.where(keep[labels], 255, 0).astype(np.uint8)


def largest_share(mask: np.ndarray) -> float:
    """Area of the largest region over the area of all of them, 0 when `mask` is empty."""
    _, areas = components(mask)
    total = int(areas.sum())
    return float(areas.max() / total) if total else 0.0


def fill_holes(mask: np.ndarray, share: float = 0.01) -> np.ndarray:
    """Fill enclosed holes smaller than `share` of the mask's area. (H, W) in, uint8 {0, 255} out.

    A background region that touches the border of the image is no hole.
    """
    filled = np.where(mask > 0, 255, 0).astype(np.uint8)
    labels, areas = components(filled == 0)
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    hole = areas < share * int((filled > 0).sum())
    hole[0] = False
    hole[edge] = False
    filled[hole[labels]] = 255
    return filled
