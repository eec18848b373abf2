"""Two colour histograms for a whole clip, one of the object and one of its surroundings."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

BINS = (16, 64, 64)
"""Bins of L, a and b. Lightness is coarse because light and shade change it across one surface."""
_SIGMA = (0.5, 0.8, 0.8)
_FLOOR = 1e-6


def lab_bins(lab: np.ndarray) -> np.ndarray:
    """Histogram bin of every pixel. lab: (..., 3) uint8 as OpenCV converts it; returns (...) uint16."""
    lightness = lab[..., 0].astype(np.uint16)
    # a and b of ordinary pictures stay within +-64 of grey: spend all the bins there.
    a, b = ((np.clip(lab[..., k], 64, 191) - 64 >> 1).astype(np.uint16) for k in (1, 2))
    return (lightness >> 4) * np.uint16(BINS[1] * BINS[2]) + a * np.uint16(BINS[2]) + b


def _smooth(histogram: np.ndarray) -> np.ndarray:
    cube: np.ndarray = histogram.reshape(BINS).astype(np.float32)
    for axis, sigma in enumerate(_SIGMA):
        rows = np.ascontiguousarray(np.moveaxis(cube, axis, -1))
        flat = cv2.GaussianBlur(rows.reshape(-1, rows.shape[-1]), (5, 1), sigma, borderType=cv2.BORDER_REPLICATE)
        cube = np.moveaxis(flat.reshape(rows.shape), -1, axis)
    return cube.ravel()


class ColourModel:
    """log(P(colour | object) / P(colour | surroundings)) for every bin, bounded to +-`limit`."""

    def __init__(self, foreground: np.ndarray, background: np.ndarray, limit: float = 5.0) -> None:
        everything = foreground + background
        self.overall = _smooth(everything) / max(float(everything.sum()), 1.0)
        self.foreground = _smooth(foreground) / max(float(foreground.sum()), 1.0)
        self.background = _smooth(background) / max(float(background.sum()), 1.0)
        ratio = np.log((self.foreground + _FLOOR) / (self.background + _FLOOR))
        self.log_ratio = np.clip(ratio, -limit, limit).astype(np.float32)

    @classmethod
    def fit(cls, samples: Iterable[tuple[np.ndarray, np.ndarray]]) -> ColourModel:
        """Fit to (bins, probability of being object) pairs of arrays of one shape."""
        size = int(np.prod(BINS))
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
