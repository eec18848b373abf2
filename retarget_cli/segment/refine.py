"""Expectation-maximisation over the whole clip: colours and places of the object and of its surroundings."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from retarget_cli.segment.background import Plates, log_density, spread_from_nearby
from retarget_cli.segment.colour_model import BINS, ColourModel
from retarget_cli.segment.guided_filter import guided_filter
from retarget_cli.segment.soft import grow, logit, sigmoid, to_bytes, to_float
from retarget_cli.segment.working import WorkingClip, allocate
from retarget_cli.vision.flow import warp_by_flow

ITERATIONS = 4
_ANY_COLOUR = 0.2
"""Share of the object's colours that may be any colour of the clip: parts unseen at first can still be found."""
_LIMIT = 5.0
_EXCLUDE = (0.08, 0.06, 0.05, 0.04)
"""How near to the object the surroundings are believed, as a share of the shorter side, by iteration."""
_SHAPE_WEIGHT = 0.4
_TIME_WEIGHT = 1.0
_EDGE_WIDTH, _EDGE_ODDS = 0.03, -1.0


class Refinement:
    """Soft mattes of some frames of a clip, improved step by step.

    packed: (N, h, w) uint8, probabilities as bytes, indexed by frame of the clip; only `frames` are used and changed.
    gate: where given, (N, h, w) uint8; the object is never looked for where it is 0.
    neighbours: whether `frames` are consecutive, so that flow ties them together.
    """

    def __init__(
        self, clip: WorkingClip, packed: np.ndarray, frames: np.ndarray, gate: np.ndarray | None, neighbours: bool
    ) -> None:
        self.clip, self.packed, self.frames, self.gate, self.neighbours = clip, packed, frames, gate, neighbours
        self.shares = np.array([0.2, 0.4, 0.4])
        self.sampled = frames[np.unique(np.linspace(0, len(frames) - 1, min(len(frames), 400)).round().astype(int))]
        self.overall = self._all_colours()
        self.model = self._fit()

    def run(self, iterations: int = ITERATIONS, tick: Callable[[], None] = lambda: None) -> None:
        """Iterate; `tick` is called once for every frame of every iteration."""
        out = allocate(self.packed.shape, np.uint8)
        for iteration in range(iterations):
            self.model = self._fit()
            shape = ShapePrior(self.packed, self.frames, self.sampled) if iteration else None
            plates = Plates(self.clip, self.packed, self.frames)
            responsible = np.zeros(3)
            exclude = round(_EXCLUDE[min(iteration, len(_EXCLUDE) - 1)] * min(self.clip.size))
            for position, frame in enumerate(self.frames):
                odds, used = self._colour_odds(plates, position, exclude)
                responsible += used
                if shape is not None:
                    odds += _SHAPE_WEIGHT * logit(shape.at(position)) + self._time_odds(frame)
                soft = sigmoid(guided_filter(self.clip.guide(frame), odds.astype(np.float32), 1, 1e-3))
                out[frame] = to_bytes(soft if self.gate is None else soft * (self.gate[frame] > 0))
                tick()
            self.packed[self.frames] = out[self.frames]
            if responsible.sum() > 0:
                self.shares = np.clip(responsible / responsible.sum(), 0.02, 1.0)

    def _colour_odds(self, plates: Plates, position: int, exclude: int) -> tuple[np.ndarray, np.ndarray]:
        """Log odds from colour, and how much each of the three models of the surroundings explained."""
        frame = self.frames[position]
        lab, bins, soft = self.clip.lab[frame], self.clip.bins(frame), to_float(self.packed[frame])
        plate, known = plates.at(position).log_density(self.clip, frame)
        nearby = log_density(lab, *spread_from_nearby(lab, soft, exclude))
        parts = np.stack([self.model.background[bins] + 1e-6, np.exp(nearby), np.exp(plate) * known])
        parts *= self.shares.astype(np.float32)[:, None, None]
        total = parts.sum(axis=0)
        inside = (1 - _ANY_COLOUR) * self.model.foreground[bins] + _ANY_COLOUR * self.overall[bins] + 1e-6
        outside = total / (self.shares[0] + self.shares[1] + self.shares[2] * known) + 1e-9
        odds = np.clip(np.log(inside / outside), -_LIMIT, _LIMIT) + edge_odds(soft.shape)
        sure = (grow(soft, exclude) < 0.2) & known
        used = (parts[:, sure] / (total[sure] + 1e-12)).mean(axis=1) if sure.any() else np.zeros(3)
        return odds, used

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

    def _all_colours(self) -> np.ndarray:
        counts = np.zeros(int(np.prod(BINS)))
        for frame in self.sampled:
            counts += np.bincount(self.clip.bins(frame).ravel(), minlength=counts.size)
        return (counts / counts.sum()).astype(np.float32)


class ShapePrior:
    """The clip's mean matte about the object's smoothed path, blurred."""

    def __init__(self, packed: np.ndarray, frames: np.ndarray, sampled: np.ndarray) -> None:
        height, width = packed.shape[1:]
        self._middle = np.array([width / 2, height / 2])
        self._centres = _smooth(np.array([_centre(packed[frame]) for frame in frames]))
        where = np.searchsorted(frames, sampled)
        total = np.zeros((height, width), np.float32)
        for position in where:
            shift = self._middle - self._centres[position]
            total += _shifted(to_float(packed[frames[position]]), shift)
        self._mean = cv2.GaussianBlur(total / len(where), (0, 0), 0.04 * width)

    def at(self, position: int) -> np.ndarray:
        """Prior probability for the frame at `position` in the list of frames, (h, w) float32."""
        return _shifted(self._mean, self._centres[position] - self._middle)


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


def _smooth(centres: np.ndarray, radius: int = 9) -> np.ndarray:
    padded = np.pad(centres, ((radius, radius), (0, 0)), mode="edge")
    window = np.ones(2 * radius + 1) / (2 * radius + 1)
    return np.stack([np.convolve(padded[:, axis], window, "valid") for axis in (0, 1)], axis=1)


def _shifted(image: np.ndarray, shift: np.ndarray) -> np.ndarray:
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    return cv2.warpAffine(image, matrix, (image.shape[1], image.shape[0]))
