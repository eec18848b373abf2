"""Models that tell object from background in one clip: a colour model and a change model."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from retarget_cli.segmentation.embedded.passes import Passes
from retarget_cli.segmentation.masks import to_float
from retarget_cli.utils.threads import mapped
from retarget_cli.vision.camera import CameraPath, moves

# Colours:
COLOUR_BINS = (16, 64, 64)
"""Bins of L, a and b. Lightness is coarse because light and shade change it across one surface."""
_SIGMA = (0.5, 0.8, 0.8)
_FLOOR = 1e-6
_LIMIT = 5.0
_LOG_UNIT = float(np.log(64.0) - 1.5 * np.log(2 * np.pi))
"""Log volume of a histogram bin in Lab bytes, for densities to compare with histograms, and the Gaussian constant."""
_ALL_CHANNELS = np.ones((1, 3), np.float32)
NOISE = np.array([16.0, 4.0, 4.0], np.float32)
"""Least variance of L, a, b (in bytes squared): camera noise and compression."""

# Change:
_OFFSETS = (7, 16, 30)
"""Frames between the moments compared: far enough apart for slow objects to have moved on."""
_SAME_SIDE = 0.25
"""At the ends of a clip, the nearer of two moments on one side is this share of the offset away."""
_LEVELS = np.array([1.5, 2.5, 4.0, 6.0, 9.0, 13.0, 20.0])
"""Edges, in multiples of the clip's noise, of the bins of one difference."""
_LEAST_LEVELS = _LEVELS[::2]
_STRUCTURE = np.array([0.75, 2.5])
"""The same for the slope of the picture: a plain part of the object looks still though it moves."""
_SHAPE = (len(_LEVELS) + 1, len(_LEAST_LEVELS) + 1, len(_STRUCTURE) + 1)
CHANGE_BINS = int(np.prod(_SHAPE))
_SLACK = 0.7
"""Pixels by which the camera's motion may be wrong."""
_LEAST_NOISE = 2.0
_CHANNELS = np.array([1.0, 1.5, 1.5], np.float32)


def lab_bins(lab: np.ndarray) -> np.ndarray:
    """Histogram bin of every pixel. lab: (..., 3) uint8 as OpenCV converts it; returns (...) uint16."""
    lightness = lab[..., 0].astype(np.uint16)
    # a and b of ordinary pictures stay within +-64 of grey: spend all the bins there.
    a, b = ((np.clip(lab[..., k], 64, 191) - 64 >> 1).astype(np.uint16) for k in (1, 2))
    return (lightness >> 4) * np.uint16(COLOUR_BINS[1] * COLOUR_BINS[2]) + a * np.uint16(COLOUR_BINS[2]) + b


def bin_colours() -> np.ndarray:
    """The colour in the middle of every bin, (bins, 3) float32 Lab bytes."""
    lightness, a, b = np.meshgrid(*(np.arange(count) for count in COLOUR_BINS), indexing="ij")
    middles = np.stack([16 * lightness + 7.5, 64 + 2 * a + 0.5, 64 + 2 * b + 0.5], axis=-1)
    return middles.reshape(-1, 3).astype(np.float32)


def log_density(lab: np.ndarray, mean: np.ndarray, variance: np.ndarray, noise: np.ndarray = NOISE) -> np.ndarray:
    """Log probability of every pixel's bin under a diagonal Gaussian in Lab. All (h, w, 3); returns (h, w)."""
    spread = variance + noise
    offset = lab.astype(np.float32) - mean
    distance = cv2.transform(offset * offset / spread, _ALL_CHANNELS)
    volume = np.log(spread[..., 0] * spread[..., 1] * spread[..., 2])
    return -0.5 * (distance + volume) + _LOG_UNIT


class ColourModel:
    """log(P(colour | object) / P(colour | surroundings)) for every bin, bounded to +-5."""

    def __init__(self, foreground: np.ndarray, background: np.ndarray) -> None:
        everything = foreground + background
        self.overall = _smooth(everything) / max(float(everything.sum()), 1.0)
        self.foreground = _smooth(foreground) / max(float(foreground.sum()), 1.0)
        self.background = _smooth(background) / max(float(background.sum()), 1.0)
        ratio = np.log((self.foreground + _FLOOR) / (self.background + _FLOOR))
        self.log_ratio = np.clip(ratio, -_LIMIT, _LIMIT).astype(np.float32)

    @classmethod
    def fit(cls, samples: Iterable[tuple[np.ndarray, np.ndarray]]) -> ColourModel:
        """Fit to (bins, probability of being object) pairs of arrays of one shape."""
        size = int(np.prod(COLOUR_BINS))
        foreground, everything = np.zeros(size), np.zeros(size)
        for bins, probability in samples:
            flat = bins.ravel()
            foreground += np.bincount(flat, weights=probability.ravel(), minlength=size)
            everything += np.bincount(flat, minlength=size)
        return cls(foreground, everything - foreground)

    def logit(self, bins: np.ndarray) -> np.ndarray:
        """Evidence for the object in every pixel, float32, in nats."""
        return self.log_ratio[bins]

    def overlap(self) -> float:
        """Bhattacharyya coefficient of the two histograms: 0 nothing in common, 1 the same."""
        return float(np.sqrt(self.foreground * self.background).sum())


class ChangeModel:
    """log(P(change | object) / P(change | surroundings)) for every bin, learned from probabilities.

    bins: (N, h, w) as `change_bins` gives them; packed: (N, h, w) uint8 probabilities; frames: which of them to use.
    """

    def __init__(self, bins: np.ndarray, packed: np.ndarray, frames: np.ndarray) -> None:
        inside, everything = np.zeros(CHANGE_BINS), np.zeros(CHANGE_BINS)
        for frame in frames:
            flat = bins[frame].ravel()
            inside += np.bincount(flat, weights=to_float(packed[frame]).ravel(), minlength=CHANGE_BINS)
            everything += np.bincount(flat, minlength=CHANGE_BINS)
        outside = everything - inside
        self._inside = (inside + 0.5) / (inside.sum() + 0.5 * CHANGE_BINS)
        self._outside = (outside + 0.5) / (outside.sum() + 0.5 * CHANGE_BINS)
        self.ratio = np.log(self._inside / self._outside).astype(np.float32)

    def overlap(self) -> float:
        """Bhattacharyya coefficient of the two histograms: 0 nothing in common, 1 the same."""
        return float(np.sqrt(self._inside * self._outside).sum())


def change_bins(lab: np.ndarray, path: CameraPath, sampled: np.ndarray, passes: Passes) -> np.ndarray:
    """Bins of change for every pixel of every frame, (N, h, w) uint8 below CHANGE_BINS.

    A bin says how different a pixel usually is, how different at the least, and how rough the picture is there.
    lab: (N, h, w, 3) uint8; path: the camera's path in their pixels; sampled: frames on which the noise is measured.
    """
    bins = passes.scratch.array(lab.shape[:3], np.uint8, "change.bins")
    begin = passes.resume("change")
    if begin == len(lab):
        return bins
    smooth = passes.scratch.array(lab.shape, np.uint8)
    for index in passes.through(len(lab)):
        smooth[index] = cv2.GaussianBlur(lab[index], (0, 0), 0.7)
    few = sampled[:: max(1, len(sampled) // 24)].tolist()
    noise = float(np.median([np.median(_changes(smooth, path, index)[0]) for index in few]))
    unit = max(_LEAST_NOISE, noise)

    def fill(index: int) -> None:
        usual, least, slope = _changes(smooth, path, index)
        levels = (
            np.digitize(usual, _LEVELS * unit),
            np.digitize(least, _LEAST_LEVELS * unit),
            np.digitize(cv2.blur(slope, (3, 3)), _STRUCTURE * unit),
        )
        bins[index] = np.ravel_multi_index(levels, _SHAPE)

    filled = mapped(fill, range(begin, len(lab)))
    for _ in zip(passes.keeping("change", range(len(lab))), filled, strict=False):
        passes.tick("change")
    return bins


def usual_change(bins: np.ndarray) -> np.ndarray:
    """Return how different each pixel usually is, in levels; 0 is still."""
    return bins // (CHANGE_BINS // _SHAPE[0])


def _smooth(histogram: np.ndarray) -> np.ndarray:
    cube: np.ndarray = histogram.reshape(COLOUR_BINS).astype(np.float32)
    for axis, sigma in enumerate(_SIGMA):
        rows = np.ascontiguousarray(np.moveaxis(cube, axis, -1))
        flat = cv2.GaussianBlur(rows.reshape(-1, rows.shape[-1]), (5, 1), sigma, borderType=cv2.BORDER_REPLICATE)
        cube = np.moveaxis(flat.reshape(rows.shape), -1, axis)
    return cube.ravel()


def _changes(smooth: np.ndarray, path: CameraPath, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The usual and the least difference from other moments, and the slope of the picture, three (h, w) float32.

    Of two moments, one either side, the more similar one counts: what the object hides before it is bare after.
    """
    here = smooth[index].astype(np.float32)
    slopes = (cv2.Sobel(here[..., 0], cv2.CV_32F, *axis, scale=1 / 8) for axis in ((1, 0), (0, 1)))
    slope = np.hypot(*slopes)
    found = []
    for offset in _OFFSETS:
        sides = [_difference(smooth, path, here, index, other) for other in _others(index, offset, len(smooth))]
        if sides:
            least = np.min(sides, axis=0)
            found.append(np.maximum(np.where(np.isfinite(least), least, 0) - _SLACK * slope, 0))
    if not found:
        return np.zeros_like(slope), np.zeros_like(slope), slope
    layers = np.stack(found)
    return np.median(layers, axis=0), np.min([cv2.blur(layer, (3, 3)) for layer in layers], axis=0), slope


def _others(index: int, offset: int, count: int) -> list[int]:
    """The frames to compare with: one either side, or at the ends of the clip two on the same side.

    Where the object is about to go, only the near one of these two may still show the surroundings.
    """
    before, after = index - offset, index + offset
    if before < 0:
        before = index + max(1, round(offset * _SAME_SIDE))
    if after >= count:
        after = index - max(1, round(offset * _SAME_SIDE))
    return [other for other in (before, after) if 0 <= other < count]


def _difference(smooth: np.ndarray, path: CameraPath, here: np.ndarray, index: int, other: int) -> np.ndarray:
    """Sum of absolute Lab differences, (h, w) float32; infinite where the other frame did not show the place."""
    matrix = path.between(index, other)
    if not moves(matrix):
        return cv2.absdiff(smooth[other].astype(np.float32), here) @ _CHANNELS
    size, flags = here.shape[1::-1], cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    there = cv2.warpAffine(smooth[other], matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    shown = cv2.warpAffine(np.full(size[::-1], 255, np.uint8), matrix, size, flags=flags)
    difference = cv2.absdiff(there.astype(np.float32), here) @ _CHANNELS
    return np.where(shown == 255, difference, np.inf)
