"""What the surroundings of every pixel look like: a palette of the clip with weights of the place, and one Gaussian."""

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

    def log_density_nearby(
        self, lab: np.ndarray, bins: np.ndarray, probability: np.ndarray, exclude: int
    ) -> np.ndarray:
        """Log probability of every pixel's bin among the surroundings near it, (h, w) float32.

        lab: (h, w, 3) uint8; bins: (h, w), of the colour histogram; probability: (h, w) float32, of being object;
        exclude: pixels from the object within which nothing counts as surroundings.
        Half of it is said by the palette, half by one Gaussian a place: on a plain backdrop, where light changes
        little by little, that is the narrower of the two.
        """
        near = Nearby(probability, exclude)
        gaussian = log_density(lab, *spread_from_nearby(lab, near))
        return np.log((self._density_nearby(bins, near) + np.exp(gaussian)) / 2 + _LEAST)

    def _density_nearby(self, bins: np.ndarray, near: Nearby) -> np.ndarray:
        """Density of every pixel's bin in the mixture of its place, (h, w)."""
        count, cell = self._density.shape[1], near.cells_of_pixels()
        columns, rows = near.cells
        pixels = np.bincount((cell * count + self._nearest[bins]).ravel(), minlength=rows * columns * count)
        pixels = pixels.reshape(rows, columns, count)
        shares = (pixels / np.maximum(pixels.sum(axis=2, keepdims=True), 1)).astype(np.float32)
        weights = near.mean(shares).reshape(-1, count)
        return np.einsum("pk,pk->p", weights[cell.ravel()], self._density[bins.ravel()]).reshape(bins.shape)


class Nearby:
    """Averages over the surroundings near each place, on a grid of cells of a few pixels.

    probability: (h, w) float32, of being object; exclude: pixels from it within which nothing counts.
    cells: (columns, rows).
    """

    def __init__(self, probability: np.ndarray, exclude: int) -> None:
        self.height, self.width = probability.shape
        self.cells = (max(4, self.width // _CELL), max(4, self.height // _CELL))
        near = cv2.resize(probability, self.cells, interpolation=cv2.INTER_AREA)
        near = grow(near, max(1, round(exclude / _CELL)))
        self._weight = ((1.0 - near) ** 4)[..., None]

    def cells_of_pixels(self) -> np.ndarray:
        """The number of the cell in which each pixel lies, (h, w)."""
        columns, rows = self.cells
        down = np.arange(self.height) * rows // self.height
        return down[:, None] * columns + np.arange(self.width) * columns // self.width

    def mean(self, layers: np.ndarray) -> np.ndarray:
        """The mean of `layers` (rows, columns, C) over the surroundings near each cell; same shape, float32."""
        weighted = np.concatenate([self._weight * layers, self._weight], axis=2)
        total = np.zeros_like(weighted)
        for sigma, share in _SPREAD:
            total += share * cv2.GaussianBlur(weighted, (0, 0), sigma * self.cells[0])
        mean: np.ndarray = total[..., :-1] / (total[..., -1:] + 1e-9)
        return mean


def spread_from_nearby(lab: np.ndarray, near: Nearby) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the surroundings' colour, continued into the object by normalised convolution.

    lab: (h, w, 3) uint8. Returns two (h, w, 3) float32.
    """
    colour = cv2.resize(lab, near.cells, interpolation=cv2.INTER_AREA).astype(np.float32)
    both = near.mean(np.concatenate([colour, colour * colour], axis=2))
    mean, squares = both[..., :3], both[..., 3:]
    variance = np.maximum(squares - mean * mean, 0.0)
    size = near.width, near.height
    return cv2.resize(mean, size), cv2.resize(variance, size)
