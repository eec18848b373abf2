"""The background of a clip: where it can be seen, and the shadows on it that are no object."""

from __future__ import annotations

import cv2
import numpy as np

from retarget_cli.segmentation.embedded.proxy_clip import ProxyClip
from retarget_cli.segmentation.masks import grow
from retarget_cli.vision.camera import moves, view

_CELL = 4
_LOG_UNIT = float(np.log(64.0) - 1.5 * np.log(2 * np.pi))
"""Log volume of a histogram bin in Lab bytes, for densities to compare with histograms, and the Gaussian constant."""
_ALL_CHANNELS = np.ones((1, 3), np.float32)
_NOISE = np.array([16.0, 4.0, 4.0], np.float32)
"""Least variance of L, a, b (in bytes squared): camera noise and compression."""
_LEAST_NOISE = np.array([1.0, 0.5, 0.5], np.float32)
"""Least variance where the surroundings themselves show how little noise there is."""
_TELLING, _MOVING = 2.0, 1.0
"""Log odds of change below which a place is bare whatever the matte says, and above which it is not."""
_SPREAD = ((0.03, 1.0), (0.08, 0.03), (0.20, 0.001))
"""(sigma as a share of the width, weight): the nearest surroundings count most, distant ones fill in."""
_PLATE_FRAMES = 17
_PLATE_GROUP = 8
_ORIGIN = np.array([-40.8, 128.0, 128.0], np.float32)
"""Black in OpenCV's Lab bytes, where L is 255/100 times itself."""
_WINDOW = (5, 5)
_DARKEST, _LIGHTEST = 0.5, 0.97
"""Cube roots of the share of light left: an eighth to nine tenths of it."""
_LEAST_GRAIN = 1.0
"""Variance of lightness, in bytes squared, that counts as grain."""
_LIKENESS = (0.45, 0.75)


def log_density(lab: np.ndarray, mean: np.ndarray, variance: np.ndarray, noise: np.ndarray = _NOISE) -> np.ndarray:
    """Log probability of every pixel's bin under a diagonal Gaussian in Lab. All (h, w, 3); returns (h, w)."""
    spread = variance + noise
    offset = lab.astype(np.float32) - mean
    distance = cv2.transform(offset * offset / spread, _ALL_CHANNELS)
    volume = np.log(spread[..., 0] * spread[..., 1] * spread[..., 2])
    return -0.5 * (distance + volume) + _LOG_UNIT


def spread_from_nearby(lab: np.ndarray, probability: np.ndarray, exclude: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the surroundings' colour, continued into the object by normalised convolution.

    lab: (h, w, 3) uint8.
    probability: (h, w) float32, of being object.
    exclude: pixels from the object within which no colour counts.
    Returns two (h, w, 3) float32.
    """
    height, width = probability.shape
    cells = (max(4, width // _CELL), max(4, height // _CELL))
    colour = cv2.resize(lab, cells, interpolation=cv2.INTER_AREA).astype(np.float32)
    near = grow(cv2.resize(probability, cells, interpolation=cv2.INTER_AREA), max(1, round(exclude / _CELL)))
    weight = ((1.0 - near) ** 4)[..., None]
    layers = np.concatenate([weight * colour, weight], axis=2)
    squares = weight * colour * colour
    total, total_squares = np.zeros_like(layers), np.zeros_like(squares)
    for sigma, share in _SPREAD:
        total += share * cv2.GaussianBlur(layers, (0, 0), sigma * cells[0])
        total_squares += share * cv2.GaussianBlur(squares, (0, 0), sigma * cells[0])
    mass = total[..., 3:] + 1e-9
    mean = total[..., :3] / mass
    variance = np.maximum(total_squares / mass - mean * mean, 0.0)
    return cv2.resize(mean, (width, height)), cv2.resize(variance, (width, height))


class Plate:
    """Median colour of the surroundings around one moment, from frames in which each place is bare.

    packed: (N, h, w) uint8 probabilities; frames: those to look at; telling: log odds for the object by bin of change.
    """

    def __init__(
        self, clip: ProxyClip, packed: np.ndarray, frames: np.ndarray, anchor: int, telling: np.ndarray
    ) -> None:
        chosen = _neighbours(frames, anchor)
        width, height = clip.size
        colours = np.empty((len(chosen), height, width, 3), np.uint8)
        bare = np.zeros((height, width), np.int32)
        for slot, frame in enumerate(chosen):
            change = telling[clip.change[frame]]
            covered = grow(np.where(change < -_TELLING, 0, packed[frame]).astype(np.uint8), 2)
            covered[change > _MOVING] = 255
            colour = clip.lab[frame]
            matrix = clip.path.between(anchor, int(frame))
            if moves(matrix):
                colour = view(colour, matrix, colour.shape)
                covered = view(covered, matrix, covered.shape, border=255)
            colours[slot] = colour
            colours[slot][covered >= 80] = 255  # sorts behind every colour that counts
            bare += covered < 80
        colours.sort(axis=0)
        self.anchor = anchor
        self.median = _quantile(colours, bare, 0.5)
        half_width = (_quantile(colours, bare, 0.84) - _quantile(colours, bare, 0.16)) / 2
        self.variance = half_width * half_width
        known = bare >= max(3, 0.2 * len(chosen))
        usual = np.percentile(self.variance[known], 80, axis=0) if known.any() else _NOISE
        self.noise = np.clip(usual + _LEAST_NOISE, None, _NOISE).astype(np.float32)
        self.known = known.astype(np.float32)

    def log_density(self, clip: ProxyClip, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """Log density of a frame's pixels, and where the plate knows anything (bool), both (h, w)."""
        matrix = clip.path.between(frame, self.anchor)
        median, variance, known = self.median, self.variance, self.known
        if moves(matrix):
            median, variance, known = (view(layer, matrix, layer.shape) for layer in (median, variance, known))
        density = log_density(clip.lab[frame], median, variance, self.noise)
        dimmed, sure = shadow(clip.lab[frame], median)
        in_shadow = log_density(clip.lab[frame], dimmed, variance, self.noise) + np.log(sure + 1e-6)
        return np.maximum(density, in_shadow), known > 0.5


def shadow(lab: np.ndarray, ground: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ground as it would look in the shadow seen here, and how sure it is that there is one.

    lab: (h, w, 3) uint8; ground: (h, w, 3) float32, the surroundings bare, in the same units. Returns (h, w, 3) float32
    and (h, w) float32 in [0, 1].
    """
    seen, bare = lab.astype(np.float32) - _ORIGIN, ground - _ORIGIN
    dimming = cv2.blur((seen * bare).sum(axis=2), _WINDOW) / np.maximum(cv2.blur((bare * bare).sum(axis=2), _WINDOW), 1)
    grain, ground_grain = (layer[..., 0] - cv2.blur(layer[..., 0], (3, 3)) for layer in (seen, bare))
    power, ground_power = (cv2.blur(layer * layer, _WINDOW) for layer in (grain, ground_grain))
    likeness = cv2.blur(grain * ground_grain, _WINDOW) / np.sqrt(np.maximum(power * ground_power, 1e-6))
    low, high = _LIKENESS
    sure = np.clip((likeness - low) / (high - low), 0.0, 1.0) * (ground_power > _LEAST_GRAIN)
    sure *= (dimming > _DARKEST) & (dimming < _LIGHTEST)
    return bare * dimming[..., None] + _ORIGIN, sure.astype(np.float32)


def groups(frames: np.ndarray) -> list[np.ndarray]:
    """Runs of neighbouring frames that share one plate, anchored at the middle one."""
    return [frames[start : start + _PLATE_GROUP] for start in range(0, len(frames), _PLATE_GROUP)]


def _neighbours(frames: np.ndarray, anchor: int) -> np.ndarray:
    """Frames around the anchor, close ones densely and distant ones sparsely."""
    if len(frames) <= _PLATE_FRAMES:
        return frames
    steps = np.arange(-(_PLATE_FRAMES // 2), _PLATE_FRAMES // 2 + 1)
    offsets = (np.sign(steps) * np.abs(steps) ** 2.0).round().astype(int)
    centre = int(np.searchsorted(frames, anchor))
    return frames[np.unique(np.clip(centre + offsets, 0, len(frames) - 1))]


def _quantile(ordered: np.ndarray, count: np.ndarray, share: float) -> np.ndarray:
    position = np.clip((count * share).astype(int), 0, len(ordered) - 1)
    return np.take_along_axis(ordered, position[None, ..., None], axis=0)[0].astype(np.float32)
