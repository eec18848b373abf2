"""Box-normalised silhouettes, and how far a result's outlines are ones the subject can have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

Masks = Sequence[np.ndarray] | np.ndarray


def selected(mask: np.ndarray) -> np.ndarray:
    """The mask as booleans: bool or 0 and 1 as they are, other numbers cut at half their range."""
    if mask.dtype == np.uint8:
        return mask > (127 if mask.size and mask.max() > 1 else 0)
    return mask > 0.5


def box_normalise(mask: np.ndarray, size: int = 64) -> np.ndarray:
    """The silhouette cut to its bounding box and squashed to a square: place, scale and aspect are gone.

    mask: (H, W), see :func:`selected`.
    Returns (size, size) float32 in [0, 1]; all zeros when the mask is empty.
    """
    if mask.ndim != 2:
        raise ValueError(f"a silhouette has two dimensions, not {mask.ndim}")
    solid = selected(mask)
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if not rows.size:
        return np.zeros((size, size), np.float32)
    cut = solid[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)
    # Area averaging only shrinks; enlarging a tiny box needs interpolation or its edge turns into steps.
    shrinks = min(cut.shape) >= size
    return cv2.resize(cut, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def box_normalise_all(masks: Masks, size: int = 64) -> np.ndarray:
    """:func:`box_normalise` of every frame: (N, size, size) float32 in [0, 1]."""
    if not len(masks):
        return np.zeros((0, size, size), np.float32)
    return np.stack([box_normalise(mask, size) for mask in masks])


def mask_iou(first: Any, second: Any) -> Any:
    """Intersection over union of masks (..., H, W) bool, arrays or tensors, over the last two axes; two empty ones: 0.

    Returns what it was given, (...) float.
    """
    union = (first | second).sum((-2, -1))
    return (first & second).sum((-2, -1)) / (union + (union == 0))


def pairwise_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of each silhouette of `first` with each of `second`.

    first (N, h, w), second (M, h, w), in [0, 1], cut at one half. Returns (N, M) float32; two empty ones score 0.
    """
    one = (first.reshape(len(first), -1) > 0.5).astype(np.float32)
    two = (second.reshape(len(second), -1) > 0.5).astype(np.float32)
    common = one @ two.T
    union = one.sum(1)[:, None] + two.sum(1)[None] - common
    return common / np.maximum(union, 1.0)


def shape_score(output_sils: Masks, subject_sils: Masks) -> float:
    """Mean IoU of each box-normalised output silhouette with its nearest one in the subject's clip, in [0, 1].

    output_sils, subject_sils: (N, H, W) and (M, h, w) masks. An output frame without silhouette counts 0.
    Raises ValueError when either has no frames.
    """
    if not len(output_sils) or not len(subject_sils):
        raise ValueError("shape needs at least one frame of the output and of the subject")
    table = pairwise_iou(box_normalise_all(output_sils), box_normalise_all(subject_sils))
    return float(table.max(axis=1).mean())


def best_still(subject_sils: Masks, truth_sils: Masks) -> tuple[int, float]:
    """The frame of the subject that serves best as an answer that never moves.

    Returns its index and the mean box-normalised IoU with the truth that holding it through the whole clip earns,
    in [0, 1]: what a result must beat before it can be said to move. Raises ValueError when either has no frames.
    """
    if not len(subject_sils) or not len(truth_sils):
        raise ValueError("a best still needs at least one frame of the subject and of the truth")
    held = pairwise_iou(box_normalise_all(subject_sils), box_normalise_all(truth_sils)).mean(axis=1)
    index = int(held.argmax())
    return index, float(held[index])
