"""The driver's way through its picture, in the subject's: where and how large the object is, frame by frame."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np

from retarget_cli.media.playing import Playing
from retarget_cli.stages import crop
from retarget_cli.stages.stage import Job
from retarget_cli.stages.transfer import array, report
from retarget_cli.store.atomic import write_json_atomic
from retarget_cli.store.engine import Entry
from retarget_cli.vision.framing import Framing
from retarget_cli.viz.sheet import evenly

Matrices = Callable[[int], np.ndarray]

_LOST = "trajectory.json"
_LOOKED_AT = 100  # frames at most, evenly chosen, on which is measured how much of the object is outside the picture


def along(path: Framing, playing: Playing, layer_size: int) -> Matrices:
    """For each frame of the result, the way from layer to native pixels, (2, 3), on a `path` of the driver's frames.

    Between two of the driver's frames it is between their two places.
    """
    shown, between = playing.shown, playing.between

    def matrix(index: int) -> np.ndarray:
        here, share = shown[index], between[index]
        way = path.matrix(here, layer_size)
        return (1 - share) * way + share * path.matrix(here + 1, layer_size) if share else way

    return matrix


def followed(subject: Entry, driver: Entry, drawing: Entry) -> Framing:
    """The driver's path in the subject's picture. subject, driver: crop entries; drawing: what is put there."""
    return _brought(crop.framing(subject), crop.framing(driver), bool(report(drawing).get("mirrored")))


def _brought(subject: Framing, driver: Framing, mirrored: bool) -> Framing:
    """The driver's squares, moved to the subject's mean place and scaled to its mean size.

    mirrored: the clips face opposite ways, so what goes to the right in one goes to the left in the other.
    """
    ratio = _mean_side(subject) / _mean_side(driver)
    steps = ratio * (driver.centres - driver.centres.mean(axis=0)) * ((-1, 1) if mirrored else (1, 1))
    return Framing(ratio * driver.sides, subject.centres.mean(axis=0) + steps)


def _mean_side(path: Framing) -> float:
    """Geometric mean: an object that doubles and one that halves its size are as far from it."""
    return float(np.exp(np.log(path.sides).mean()))


def write_lost(job: Job, matrix: Matrices, size: tuple[int, int]) -> None:
    """Write ``trajectory.json``, the share of frames with most of what was drawn outside a picture of `size` (w, h)."""
    silhouettes, middle = array(job.entries["transfer"], "silhouette"), (np.array(size)[:, None] - 1) / 2
    outside = []
    for index in evenly(len(silhouettes), _LOOKED_AT):
        rows, columns = np.nonzero(silhouettes[index])
        if rows.size:
            places = matrix(index) @ np.stack([columns, rows, np.ones(rows.size)])
            inside = (np.abs(places - middle) <= middle).all(axis=0)
            outside.append(inside.mean() < 0.5)
    write_json_atomic(job.path / _LOST, {"lost": float(np.mean(outside)) if outside else 0.0})


def share_lost(composed: Entry) -> float:
    """The share that :func:`write_lost` wrote."""
    share: float = json.loads(composed.file(_LOST).read_text(encoding="utf-8"))["lost"]
    return share
