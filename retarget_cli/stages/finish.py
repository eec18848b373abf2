"""What makes a drawn layer belong to the scene behind it: clean colours along its outline, edges, grain."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from retarget_cli.stages.background import cover
from retarget_cli.stages.look import FilmedLook, filmed_look
from retarget_cli.stages.source import ClipFacts
from retarget_cli.stages.stage import Job
from retarget_cli.vision.edges import edge_width, with_edges
from retarget_cli.vision.fringe import clean_layer
from retarget_cli.vision.grain import GrainMaker
from retarget_cli.vision.paste import place, touched

_SAMPLES = 8  # frames of the layer by which its outline is judged
_SHARPEST = 1.6  # pixels that a hard edge measures: none is made sharper
_PLAIN_EDGE = 2.0  # pixels, where the clip cannot tell
_MARGIN = 8  # pixels around a layer that softer edges may need


@dataclass(frozen=True)
class Finish:
    """How the frames of one layer are finished.

    layer: (N, h, w, 4) uint8; matrix: the way of frame i into the frame, (2, 3); size: (w, h) of the frame. own: width
    of the layer's outline in layer pixels; edge: what it shall be in the frame's.
    """

    layer: np.ndarray
    matrix: Callable[[int], np.ndarray]
    size: tuple[int, int]
    own: float
    edge: float
    grain: GrainMaker | None

    def placed(self, index: int) -> np.ndarray:
        """Frame `index` of the layer where it belongs, (H, W, 4) float32 in [0, 1], premultiplied."""
        way = self.matrix(index)
        placed = place(clean_layer(self.layer[index], self.own), way, self.size)
        window = touched(placed[..., 3], _MARGIN)
        if window is None:
            return placed
        part = with_edges(placed[window], self.own * _scale(way), self.edge)
        if self.grain is not None:
            alpha = part[..., 3:]
            colour = part[..., :3] / np.maximum(alpha, 1e-3)
            part[..., :3] = self.grain.on(colour, index) * alpha
        placed[window] = part
        return placed


def finish(
    job: Job,
    layer: np.ndarray,
    matrix: Callable[[int], np.ndarray],
    clips: tuple[ClipFacts, ClipFacts],
) -> Finish:
    """The finish of a layer, by the look of the clip whose scene it is set into, which is the job's entry ``look``.

    clips: subject and driver. Without a scene, on a plain colour or transparent, there is no grain.
    """
    subject, driver = clips
    size, background = (subject.width, subject.height), job.stage.params["background"]
    filmed, grown = filmed_look(job.entries["look"]), 1.0
    if background == "driver":
        grown = cover((driver.width, driver.height), size)[0][0] / driver.width
    own = _own_edge(layer, matrix, size)
    edge = max(_SHARPEST, (filmed.edge or _PLAIN_EDGE) * grown)
    return Finish(layer, matrix, size, own, edge, _maker(filmed, grown) if background in ("subject", "driver") else None)


def _maker(filmed: FilmedLook, grown: float) -> GrainMaker | None:
    grain = filmed.grain.enlarged(grown)
    return GrainMaker(grain) if grain.is_visible else None


def _own_edge(layer: np.ndarray, matrix: Callable[[int], np.ndarray], size: tuple[int, int]) -> float:
    """Width of the layer's outline once it is in the frame, in layer pixels."""
    widths = []
    for index in sorted({round(i) for i in np.linspace(0, len(layer) - 1, _SAMPLES)}):
        way = matrix(index)
        width = edge_width(place(np.asarray(layer[index]), way, size)[..., 3])
        if width is not None:
            widths.append(width / _scale(way))
    return float(np.median(widths)) if widths else _PLAIN_EDGE


def _scale(way: np.ndarray) -> float:
    """How many pixels of the frame one of the layer is wide."""
    return math.sqrt(abs(float(np.linalg.det(way[:, :2]))))
