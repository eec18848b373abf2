"""Signs that a matte is none, whoever made it: what it covers, how it is shaped, and whether it lies where things move.

The numbers were chosen on 60 drawn and 4 filmed clips; docs/silhouettes.md has figures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import cv2
import numpy as np

from retarget_cli.vision.camera import camera_motion
from retarget_cli.vision.flow import dense_flow
from retarget_cli.vision.regions import box_of, largest_components

Box = tuple[float, float, float, float]

_SIDE = 100.0
"""Square root of the area, in pixels, that a matte is brought to before its shape is looked at."""
_THIN = 0.03
"""Half the width of what counts as thin, as a share of that."""
_FREE_STRETCH, _PER_STRETCH, _LEAST = 1.08, 2.5, 0.3
"""A matte may be so much longer than its body; beyond it, the confidence falls at this rate down to this share."""
_STREAKED = 0.85
_COVERS, _BORDER, _GREY = 0.5, 0.3, 0.15
_MOVES, _LEAST_MOVING, _LIFT = 0.6, 0.003, 0.4
"""Pixels by which a place moves against the scene; the least share of the picture that must; and how often, as a share
of what is usual in the picture, a place in the matte must."""
_SHADES = 64, 191


@dataclass(frozen=True)
class Doubts:
    """What speaks against a matte.

    reasons: half sentences for people; factors: for each frame, what its confidence is multiplied with; boxes: for each
    frame the body's box (x, y, width, height) in the pixels looked at, None where the matte is empty.
    """

    reasons: tuple[str, ...]
    factors: tuple[float, ...]
    boxes: tuple[Box | None, ...]


@dataclass
class Look:
    """A look at a clip and its matte, frame by frame and at a small size; `doubts` tells what was seen."""

    _areas: list[float] = field(default_factory=list)
    _borders: list[float] = field(default_factory=list)
    _stretches: list[float] = field(default_factory=list)
    _boxes: list[Box | None] = field(default_factory=list)
    _moving: list[tuple[float, float]] = field(default_factory=list)
    _before: np.ndarray | None = None

    def at(self, gray: np.ndarray, matte: np.ndarray) -> None:
        """Take the next frame. gray: (h, w) uint8; matte: (h, w) bool."""
        self._areas.append(float(matte.mean()))
        self._borders.append(float(np.concatenate([matte[0], matte[-1], matte[1:-1, 0], matte[1:-1, -1]]).mean()))
        stretch, box = stretched(matte)
        self._stretches.append(stretch)
        self._boxes.append(box)
        if self._before is not None and min(gray.shape) >= 16:
            moving = _moving(self._before, gray)
            self._moving.append((float(moving.mean()), float((moving & matte).mean())))
        self._before = gray

    def doubts(self, grey: float = 0.0) -> Doubts:
        """What speaks against the matte. grey: share of the given matte that is neither dark nor light."""
        areas = np.array(self._areas)
        shape = np.clip(1 - _PER_STRETCH * (np.array(self._stretches) - _FREE_STRETCH), _LEAST, 1.0)
        found, whole, reasons = areas > 0, 1.0, []
        if not found.any():
            return Doubts((), (1.0,) * len(areas), tuple(self._boxes))
        border = float(np.array(self._borders)[found].mean())
        inside = self._lift(float(areas.mean()))
        for seen, factor, reason in (
            (grey > _GREY, 0.2, f"{grey:.0%} of it is grey, as in a picture, where a matte is black and white"),
            (areas[found].mean() > _COVERS, 0.3, f"it covers {areas[found].mean():.0%} of the picture"),
            (border > _BORDER, 0.4, f"it takes {border:.0%} of the picture's border"),
            (inside is not None and inside < _LIFT, 0.3, "it is not where things move"),
        ):
            if seen:
                reasons.append(reason)
                whole *= factor
        streaked = np.flatnonzero(found & (shape < _STREAKED))
        if shape[found].mean() < _STREAKED:
            worst = int(np.argmin(np.where(found, shape, 1.0)))
            frames = f"on {len(streaked)} of {len(areas)} frames, most on frame {worst}"
            reasons.append(f"thin streaks reach far out of its body {frames}, as of water or a horizon")
        factors = np.where(found, whole * shape, 1.0)
        return Doubts(tuple(reasons), tuple(float(round(each, 4)) for each in factors), tuple(self._boxes))

    def _lift(self, area: float) -> float | None:
        """How often a place in the matte moves, over how often any place does; None where hardly anything moves."""
        if not self._moving or not area:
            return None
        everywhere, inside = np.array(self._moving).mean(axis=0)
        return None if everywhere < _LEAST_MOVING else float(inside / area / everywhere)


def stretched(matte: np.ndarray) -> tuple[float, Box | None]:
    """How many times longer or higher a matte (h, w) bool is than without its thin parts, and the box of the rest.

    1 and None for an empty one.
    """
    box = box_of(matte)
    if box is None:
        return 1.0, None
    x, y, width, height = box
    whole = float(x), float(y), float(width), float(height)
    scale = _SIDE / float(np.sqrt(matte.sum()))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if max(size) > 40 * _SIDE:  # a line
        return 1.0 / _THIN, whole
    part = cv2.resize(matte[y : y + height, x : x + width].astype(np.uint8) * 255, size, interpolation=cv2.INTER_LINEAR)
    radius = round(_THIN * _SIDE)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    padded = np.pad((part > 127).astype(np.uint8), radius + 1)
    opened = largest_components(cv2.morphologyEx(padded, cv2.MORPH_OPEN, kernel))[
        radius + 1 : -radius - 1, radius + 1 : -radius - 1
    ]
    body = box_of(opened)
    if body is None:
        return 1.0 / _THIN, whole
    left, top, wide, high = body
    found = x + left / scale, y + top / scale, wide / scale, high / scale
    return max(size[0] / wide, size[1] / high), found


def grey_share(mattes: Iterable[np.ndarray]) -> float:
    """Share of the pixels of given mattes (h, w) uint8 that are neither dark nor light."""
    shares = [float(((matte > _SHADES[0]) & (matte < _SHADES[1])).mean()) for matte in mattes]
    return float(np.mean(shares)) if shares else 0.0


def _moving(before: np.ndarray, gray: np.ndarray) -> np.ndarray:
    """Places (h, w) bool of `before` that move against the scene."""
    height, width = gray.shape
    matrix = camera_motion(before, gray)
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    camera = np.stack([columns, rows, np.ones_like(rows)], axis=-1) @ matrix.T.astype(np.float32)
    left = np.linalg.norm(dense_flow(before, gray) - (camera - np.stack([columns, rows], axis=-1)), axis=-1)
    return left > max(_MOVES, 0.4 * float(np.percentile(left, 98)))
