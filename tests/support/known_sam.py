"""Drawn clips whose masks are known, and a network that knows them: it offers the right mask among wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from segment_scenes import ArraySource, texture

from retarget_cli.segmentation.sam.candidates import Answers, overlap
from retarget_cli.segmentation.sam.prompts import Grid, Prompt

SIZE = (96, 64)
RED, BLUE, GREY = (210, 70, 60), (60, 90, 220), (150, 150, 150)
Course = Callable[[int], tuple[int, int] | None]


@dataclass(frozen=True)
class Thing:
    """A textured block. path: its upper left corner by frame, None when it is not there."""

    path: Course
    colour: tuple[int, int, int] = RED
    size: tuple[int, int] = (18, 18)
    seed: int = 5


@dataclass(frozen=True)
class Scene:
    """clip: the frames; masks: for each thing, (N, H, W) bool where it is seen. Later things cover earlier ones."""

    clip: ArraySource
    masks: list[np.ndarray]

    def box(self, thing: int, frame: int) -> tuple[float, float, float, float]:
        rows, columns = np.nonzero(self.masks[thing][frame])
        x, y = columns.min(), rows.min()
        return float(x), float(y), float(columns.max() + 1 - x), float(rows.max() + 1 - y)


def draw(count: int, *things: Thing) -> Scene:
    ground = texture((SIZE[1], SIZE[0]), (70, 95, 70), 14.0, 1)
    frames = np.stack([ground] * count)
    masks = [np.zeros(frames.shape[:3], bool) for _ in things]
    for index, thing in enumerate(things):
        width, height = thing.size
        skin = texture((height, width), thing.colour, 12.0, thing.seed)
        for frame in range(count):
            place = thing.path(frame)
            if place is None:
                continue
            x, y = place
            inside = np.zeros((SIZE[1], SIZE[0]), bool)
            left, top = max(x, 0), max(y, 0)
            right, bottom = min(x + width, SIZE[0]), min(y + height, SIZE[1])
            if right <= left or bottom <= top:
                continue
            inside[top:bottom, left:right] = True
            frames[frame, top:bottom, left:right] = skin[top - y : bottom - y, left - x : right - x]
            for below in masks[:index]:
                below[frame] &= ~inside
            masks[index][frame] = inside
    noise = np.random.default_rng(2).normal(0, 2, (count, *SIZE[::-1], 1))  # no two frames are the same
    return Scene(ArraySource(np.clip(frames + noise, 0, 255).astype(np.uint8)), masks)


@dataclass
class Knowing:
    """Knows what is to be seen on every frame of a scene.

    Its embeddings are the colours of the cells; the corner that no picture reaches holds the number of the frame.
    blind: frames on which it sees nothing; lies: masks (H, W) that it offers with the highest quality, by frame.
    """

    scene: Scene
    blind: Collection[int] = ()
    lies: Mapping[int, np.ndarray] = field(default_factory=dict)
    batch: int = 1
    side, cells, embedding = 192, 96, (3, 24, 24)

    def __post_init__(self) -> None:
        self.grid = Grid(self.scene.clip.size, self.side, self.cells)
        frames = self.scene.clip.read(self.grid.image_size)
        self._frames = {frame.tobytes(): index for index, frame in enumerate(frames)}
        self.prompted: list[tuple[int, Prompt]] = []
        self.encoded: list[int] = []

    def encode(self, images: np.ndarray) -> np.ndarray:
        assert images.dtype == np.uint8
        assert max(images.shape[1:3]) == self.side
        return np.stack([self._encode(image) for image in images])

    def _encode(self, image: np.ndarray) -> np.ndarray:
        index = self._frames[image.tobytes()]
        self.encoded.append(index)
        square = np.zeros((self.side, self.side, 3), np.float32)
        square[: image.shape[0], : image.shape[1]] = image
        colours = cv2.resize(square, self.embedding[:0:-1], interpolation=cv2.INTER_AREA).transpose(2, 0, 1) / 64
        colours[:, -1, -1] = index
        return colours.astype(np.float16)

    def decode(self, embedding: np.ndarray, prompt: Prompt) -> Answers:
        frame = int(embedding[0, -1, -1])
        self.prompted.append((frame, prompt))
        everything = np.ones(self.grid.shape, bool)
        offers = [(everything, 0.95)]
        if frame in self.lies:
            offers.append((self._small(self.lies[frame]), 0.99))
        meant = None if frame in self.blind else self._meant(frame, prompt)
        if meant is not None:
            mask = self._small(meant)
            kernel = np.ones((7, 7), np.uint8)
            wide, thin = (change(mask.astype(np.uint8), kernel) > 0 for change in (cv2.dilate, cv2.erode))
            offers += [(wide, 0.93), (mask, 0.9), (thin, 0.92)]
        logits = [self.grid.pad(np.where(mask, 9, -9).astype(np.float32)) for mask, _ in offers]
        return Answers(np.stack(logits), np.array([quality for _, quality in offers], np.float32))

    def prompts(self, frame: int) -> list[Prompt]:
        """What it was asked about a frame."""
        return [prompt for one, prompt in self.prompted if one == frame]

    def _small(self, mask: np.ndarray) -> np.ndarray:
        return self.grid.shrink(mask.astype(np.uint8) * 255) > 127

    def _meant(self, frame: int, prompt: Prompt) -> np.ndarray | None:
        """The thing that most of the prompt speaks of: box and points; one with a negative point on it is not meant."""
        scores = []
        for mask in self.scene.masks:
            seen = self._small(mask[frame])
            if not seen.any():
                scores.append(-1.0)
                continue
            cells = np.clip((prompt.points / 2).astype(int), 0, [seen.shape[1] - 1, seen.shape[0] - 1])
            hit = seen[cells[:, 1], cells[:, 0]]
            score = float(hit[prompt.labels == 1].sum()) / 3
            if prompt.box is not None:
                area = np.zeros(seen.shape, bool)
                x0, y0, x1, y1 = (prompt.box / 2).round().astype(int)
                area[y0:y1, x0:x1] = True
                score += overlap(area, seen)
            scores.append(-1.0 if hit[prompt.labels == 0].any() else score)
        best = int(np.argmax(scores))
        return self.scene.masks[best][frame] if scores[best] > 0.05 else None


def scores_of(mattes: Sequence[np.ndarray], masks: np.ndarray) -> np.ndarray:
    """IoU of each matte with the truth; 1 where both are empty."""
    found = np.array(mattes) > 0
    union = (found | masks).sum(axis=(1, 2))
    return np.where(union > 0, (found & masks).sum(axis=(1, 2)) / np.maximum(union, 1), 1.0)
