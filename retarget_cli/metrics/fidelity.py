"""How true the reconstruction of a real frame is. The last three stand in for measures that need networks of others.

Published: AKD and MKR compare keypoints that a pose network detects, AED features of a re-identification network
(Siarohin et al., 2019). Here the trained method finds its own keypoints, and patches stand for features.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from retarget_cli.metrics.appearance import appearance
from retarget_cli.metrics.image import psnr, ssim
from retarget_cli.metrics.shape import selected

_HALF = 128  # pixels from the middle of a published picture, 256 pixels wide, to its edge


class Frame(NamedTuple):
    """A picture of an object on an even ground. image: (H, W, 3) uint8; mask: (H, W) uint8, where the object is."""

    image: np.ndarray
    mask: np.ndarray


def picture_scores(drawn: Frame, real: Frame) -> dict[str, float] | None:
    """``l1`` in [0, 1], ``psnr`` in dB and ``ssim`` where either object is; None where there is none.

    Both on the same ground, so that what is drawn beside the real object, or left out, counts. Raises ValueError for
    pictures of different size.
    """
    either = np.maximum(drawn.mask, real.mask)
    inside = selected(either)
    if not inside.any():
        return None
    difference = np.abs(drawn.image.astype(np.float64) - real.image.astype(np.float64)) / 255
    return {
        "l1": float(difference[inside].mean()),
        "psnr": psnr(drawn.image, real.image, either),
        "ssim": ssim(drawn.image, real.image, either),
    }


def keypoint_distance(found: np.ndarray, wanted: np.ndarray) -> float:
    """AKD by the method's own keypoints: mean absolute difference of coordinates, in pixels of a crop 256 wide.

    found: (N, K, 2) in [-1, 1], as seen in drawn frames; wanted: the same, at which they were drawn.
    """
    return float(np.abs(found - wanted).mean()) * _HALF


def missing_keypoints(points: np.ndarray, drawn: np.ndarray, real: np.ndarray) -> tuple[int, int]:
    """MKR by silhouettes, in one frame: how many keypoints are lost, and of how many.

    points: (K, 2) in [-1, 1], at which the frame was drawn. Those on the real object, `real` (H, W), count; lost are
    those that are not on the drawn one, `drawn` (H, W).
    """
    height, width = real.shape
    cells = np.rint((points + 1) / 2 * (np.array([width, height]) - 1)).astype(int)
    cells = cells[((cells >= 0) & (cells < (width, height))).all(axis=1)]
    present = selected(real)[cells[:, 1], cells[:, 0]]
    kept = selected(drawn)[cells[:, 1], cells[:, 0]]
    return int((present & ~kept).sum()), int(present.sum())


def patch_distance(drawn: Frame, real: Frame) -> float:
    """AED by patches: the distance between the looks of a drawn and a real frame, whatever their poses.

    That of :func:`~retarget_cli.metrics.appearance.appearance` between the two frames. Infinity where either has no
    patch on its object.
    """
    return appearance([drawn.image], [drawn.mask], [real.image], [real.mask])
