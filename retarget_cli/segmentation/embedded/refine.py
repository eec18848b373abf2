"""Expectation-maximisation over the whole clip: colours and places of the object and of its surroundings."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import cv2
import numpy as np

from retarget_cli.segmentation.embedded.background import Cover, Plate, groups
from retarget_cli.segmentation.embedded.models import ChangeModel, ColourModel
from retarget_cli.segmentation.embedded.proxy_clip import ProxyClip
from retarget_cli.segmentation.guided_filter import guided_filter
from retarget_cli.segmentation.masks import grow, logit, sigmoid, to_bytes, to_float
from retarget_cli.utils.sampling import evenly
from retarget_cli.vision.camera import moves
from retarget_cli.vision.flow import warp_by_flow

NEVER, OPEN, ALWAYS = 0, 1, 2
ITERATIONS = 5
_ANY_COLOUR = 0.3
"""Share of the object's colours that may be any colour of the clip: parts unseen at first can still be found."""
_LIMIT = 5.0
_EXCLUDE = (0.08, 0.06, 0.05, 0.04)
"""How near to the object the surroundings are believed, as a share of the shorter side, by iteration."""
_SHAPE_WEIGHT = 0.4
_TIME_WEIGHT = 1.0
_MOST_CHANGE = 3.0
"""Log odds against the object that a place can get for standing still."""
_COVERED = (0.0, 0.0, 2.5)
"""Log odds, by iteration, for the object where no frame shows the surroundings bare; as far as memory explains them.

Not from the start: the first guess also covers what is merely enclosed by the object.
"""
_EXPLAINED, _EXPLAINED_STEADY = 1.0, 3.0
"""Log odds of colour against the object at which that counts no longer: gaps between legs are never seen bare either.

A camera that stands still sees more of the surroundings bare, so what it never sees says more.
"""
_EDGE_WIDTH, _EDGE_ODDS = 0.03, -1.0


class Refinement:
    """Soft mattes of some frames of a clip, improved step by step.

    packed: (N, h, w) uint8, probabilities as bytes, indexed by frame of the clip; only `frames` are used. It is used
    up: every iteration writes into the array that the one before it read.
    gate: where given, (N, h, w) uint8 of NEVER, OPEN and ALWAYS: where the object cannot be, may be, and must be.
    neighbours: whether `frames` are consecutive, so that flow ties them together.
    """

    def __init__(
        self, clip: ProxyClip, packed: np.ndarray, frames: np.ndarray, gate: np.ndarray | None, neighbours: bool
    ) -> None:
        self.clip, self.packed, self.frames, self.gate, self.neighbours = clip, packed, frames, gate, neighbours
        self.shares = np.array([0.2, 0.4, 0.4])
        self.sampled = frames[evenly(len(frames), 400)]
        self.covered = 0.0
        self.steady = not any(moves(clip.path.between(0, int(frame))) for frame in frames)

    def run(self, iterations: int = ITERATIONS, kept: str | None = None) -> np.ndarray:
        """Iterate, and return the improved mattes, like `packed`. kept: the name under which a rerun finds them."""
        other = self.clip.layer(kept and f"{kept}.other")
        for iteration in range(iterations):
            self._iterate(iteration, other, kept and f"{kept}-{iteration}")
            self.packed, other = other, self.packed
        return self.packed

    def _iterate(self, iteration: int, out: np.ndarray, note: str | None) -> None:
        """Write better probabilities into `out`. note: the name under which it is remembered what was done."""
        passes, all_groups, name = self.clip.passes, groups(self.frames), "refine" if note else "trial"
        responsible = list(passes.scratch.noted(note).get("responsible", ())) if note else []
        left = all_groups[len(responsible) :]
        passes.skip(name, sum(len(group) for group in all_groups[: len(responsible)]))
        if left:
            self.model = self._fit()
            self.change = ChangeModel(self.clip.change, self.packed, self.sampled)
            self.covered = _COVERED[min(iteration, len(_COVERED) - 1)] * float(self.shares[2]) ** 2
            shape = ShapePrior(self.packed, self.frames, self.sampled) if iteration else None
            exclude = round(_EXCLUDE[min(iteration, len(_EXCLUDE) - 1)] * min(self.clip.size))
            cover = Cover(self.clip, self.packed, self.change.ratio, self.model)
            work = partial(self._group, out, cover, shape, exclude)
            counted = passes.keeping(note, all_groups, lambda: {"responsible": responsible}) if note else left
            # OpenCV and numpy let go of the interpreter, so groups of frames run side by side.
            with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
                for group, used in zip(counted, pool.map(work, left), strict=True):
                    responsible.append(used.tolist())
                    for _ in group:
                        passes.tick(name)
        total = np.sum(responsible, axis=0)
        if total.sum() > 0:
            self.shares = np.clip(total / total.sum(), 0.02, 1.0)

    def _group(
        self, out: np.ndarray, cover: Cover, shape: ShapePrior | None, exclude: int, frames: np.ndarray
    ) -> np.ndarray:
        """Write new probabilities into `out` for frames that share a plate. Returns what each background explained."""
        middle = int(frames[len(frames) // 2])
        plate = Plate(self.clip, cover, self.frames, middle)
        responsible = np.zeros(3)
        for frame in frames:
            odds, used = self._colour_odds(plate, shape, frame, exclude)
            responsible += used
            if shape is not None:
                odds += self._time_odds(frame)
            probability = sigmoid(guided_filter(self.clip.guide(frame), odds.astype(np.float32), 1, 1e-3))
            if self.gate is not None:
                probability = np.select(
                    [self.gate[frame] == NEVER, self.gate[frame] == ALWAYS], [0.0, 1.0], probability
                )
            out[frame] = to_bytes(probability)
        return responsible

    def _colour_odds(
        self, plate: Plate, shape: ShapePrior | None, frame: int, exclude: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Log odds from colour and place, and how much each of the three models of the surroundings explained."""
        lab, bins, probability = self.clip.lab[frame], self.clip.bins(frame), to_float(self.packed[frame])
        remembered, known = plate.log_density(self.clip, frame)
        nearby = self.clip.palette.log_density_nearby(lab, bins, probability, exclude)
        weights = self.shares.astype(np.float32)
        by_colour = weights[0] * (self.model.background[bins] + 1e-6)
        by_place = weights[1] * np.exp(nearby)
        by_memory = weights[2] * np.exp(remembered) * known
        total = by_colour + by_place + by_memory
        inside = (1 - _ANY_COLOUR) * self.model.foreground[bins] + _ANY_COLOUR * self.model.overall[bins] + 1e-6
        outside = total / (weights[0] + weights[1] + weights[2] * known) + 1e-9
        odds = np.clip(np.log(inside / outside), -_LIMIT, _LIMIT) + edge_odds(probability.shape)
        change = self.change.ratio[self.clip.change[frame]]
        if shape is None:
            odds += np.clip(change, -_MOST_CHANGE, 0.0)
        else:
            prior = shape.at(frame)
            explained = np.clip(1 + odds / (_EXPLAINED_STEADY if self.steady else _EXPLAINED), 0.0, 1.0)
            unseen = self.covered * prior * ~known * explained * np.exp(np.clip(change, -_MOST_CHANGE, 0.0))
            odds += (
                _SHAPE_WEIGHT * logit(prior)
                + unseen
                + np.clip(change, -_MOST_CHANGE, self._change_limit(nearby, known))
            )
        sure = ((grow(self.packed[frame], exclude) < 51) & known)[::2, ::2]
        if not sure.any():
            return odds, np.zeros(3)
        parts = (by_colour, by_place, by_memory)
        return odds, np.array([float((part[::2, ::2][sure] / total[::2, ::2][sure]).mean()) for part in parts])

    def _change_limit(self, nearby: np.ndarray, known: np.ndarray) -> np.ndarray | float:
        """Return the most log odds that change may count for the object, by pixel.

        Its trail changes like the object itself, so only a camera that stands still lets change speak for it, and only
        where the surroundings were never seen and do not look like those nearby.
        """
        return np.where(known, 0.0, np.clip(-0.5 * (nearby + 3.0), 0.0, 2.0)) if self.steady else 0.0

    def _time_odds(self, frame: int) -> np.ndarray:
        mean = to_float(self.packed[frame])
        if not self.neighbours:
            return 0.5 * logit(mean)
        seen = 1
        for step in (-1, 1):
            if 0 <= frame + step < self.clip.count:
                warped = warp_by_flow(self.packed[frame + step], self.clip.flow(frame, step))
                mean, seen = mean + to_float(warped), seen + 1
        return _TIME_WEIGHT * logit(mean / seen)

    def _fit(self) -> ColourModel:
        return ColourModel.fit((self.clip.bins(frame), to_float(self.packed[frame])) for frame in self.sampled)


class ShapePrior:
    """The clip's mean matte about the object's smoothed path, blurred."""

    def __init__(self, packed: np.ndarray, frames: np.ndarray, sampled: np.ndarray) -> None:
        height, width = packed.shape[1:]
        self._middle = np.array([width / 2, height / 2])
        centres = _smooth(np.array([_centre(packed[frame]) for frame in frames]))
        self._centres = dict(zip(frames.tolist(), centres, strict=True))
        total = np.zeros((height, width), np.float32)
        for frame in sampled.tolist():
            total += _shifted(to_float(packed[frame]), self._middle - self._centres[frame])
        self._mean = cv2.GaussianBlur(total / len(sampled), (0, 0), 0.04 * width)

    def at(self, frame: int) -> np.ndarray:
        """Prior probability for a frame, (h, w) float32."""
        return _shifted(self._mean, self._centres[int(frame)] - self._middle)


def edge_odds(shape: tuple[int, ...]) -> np.ndarray:
    """Log odds against the object in the outermost 3 % of the frame, the bottom excepted (objects stand there)."""
    height, width = shape
    odds = np.zeros((height, width), np.float32)
    border = round(_EDGE_WIDTH * min(height, width))
    if border:
        odds[:border] = odds[:, :border] = odds[:, -border:] = _EDGE_ODDS
    return odds


def _centre(packed: np.ndarray) -> tuple[float, float]:
    weight = np.maximum(packed.astype(np.float32) - 77.0, 0.0) + 1e-3
    mass = weight.sum()
    columns, rows = np.arange(weight.shape[1]), np.arange(weight.shape[0])
    return float(weight.sum(axis=0) @ columns / mass), float(weight.sum(axis=1) @ rows / mass)


def _smooth(centres: np.ndarray) -> np.ndarray:
    radius = 9
    padded = np.pad(centres, ((radius, radius), (0, 0)), mode="edge")
    window = np.ones(2 * radius + 1) / (2 * radius + 1)
    return np.stack([np.convolve(padded[:, axis], window, "valid") for axis in (0, 1)], axis=1)


def _shifted(image: np.ndarray, shift: np.ndarray) -> np.ndarray:
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    return cv2.warpAffine(image, matrix, (image.shape[1], image.shape[0]))
