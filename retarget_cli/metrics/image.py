"""Frame against frame, where the true answer is known."""

from __future__ import annotations

import cv2
import numpy as np

from retarget_cli.metrics.shape import mask_iou, selected

_WINDOW = 11
_SIGMA = 1.5


def iou(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two masks of one shape (bool, or numbers cut at half their range), in [0, 1].

    Two empty masks agree: 1.
    """
    _same_shape(first, second)
    one, two = selected(first), selected(second)
    return float(mask_iou(one, two)) if one.any() or two.any() else 1.0


def gain(iou: float, still: float) -> float:
    """The share of what a motionless answer misses (`still`, its IoU) that an answer of this `iou` makes good."""
    return (iou - still) / max(1 - still, 1e-9)


def psnr(first: np.ndarray, second: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Peak signal to noise ratio in dB of two uint8 images over the mask (H, W); equal images give 100."""
    _same_shape(first, second)
    squared = ((first.astype(np.float64) - second.astype(np.float64)) / 255) ** 2
    error = float((squared if mask is None else squared[_filled(mask, first)]).mean())
    return min(100.0, -10 * float(np.log10(max(error, 1e-12))))


def ssim(first: np.ndarray, second: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Structural similarity (Wang et al., 2004) of two uint8 images, mean over channels, in [-1, 1].

    Gaussian window of 11x11 with sigma 1.5, K = (0.01, 0.03). Without a mask the mean leaves out the border that the
    window does not fit into; with one (H, W) it is taken over the mask.
    """
    _same_shape(first, second)
    one, two = first.astype(np.float64) / 255, second.astype(np.float64) / 255
    mean_one, mean_two = _blur(one), _blur(two)
    variance_one = _blur(one * one) - mean_one**2
    variance_two = _blur(two * two) - mean_two**2
    covariance = _blur(one * two) - mean_one * mean_two
    small, smaller = 0.01**2, 0.03**2
    structure = (2 * covariance + smaller) / (variance_one + variance_two + smaller)
    score = structure * (2 * mean_one * mean_two + small) / (mean_one**2 + mean_two**2 + small)
    if mask is not None:
        return float(score[_filled(mask, first)].mean())
    edge = _WINDOW // 2
    whole = min(first.shape[:2]) > 2 * edge
    return float((score[edge:-edge, edge:-edge] if whole else score).mean())


def _blur(image: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(image, (_WINDOW, _WINDOW), _SIGMA, borderType=cv2.BORDER_REFLECT)


def _filled(mask: np.ndarray, image: np.ndarray) -> np.ndarray:
    """The mask as booleans. Raises ValueError when it is of another size or selects nothing."""
    chosen = selected(mask)
    if chosen.shape != image.shape[:2]:
        raise ValueError(f"a mask of {chosen.shape} does not fit an image of {image.shape[:2]}")
    if not chosen.any():
        raise ValueError("the mask selects no pixel")
    return chosen


def _same_shape(first: np.ndarray, second: np.ndarray) -> None:
    if first.shape != second.shape:
        raise ValueError(f"images of different shape: {first.shape} and {second.shape}")
