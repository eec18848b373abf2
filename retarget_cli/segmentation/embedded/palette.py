"""The few colours that stand for all of a clip's, and which of them the surroundings of every pixel have."""

from __future__ import annotations

import cv2
import numpy as np

from retarget_cli.segmentation.embedded.models import bin_colours, log_density
from retarget_cli.segmentation.masks import grow

_COLOURS = 32
_SAMPLE = 20_000
_STOP = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
_WEIGHTS = np.array([0.5, 1.0, 1.0], np.float32)
"""Of L, a, b in distances between colours: light and shade change lightness across one surface."""
_ROUNDED = np.array([16.0**2, 2.0**2, 2.0**2], np.float32) / 12
"""Variance of L, a, b within a bin."""
_CELL = 4
_SPREAD = ((0.03, 1.0), (0.08, 0.03), (0.20, 0.001))
"""(sigma as a share of the width, weight): the nearest surroundings count most, distant ones fill in."""
_LEAST = 1e-12


class Palette:
    """A mixture of Gaussians in Lab for a clip, with weights of its own at every place.

    One Gaussian a place would be too wide where surroundings have several colours: a thin strip of surf between sky
    and sand has neither the mean of the two, nor is it rare.
    lab: (N, h, w, 3) uint8 frames, as OpenCV converts them, from which the colours are taken by k-means.
    """

    def __init__(self, lab: np.ndarray) -> None:
        rng = np.random.default_rng(0)
        pixels = lab.reshape(-1, 3)
        pixels = pixels[rng.choice(len(pixels), min(_SAMPLE, len(pixels)), replace=False)].astype(np.float32)
        cv2.setRNGSeed(0)
        count = min(_COLOURS, len(pixels))
        labels, centres = cv2.kmeans(pixels * _WEIGHTS, count, None, _STOP, 1, cv2.KMEANS_PP_CENTERS)[1:]  # type: ignore[call-overload]
        colours = bin_colours()[None]
        self._density = np.empty((colours.shape[1], count), np.float32)
        for index, centre in enumerate(centres / _WEIGHTS):
            own = pixels[labels.ravel() == index]
            variance = (own.var(axis=0) if len(own) else np.zeros(3, np.float32)) + _ROUNDED
            self._density[:, index] = np.exp(log_density(colours, centre, variance))[0]
        self._nearest = self._density.argmax(axis=1)

    def log_density_nearby(self, bins: np.ndarray, probability: np.ndarray, exclude: int) -> np.ndarray:
        """Log probability of every pixel's bin among the surroundings near it, (h, w) float32.

        bins: (h, w), of the colour histogram; probability: (h, w) float32, of being object; exclude: pixels from the
        object within which nothing counts as surroundings.
        """
        height, width = probability.shape
        columns, rows = max(4, width // _CELL), max(4, height // _CELL)
        cell = (np.arange(height) * rows // height)[:, None] * columns + np.arange(width) * columns // width
        count = self._density.shape[1]
        pixels = np.bincount((cell * count + self._nearest[bins]).ravel(), minlength=rows * columns * count)
        pixels = pixels.reshape(rows, columns, count)
        shares = (pixels / np.maximum(pixels.sum(axis=2, keepdims=True), 1)).astype(np.float32)
        near = cv2.resize(probability, (columns, rows), interpolation=cv2.INTER_AREA)
        near = grow(near, max(1, round(exclude / _CELL)))
        weight = ((1.0 - near) ** 4)[..., None]
        layers = np.concatenate([weight * shares, weight], axis=2)
        total = np.zeros_like(layers)
        for sigma, share in _SPREAD:
            total += share * cv2.GaussianBlur(layers, (0, 0), sigma * columns)
        weights = (total[..., :count] / (total[..., count:] + 1e-9)).reshape(-1, count)
        density = np.einsum("pk,pk->p", weights[cell.ravel()], self._density[bins.ravel()])
        return np.log(density + _LEAST).reshape(height, width)
