"""The background of a clip: where it can be seen, and the shadows on it that are no object."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from retarget_cli.segmentation.embedded.models import NOISE, ColourModel, log_density
from retarget_cli.segmentation.embedded.proxy_clip import ProxyClip
from retarget_cli.segmentation.masks import grow
from retarget_cli.vision.camera import moves, view

_LEAST_NOISE = np.array([1.0, 0.5, 0.5], np.float32)
"""Least variance where the surroundings themselves show how little noise there is."""
_TELLING, _MOVING = 2.0, 1.0
"""Log odds of change below which a place is bare whatever the matte says, and above which it is not."""
_AROUND = 0.15
"""How far from the object parts of it may be that the matte lacks, as a share of the shorter side."""
_ALIKE = 1.5
"""Log odds of colour above which a place there is not taken for bare."""
_PLATE_FRAMES = 17
_PLATE_GROUP = 8
_COVERS_KEPT = 256
"""Frames: those between the first and the last of a plate, for the plates that are made side by side."""
_ORIGIN = np.array([-40.8, 128.0, 128.0], np.float32)
"""Black in OpenCV's Lab bytes, where L is 255/100 times itself."""
_WINDOW = (5, 5)
_DARKEST, _LIGHTEST = 0.5, 0.97
"""Cube roots of the share of light left: an eighth to nine tenths of it."""
_LEAST_GRAIN = 1.0
"""Variance of lightness, in bytes squared, that counts as grain."""
_LIKENESS = (0.45, 0.75)
_PLAIN = 0.05
"""How likely what is dimmed like a shadow is one where no grain of the ground tells."""


class Cover:
    """Where the object may hide the surroundings, frame by frame.

    packed: (N, h, w) uint8 probabilities; telling: log odds for the object by bin of change; colours: what colours the
    object has.
    A part that the matte lacks in all frames of a plate would be remembered as background, and be lost for good. So
    what has the object's colours and lies near it is not bare, unless it stands still.
    """

    def __init__(self, clip: ProxyClip, packed: np.ndarray, telling: np.ndarray, colours: ColourModel) -> None:
        self._clip, self._packed, self._telling, self._colours = clip, packed, telling, colours
        self.at = lru_cache(_COVERS_KEPT)(self._find)

    def _find(self, frame: int) -> np.ndarray:
        """(h, w) uint8: 0 bare, 255 hidden."""
        change = self._telling[self._clip.change[frame]]
        covered = grow(np.where(change < -_TELLING, 0, self._packed[frame]).astype(np.uint8), 2)
        covered[(change > _MOVING) | ((change >= -_TELLING) & self._lacking(frame))] = 255
        return covered

    def _lacking(self, frame: int) -> np.ndarray:
        """Where the matte of a frame may lack a part: near it, with the object's colours; (h, w) bool."""
        around = grow((self._packed[frame] > 127).astype(np.uint8), round(_AROUND * min(self._clip.size)))
        return (around > 0) & (cv2.blur(self._colours.logit(self._clip.bins(frame)), (3, 3)) > _ALIKE)


class Plate:
    """Median colour of the surroundings around one moment, from frames in which each place is bare.

    frames: those to look at.
    """

    def __init__(self, clip: ProxyClip, cover: Cover, frames: np.ndarray, anchor: int) -> None:
        chosen = _neighbours(frames, anchor)
        width, height = clip.size
        layers = np.empty((len(chosen), height, width, 3), np.uint8)
        bare = np.zeros((height, width), np.int32)
        for slot, frame in enumerate(chosen.tolist()):
            colour, covered = clip.lab[frame], cover.at(frame)
            matrix = clip.path.between(anchor, frame)
            if moves(matrix):
                colour = view(colour, matrix, colour.shape)
                covered = view(covered, matrix, covered.shape, border=255)
            # What is hidden sorts behind every colour that counts.
            np.maximum(colour, np.where(covered >= 80, 255, 0).astype(np.uint8)[..., None], out=layers[slot])
            bare += covered < 80
        _sort_layers(layers)
        self.anchor = anchor
        self.median = _quantile(layers, bare, 0.5)
        half_width = (_quantile(layers, bare, 0.84) - _quantile(layers, bare, 0.16)) / 2
        self.variance = half_width * half_width
        known = bare >= max(3, 0.2 * len(chosen))
        usual = np.percentile(self.variance[known], 80, axis=0) if known.any() else NOISE
        self.noise = np.clip(usual + _LEAST_NOISE, None, NOISE).astype(np.float32)
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
    sure = np.maximum(sure, _PLAIN) * ((dimming > _DARKEST) & (dimming < _LIGHTEST))
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


def _sort_layers(layers: np.ndarray) -> None:
    """Sort (N, ...) along the first axis, in place.

    Merge exchange (Knuth, The Art of Computer Programming 3, 5.2.2, algorithm M) on whole layers: much faster than
    sorting each pixel's few values.
    """
    count = len(layers)
    largest = 1 << max(0, (count - 1).bit_length() - 1)
    lower = np.empty_like(layers[0])
    step = largest if count > 1 else 0
    while step:
        distance, span, offset = step, largest, 0
        while True:
            for first in range(count - distance):
                if first & step == offset:
                    one, other = layers[first], layers[first + distance]
                    np.minimum(one, other, out=lower)
                    np.maximum(one, other, out=other)
                    one[...] = lower
            if span == step:
                break
            distance, span, offset = span - step, span >> 1, step
        step >>= 1


def _quantile(ordered: np.ndarray, count: np.ndarray, share: float) -> np.ndarray:
    position = np.clip((count * share).astype(np.intp), 0, len(ordered) - 1)
    pixels = position.size
    found: np.ndarray = ordered.reshape(len(ordered) * pixels, -1)[position.ravel() * pixels + np.arange(pixels)]
    return found.reshape(ordered.shape[1:]).astype(np.float32)
