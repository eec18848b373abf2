"""Prompts for a Segment Anything network.

A network sees images whose longest side is ``side`` px in the upper left corner of a square, and answers with logits
on a square of ``cells`` x ``cells`` over the same area. Masks are kept as the used part of that square.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from retarget_cli.segmentation.base import Hint
from retarget_cli.vision.regions import box_of

OUTSIDE = -10.0
"""Logit of places where the object is not."""
_POINTS = 3
_GROWN = 0.06


@dataclass(frozen=True)
class Prompt:
    """box: (x0, y0, x1, y1) px of the network's image; points: (K, 2) px; labels: (K,) 1 on the object, 0 off it.

    mask: (cells, cells) logits of a first guess.
    """

    box: np.ndarray | None
    points: np.ndarray
    labels: np.ndarray
    mask: np.ndarray | None = None


@dataclass(frozen=True)
class Grid:
    """Grid of the network's image and cells over the pixels of a clip. native: (width, height) of the clip."""

    native: tuple[int, int]
    side: int
    cells: int

    @property
    def image_size(self) -> tuple[int, int]:
        """(width, height) of the network's image."""
        scale = self.side / max(self.native)
        return max(1, int(self.native[0] * scale + 0.5)), max(1, int(self.native[1] * scale + 0.5))

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of cells that the image covers."""
        width, height = self.image_size
        return -(-height * self.cells // self.side), -(-width * self.cells // self.side)

    @property
    def pixels_per_cell(self) -> float:
        """Pixels of the network's image along one side of a cell."""
        return self.side / self.cells

    def to_image(self, places: np.ndarray) -> np.ndarray:
        """(..., 2) native px to px of the network's image."""
        return np.asarray(places, np.float32) * (np.array(self.image_size, np.float32) / np.array(self.native))

    def shrink(self, image: np.ndarray) -> np.ndarray:
        """An image or matte of any size, over the cells it covers."""
        return cv2.resize(image, self.shape[::-1], interpolation=cv2.INTER_AREA)

    def pad(self, logits: np.ndarray) -> np.ndarray:
        """The whole square of cells, with nothing beyond the image."""
        square = np.full((self.cells, self.cells), OUTSIDE, np.float32)
        square[: logits.shape[0], : logits.shape[1]] = logits
        return square

    def crop(self, logits: np.ndarray) -> np.ndarray:
        """The part of (..., cells, cells) that the image covers."""
        return logits[..., : self.shape[0], : self.shape[1]]

    def to_native(self, logits: np.ndarray) -> np.ndarray:
        """(H, W) bool: where the logits, bilinear between the middles of cells, are positive."""
        scale = np.array(self.image_size) / np.array(self.native) / self.pixels_per_cell
        matrix = np.array([[scale[0], 0, 0.5 * scale[0] - 0.5], [0, scale[1], 0.5 * scale[1] - 0.5]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(logits, matrix, self.native, flags=flags, borderMode=cv2.BORDER_REPLICATE) > 0


def hint_prompt(grid: Grid, hint: Hint, mask: np.ndarray | None = None) -> Prompt:
    """Prompt with what the user said, and the logits (rows, columns) of an earlier answer to it if any."""
    box = None
    if hint.box is not None:
        x, y, w, h = hint.box
        box = grid.to_image(np.array([[x, y], [x + w, y + h]])).ravel()
    points = grid.to_image(np.array([point[:2] for point in hint.points]).reshape(-1, 2))
    labels = np.array([point[2] for point in hint.points], np.int64)
    return Prompt(box, points, labels, None if mask is None else grid.pad(mask))


def negative_points(grid: Grid, hint: Hint | None) -> np.ndarray:
    """The hint's points that are not on the object, (K, 2) cells x, y."""
    places = [point[:2] for point in hint.points if not point[2]] if hint else []
    return (grid.to_image(np.array(places).reshape(-1, 2)) + 0.5) / grid.pixels_per_cell - 0.5


def mask_prompt(grid: Grid, logits: np.ndarray, negatives: np.ndarray) -> Prompt:
    """Prompt with a mask (rows, columns) that is about right: box, points inside and logits.

    negatives: (K, 2) cells x, y that are not the object. The mask must not be empty.
    """
    place = place_prompt(grid, logits > 0, negatives, _GROWN)
    return Prompt(place.box, place.points, place.labels, grid.pad(logits))


def place_prompt(grid: Grid, mask: np.ndarray, negatives: np.ndarray, grown: float = 0.2) -> Prompt:
    """Prompt with the box of a mask (rows, columns) bool, `grown` by that share on each side, and points inside.

    The rest as in :func:`mask_prompt`.
    """
    box = box_of(mask)
    assert box is not None
    x, y, w, h = np.array(box, np.float32)
    margin = np.array([w, h]) * grown + 1.0
    corners = np.stack([np.array([x, y]) - margin, np.array([x + w, y + h]) + margin]) * grid.pixels_per_cell
    corners = np.clip(corners, 0, np.array(grid.image_size) - 1)
    inside = inner_points(mask)
    points = (np.concatenate([inside, negatives]) + 0.5) * grid.pixels_per_cell - 0.5
    labels = np.arange(len(points)) < len(inside)
    return Prompt(corners.ravel().astype(np.float32), points.astype(np.float32), labels.astype(np.int64))


def inner_points(mask: np.ndarray) -> np.ndarray:
    """Up to three points (K, 2) x, y well inside of `mask` (h, w) bool and apart from each other, deepest first."""
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    rows, columns = np.ogrid[: mask.shape[0], : mask.shape[1]]
    deepest, apart = float(depth.max()), 0.25 * float(np.sqrt(mask.sum()))
    found: list[tuple[int, int]] = []
    while len(found) < _POINTS and depth.max() > 0.35 * deepest:
        y, x = np.unravel_index(int(depth.argmax()), depth.shape)
        found.append((int(x), int(y)))
        depth[(columns - x) ** 2 + (rows - y) ** 2 <= max(apart, 1.0) ** 2] = 0
    return np.array(found, np.float32).reshape(-1, 2)


def outline(grid: Grid, hint: Hint, *, round_box: bool = True) -> np.ndarray:
    """The area a hint names, (rows, columns) bool: the ellipse in its box (or all of it), or discs round its points."""
    area = np.zeros(grid.shape, np.uint8)
    scale = np.array(grid.image_size) / np.array(grid.native) / grid.pixels_per_cell
    if hint.box is not None:
        x, y, w, h = np.array(hint.box) * np.tile(scale, 2)
        left, top = max(0, round(x)), max(0, round(y))
        right, bottom = max(left + 1, round(x + w)), max(top + 1, round(y + h))
        area[top:bottom, left:right] = 1
        if round_box:
            rows, columns = np.ogrid[: area.shape[0], : area.shape[1]]
            across = (columns + 0.5 - (x + w / 2)) / (w / 2)
            area[across**2 + ((rows + 0.5 - (y + h / 2)) / (h / 2)) ** 2 > 1] = 0
    else:
        for x, y, positive in hint.points:
            if positive:
                middle = (int(x * scale[0]), int(y * scale[1]))
                cv2.circle(area, middle, max(1, round(max(grid.shape) / 12)), 1, -1)
    return area > 0


def soft_logits(mask: np.ndarray) -> np.ndarray:
    """A mask as logits with a soft edge, (rows, columns) float32; positive on all of it, however thin it is."""
    sharp = mask.astype(np.float32)
    return (np.maximum(cv2.GaussianBlur(sharp, (0, 0), 1.0), 0.6 * sharp) - 0.5) * -2 * OUTSIDE
