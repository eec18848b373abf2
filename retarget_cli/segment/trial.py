"""Which of several first guesses to take: how much a short trial's result looks like an object.

What tells good mattes from bad ones is how different the object's colours are from those just outside it, and that it
moves against the scene while they do not. Whether neighbouring mattes agree tells nothing: wrong mattes are just as
steady.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from retarget_cli.segment.soft import grow
from retarget_cli.segment.stillness import ChangeModel
from retarget_cli.segment.working import WorkingClip
from retarget_cli.vision.regions import largest_share

_BINS = (8, 16, 16)


@dataclass(frozen=True)
class TrialScore:
    """value: higher is better, about [0, 1]; valid: whether anything that could be an object was found."""

    value: float
    valid: bool


def separation(lab: np.ndarray, mask: np.ndarray) -> float:
    """1 minus the Bhattacharyya coefficient of the colours inside and just outside of `mask`; 0 when it is empty.

    lab: (h, w, 3) uint8; mask: (h, w) bool.
    """
    if not mask.any() or mask.all():
        return 0.0
    reach = max(2, round(0.06 * min(mask.shape)))
    band = (grow(mask.astype(np.uint8), reach) > 0) & ~(grow(mask.astype(np.uint8), 1) > 0)
    core = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    inside, outside = _histogram(lab[core if core.any() else mask]), _histogram(lab[band if band.any() else ~mask])
    return float(1.0 - np.sqrt(inside * outside).sum())


def _histogram(colours: np.ndarray) -> np.ndarray:
    light, a, b = (colours[:, k].astype(int) for k in range(3))
    a, b = (np.clip(channel, 64, 191) - 64 >> 3 for channel in (a, b))
    counts = np.bincount((light >> 5) * 256 + a * 16 + b, minlength=int(np.prod(_BINS))).reshape(_BINS)
    smooth: np.ndarray = counts.astype(np.float32)
    for axis in range(3):
        padded = np.pad(smooth, [(1, 1) if k == axis else (0, 0) for k in range(3)])
        size = smooth.shape[axis]
        before, here, after = (np.take(padded, range(shift, shift + size), axis) for shift in range(3))
        smooth = 0.25 * before + 0.5 * here + 0.25 * after
    return smooth.ravel() / max(float(smooth.sum()), 1e-6)


def border_share(mask: np.ndarray) -> float:
    """Share of the frame's top and side border that `mask` covers."""
    border = np.concatenate([mask[0], mask[:, 0], mask[:, -1]])
    return float(border.mean())


def score_trial(clip: WorkingClip, packed: np.ndarray, frames: np.ndarray) -> TrialScore:
    """Judge a trial result: separate in colour, in one piece, free of the border, of a believable size."""
    masks = [packed[frame] > 127 for frame in frames]
    areas = np.array([mask.mean() for mask in masks])
    present = areas > 0.002
    if present.mean() < 0.5 or np.median(areas) > 0.85:
        return TrialScore(0.0, False)
    rows = [
        (separation(clip.lab[frame], mask), largest_share(mask), border_share(mask), solidity(mask))
        for frame, mask, seen in zip(frames, masks, present, strict=True)
        if seen
    ]
    apart, whole, border, solid = np.array(rows).mean(axis=0)
    hard = np.array(masks).astype(np.uint8) * np.uint8(255)
    moving = ChangeModel(clip.change[frames], hard, np.arange(len(frames)))
    apart = 0.5 * apart + 0.5 * (1.0 - moving.overlap())
    spread = float(areas[present].std() / areas[present].mean())
    value = apart * (0.4 + 0.6 * whole) * (1.0 - border) * (0.5 + 0.5 * solid) * float(present.mean()) / (1.0 + spread)
    return TrialScore(float(value), True)


def solidity(mask: np.ndarray) -> float:
    """Area over area after a generous opening and closing: 1 for a compact shape, low for scattered texture."""
    radius = max(1, round(0.015 * min(mask.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    flat = mask.astype(np.uint8)
    opened, closed = cv2.morphologyEx(flat, cv2.MORPH_OPEN, kernel), cv2.morphologyEx(flat, cv2.MORPH_CLOSE, kernel)
    return float(opened.sum() / max(1, int(closed.sum())))
