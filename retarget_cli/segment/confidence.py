"""How far to trust a matte when there is no truth to hold it against.

What tells good mattes from bad ones is how different the object's colours are from those just outside it, whether
independent first guesses end alike, whether the area is steady and whether the object is in one piece. Whether
neighbouring mattes agree tells nothing: wrong mattes are just as steady.
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
    moving = ChangeModel(clip.change, np.where(packed > 127, 255, 0).astype(np.uint8), frames)
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


@dataclass
class Evidence:
    """What is gathered about each matte while it is made, and the verdict."""

    separations: list[float]
    wholes: list[float]
    areas: list[float]

    @classmethod
    def empty(cls) -> Evidence:
        """Nothing seen yet."""
        return cls([], [], [])

    def add(self, lab: np.ndarray, mask: np.ndarray) -> None:
        """Take in one working frame, (h, w, 3) uint8 Lab, and its matte, (h, w) bool."""
        self.separations.append(separation(lab, mask))
        self.wholes.append(largest_share(mask))
        self.areas.append(float(mask.mean()))

    @property
    def variation(self) -> float:
        """Standard deviation of the area over its mean."""
        areas = np.array(self.areas)
        return float(areas.std() / max(areas.mean(), 1e-9))

    def frame_confidence(self) -> tuple[float, ...]:
        """[0, 1] for each frame: separate in colour, in one piece, of a size like that of the others."""
        areas = np.array(self.areas)
        usual = float(np.median(areas[areas > 0])) if (areas > 0).any() else 0.0
        size = np.minimum(areas, usual) / np.maximum(np.maximum(areas, usual), 1e-9)
        apart = np.clip(np.array(self.separations) / 0.5, 0.0, 1.0)
        return tuple(float(round(value, 4)) for value in apart * np.array(self.wholes) * np.clip(1.4 * size, 0.0, 1.0))

    def confidence(self, agreement: float | None) -> float:
        """[0, 1] for the clip; `agreement` of two ways to find the object, None when there was one way only."""
        frames = float(np.mean(self.frame_confidence())) if self.areas else 0.0
        steady = 1.0 / (1.0 + max(0.0, self.variation - 0.3))
        agreed = 1.0 if agreement is None else 0.4 + 0.6 * min(1.0, agreement / 0.8)
        return float(round(min(1.0, frames * steady * agreed), 4))

    def notices(self, agreement: float | None) -> tuple[str, ...]:
        """What the user should know, each with what to do about it."""
        doubts = []
        if float(np.mean(self.separations)) < 0.25:
            doubts.append("the object's colours are much like those around it")
        if agreement is not None and agreement < 0.6:
            doubts.append("different ways to find the object disagree")
        if self.variation > 1.0:
            doubts.append("its size changes a great deal")
        if float(np.mean(self.wholes)) < 0.8:
            doubts.append("it falls into several pieces")
        lines = []
        missing = sum(area == 0 for area in self.areas)
        if missing:
            lines.append(f"No object was found on {missing} of {len(self.areas)} frames; their mattes are empty.")
        if doubts:
            lines.append(
                f"The matte may be wrong: {', '.join(doubts)}. Look at the overlay; if it is wrong, "
                f"draw a box round the object on frame {self.box_frame()}: --box X,Y,WIDTH,HEIGHT "
                f"(that frame), or give a matte with --mask."
            )
        return tuple(lines)

    def box_frame(self) -> int:
        """The frame on which a box would help most: the least certain of those on which something was found."""
        sure = np.array(self.frame_confidence())
        return int(np.argmin(np.where(np.array(self.areas) > 0, sure, np.inf)))
