"""Prompts for a Segment Anything network, and choosing among its answers.

A network sees images whose longest side is ``side`` px in the upper left corner of a square, and answers with logits
on a square of ``cells`` x ``cells`` over the same area. Masks are kept as the used part of that square.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from retarget_cli.segment.base import Hint
from retarget_cli.vision.regions import box_of

OUTSIDE = -10.0
"""Logit of places where the object is not."""
_POINTS = 3
_GROWN = 0.06
_STABILITY_OFFSET = 1.0


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
class Answers:
    """logits: (M, cells, cells) float32, positive on the object; quality: (M,) the IoU the network expects of each."""

    logits: np.ndarray
    quality: np.ndarray


@dataclass(frozen=True)
class Grid:
    """Where the pixels of a clip lie on the network's image and on its cells. native: (width, height) of the clip."""

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
    """What the user said, and the logits (rows, columns) of an earlier answer to it if any."""
    box = None
    if hint.box is not None:
        x, y, w, h = hint.box
        box = grid.to_image(np.array([[x, y], [x + w, y + h]])).ravel()
    return _with_points(grid, Prompt(box, np.zeros((0, 2), np.float32), np.zeros(0, np.int64)), hint, mask)


def carried_prompt(grid: Grid, logits: np.ndarray, hint: Hint | None = None) -> Prompt:
    """A mask (rows, columns) that is about right, as box, points inside and logits; with the points of `hint` if any.

    The mask must not be empty.
    """
    box = box_of(logits > 0)
    assert box is not None
    x, y, w, h = np.array(box, np.float32)
    margin = np.array([w, h]) * _GROWN + 1.0
    corners = np.stack([np.array([x, y]) - margin, np.array([x + w, y + h]) + margin]) * grid.pixels_per_cell
    corners = np.clip(corners, 0, np.array(grid.image_size) - 1)
    points = (inner_points(logits > 0) + 0.5) * grid.pixels_per_cell - 0.5
    prompt = Prompt(corners.ravel().astype(np.float32), points.astype(np.float32), np.ones(len(points), np.int64))
    return _with_points(grid, prompt, hint, logits)


def _with_points(grid: Grid, prompt: Prompt, hint: Hint | None, logits: np.ndarray | None) -> Prompt:
    points, labels = prompt.points, prompt.labels
    if hint is not None and hint.points:
        points = np.concatenate([points, grid.to_image(np.array([point[:2] for point in hint.points]))])
        labels = np.concatenate([labels, np.array([int(point[2]) for point in hint.points])])
    return Prompt(prompt.box, points, labels, None if logits is None else grid.pad(logits))


def inner_points(mask: np.ndarray, count: int = _POINTS) -> np.ndarray:
    """Up to `count` points (K, 2) x, y well inside of `mask` (h, w) bool and apart from each other, deepest first."""
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    rows, columns = np.ogrid[: mask.shape[0], : mask.shape[1]]
    deepest, apart = float(depth.max()), 0.25 * float(np.sqrt(mask.sum()))
    found: list[tuple[int, int]] = []
    while len(found) < count and depth.max() > 0.35 * deepest:
        y, x = np.unravel_index(int(depth.argmax()), depth.shape)
        found.append((int(x), int(y)))
        depth[(columns - x) ** 2 + (rows - y) ** 2 <= max(apart, 1.0) ** 2] = 0
    return np.array(found, np.float32).reshape(-1, 2)


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two masks; 0 when both are empty."""
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else 0.0


def stability(logits: np.ndarray) -> float:
    """IoU of the masks at a threshold above and one below zero: near 1 where the edge is steep."""
    return overlap(logits > _STABILITY_OFFSET, logits > -_STABILITY_OFFSET)


@dataclass(frozen=True)
class Choice:
    """The answer taken. logits: (rows, columns); quality, stability, agreement (with what was expected): [0, 1]."""

    logits: np.ndarray
    quality: float
    stability: float
    agreement: float

    @property
    def score(self) -> float:
        """How good it seems, in [0, 1]."""
        return 0.25 * self.quality + 0.25 * self.stability + 0.5 * self.agreement

    @property
    def confidence(self) -> float:
        """As sure as the weakest of the three."""
        return min(self.quality, self.stability, self.agreement / 0.85)


def choose_like(grid: Grid, answers: Answers, expected: np.ndarray) -> Choice:
    """The best answer where a mask like `expected`, (rows, columns) bool, is looked for."""
    return max(
        (_choice(logits, quality, overlap(logits > 0, expected)) for logits, quality in _each(grid, answers)),
        key=lambda choice: choice.score,
    )


def choose_hinted(grid: Grid, answers: Answers, hint: Hint) -> Choice:
    """The best answer to a hint; its agreement is how well it fills the box and keeps to the points."""
    return max(
        (_choice(logits, quality, _fit(grid, logits > 0, hint)) for logits, quality in _each(grid, answers)),
        key=lambda choice: choice.score,
    )


def _each(grid: Grid, answers: Answers) -> list[tuple[np.ndarray, float]]:
    return [
        (np.clip(grid.crop(logits), -32.0, 32.0), float(np.clip(quality, 0.0, 1.0)))
        for logits, quality in zip(answers.logits.astype(np.float32), answers.quality, strict=True)
    ]


def _choice(logits: np.ndarray, quality: float, agreement: float) -> Choice:
    return Choice(logits, quality, stability(logits), agreement)


def _fit(grid: Grid, mask: np.ndarray, hint: Hint) -> float:
    box = box_of(mask)
    if box is None:
        return 0.0
    fit = 1.0
    if hint.box is not None:
        filled = np.zeros(mask.shape, bool)
        x, y, w, h = box
        filled[y : y + h, x : x + w] = True
        fit *= overlap(filled, outline(grid, Hint(hint.frame, hint.box), round_box=False))
    if hint.points:
        rows, columns = mask.shape
        cells = (grid.to_image(np.array([p[:2] for p in hint.points])) / grid.pixels_per_cell).astype(int)
        inside = mask[np.minimum(cells[:, 1], rows - 1), np.minimum(cells[:, 0], columns - 1)]
        fit *= float(np.mean(inside == np.array([p[2] for p in hint.points])))
    return fit


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
