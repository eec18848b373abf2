"""What makes a drawn layer belong to the scene behind it: clean colours along its outline, edges, grain, a shadow."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from retarget_cli.sampling import evenly
from retarget_cli.stages import crop
from retarget_cli.stages.background import cover
from retarget_cli.stages.footage import read_footage
from retarget_cli.stages.ingest import facts
from retarget_cli.stages.plate import cast_shadow
from retarget_cli.stages.source import ClipFacts
from retarget_cli.stages.stage import Job
from retarget_cli.vision.behind import behind
from retarget_cli.vision.cast import CastShadow
from retarget_cli.vision.edges import edge_width, with_edges
from retarget_cli.vision.fringe import clean_layer
from retarget_cli.vision.grain import GrainMaker
from retarget_cli.vision.paste import composite, place, shaded, touched

_SAMPLES = 8  # frames of the layer by which its outline is judged
_SHARPEST = 1.6  # pixels that a hard edge measures: none is made sharper
_PLAIN_EDGE = 2.0  # pixels, where the clip cannot tell
_AIRBORNE = 6  # frames before and after in which it may come down
_MARGIN = 16  # pixels around a layer that softer edges may need


@dataclass(frozen=True)
class Finish:
    """How the frames of one layer are finished.

    layer: (N, h, w, 4) uint8; matrix: the way of frame i into the frame, (2, 3); size: (w, h) of the frame. own: width
    of the layer's outline in layer pixels; edge: what it shall be in the frame's. filmed_on: (h, w, 3) float32, the
    background that the layer's painter saw it against. grain, cast: those of the scene, None where it has none.
    grounds: the row of the frame that the layer stands on, for each of its frames.
    """

    layer: np.ndarray
    matrix: Callable[[int], np.ndarray]
    size: tuple[int, int]
    own: float
    edge: float
    filmed_on: np.ndarray
    grain: GrainMaker | None = None
    cast: CastShadow | None = None
    grounds: np.ndarray | None = None

    def placed(self, index: int) -> np.ndarray:
        """Frame `index` of the layer where it belongs, (H, W, 4) float32 in [0, 1], premultiplied."""
        way = self.matrix(index)
        placed = place(clean_layer(self.layer[index], self.own, self.filmed_on), way, self.size)
        window = touched(placed[..., 3], _MARGIN)
        if window is None:
            return placed
        part = with_edges(placed[window], self.own * _scale(way), self.edge)
        placed[window] = part if self.grain is None else self.grain.on(part, index)
        return placed

    def over(self, background: np.ndarray, placed: np.ndarray, index: int) -> np.ndarray:
        """Frame `index`, as :meth:`placed` gave it, with its shadow over a background (H, W, 3) uint8."""
        if self.cast is not None and self.grounds is not None:
            background = shaded(background, self.cast.light(placed[..., 3], float(self.grounds[index])))
        return composite(background, placed)


def finish(
    job: Job,
    layer: np.ndarray,
    matrix: Callable[[int], np.ndarray],
    subject: ClipFacts,
) -> Finish:
    """The finish of a layer, by the footage that it is set into, which is the job's entry ``footage``.

    Without a scene, on a plain colour or transparent, there is neither grain nor shadow.
    """
    size = subject.width, subject.height
    filmed, grown = read_footage(job.entries["footage"]), 1.0
    if job.stage.params["background"] == "driver":
        driver = facts(job.entries["driver"])
        grown = cover((driver.width, driver.height), size)[0][0] / driver.width
    own = _own_edge(layer, matrix, size)
    edge = max(_SHARPEST, (filmed.edge or _PLAIN_EDGE) * grown)
    crops = crop.frames(job.entries["subject_crop"])
    filmed_on = behind((crops[i] for i in evenly(len(crops), _SAMPLES)), layer.shape[1])
    if "plate" not in job.entries:
        return Finish(layer, matrix, size, own, edge, filmed_on)
    grain, cast = filmed.grain.enlarged(grown), cast_shadow(job.entries["plate"])
    maker = GrainMaker(grain) if grain.is_visible else None
    return Finish(layer, matrix, size, own, edge, filmed_on, maker, cast, _grounds(layer, matrix) if cast else None)


def _grounds(layer: np.ndarray, matrix: Callable[[int], np.ndarray]) -> np.ndarray:
    """(N,) rows of the frame on which the layer stands: its lowest, also while it is off the ground for a moment."""
    lowest = np.full(len(layer), -np.inf)
    for index, drawn in enumerate(layer):
        rows = np.flatnonzero((drawn[..., 3] > 127).any(axis=1))
        if rows.size:
            lowest[index] = matrix(index)[1] @ (drawn.shape[1] / 2, rows[-1], 1.0)
    padded = np.pad(lowest, _AIRBORNE, constant_values=-np.inf)
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * _AIRBORNE + 1).max(axis=1).clip(min=0.0)


def _own_edge(layer: np.ndarray, matrix: Callable[[int], np.ndarray], size: tuple[int, int]) -> float:
    """Width of the layer's outline once it is in the frame, in layer pixels."""
    widths = []
    for index in evenly(len(layer), _SAMPLES):
        way = matrix(index)
        width = edge_width(place(np.asarray(layer[index]), way, size)[..., 3])
        if width is not None:
            widths.append(width / _scale(way))
    return float(np.median(widths)) if widths else _PLAIN_EDGE


def _scale(way: np.ndarray) -> float:
    """How many pixels of the frame one of the layer is wide."""
    return math.sqrt(abs(float(np.linalg.det(way[:, :2]))))
