"""Finish of a drawn layer, so that it belongs to the scene: edge decontamination, sharpness, grain, a shadow."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from retarget_cli.compositing.composite import composite, place, shaded
from retarget_cli.compositing.edges import decontaminate, edge_width, with_edges
from retarget_cli.compositing.grain import GrainMaker
from retarget_cli.compositing.shadow import CastShadow
from retarget_cli.media.archive import Pictures
from retarget_cli.utils.sampling import evenly
from retarget_cli.vision.regions import window_around

SAMPLES = 8  # frames of the layer by which its outline is judged
PLAIN_EDGE = 2.0  # pixels, where the clip cannot tell
_AIRBORNE = 6  # frames before and after in which it may come down
_MARGIN = 16  # pixels around a layer that softer edges may need


@dataclass(frozen=True)
class Finish:
    """Finish of the frames of one layer.

    layer: (N, h, w, 4) uint8, RGB and straight alpha.
    matrix: index → (2, 3), pixels of that frame of the layer to pixels of the video frame.
    size: (w, h) of the video frame.
    own, edge: width of the layer's outline in layer pixels, and what it shall be in those of the frame.
    filmed_on: (h, w, 3) float32, the local background of the clip that the layer was learned from.
    grain, shadow: those of the scene, None where it has none.
    grounds: (N,) the row of the video frame that the layer stands on.
    lit: (frame of the layer, index) to that frame in the light of the scene; None where that is steady.
    """

    layer: Pictures
    matrix: Callable[[int], np.ndarray]
    size: tuple[int, int]
    own: float
    edge: float
    filmed_on: np.ndarray
    grain: GrainMaker | None = None
    shadow: CastShadow | None = None
    grounds: np.ndarray | None = None
    lit: Callable[[np.ndarray, int], np.ndarray] | None = None

    def placed(self, index: int) -> np.ndarray:
        """Frame `index` of the layer where it belongs, (H, W, 4) float32 in [0, 1], premultiplied."""
        matrix = self.matrix(index)
        clean = decontaminate(self.layer[index], self.own, self.filmed_on)
        placed = place(clean if self.lit is None else self.lit(clean, index), matrix, self.size)
        window = window_around(placed[..., 3], _MARGIN)
        if window is None:
            return placed
        part = with_edges(placed[window], self.own * _scale(matrix), self.edge)
        placed[window] = part if self.grain is None else self.grain.on(part, index)
        return placed

    def over(self, background: np.ndarray, placed: np.ndarray, index: int) -> np.ndarray:
        """Frame `index`, as :meth:`placed` gave it, with its shadow over a background (H, W, 3) uint8."""
        if self.shadow is not None and self.grounds is not None:
            background = shaded(background, self.shadow.light(placed[..., 3], float(self.grounds[index])))
        return composite(background, placed)


def standing_rows(layer: Pictures, matrix: Callable[[int], np.ndarray]) -> np.ndarray:
    """(N,) rows of the frame on which the layer stands: its lowest, also while it is off the ground for a moment."""
    lowest = np.full(len(layer), -np.inf)
    for index, drawn in enumerate(layer):
        rows = np.flatnonzero((drawn[..., 3] > 127).any(axis=1))
        if rows.size:
            lowest[index] = matrix(index)[1] @ (drawn.shape[1] / 2, rows[-1], 1.0)
    padded = np.pad(lowest, _AIRBORNE, constant_values=-np.inf)
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * _AIRBORNE + 1).max(axis=1).clip(min=0.0)


def own_edge(layer: Pictures, matrix: Callable[[int], np.ndarray], size: tuple[int, int]) -> float:
    """Width of the layer's outline once it is in the frame, in layer pixels."""
    widths = []
    for index in evenly(len(layer), SAMPLES):
        width = edge_width(place(np.asarray(layer[index]), matrix(index), size)[..., 3])
        if width is not None:
            widths.append(width / _scale(matrix(index)))
    return float(np.median(widths)) if widths else PLAIN_EDGE


def _scale(matrix: np.ndarray) -> float:
    """Return how many pixels of the frame one of the layer is wide."""
    return math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))
