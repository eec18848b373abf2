"""Where the layer of each frame of a result goes, and what is behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from retarget_cli.media.decode import read_frames
from retarget_cli.media.playing import Playing
from retarget_cli.stages import crop
from retarget_cli.stages.background import FrameTape, background_frames, colour, cover
from retarget_cli.stages.ingest import ClipFacts, facts
from retarget_cli.stages.plate import PLATE
from retarget_cli.stages.stage import Job
from retarget_cli.stages.trajectory import Matrices, along, followed
from retarget_cli.stages.transfer import report

Grounds = Callable[[int], np.ndarray]


def scene(job: Job, subject: ClipFacts, playing: Playing, layer_size: int) -> tuple[Matrices, Grounds]:
    """For each frame of the result: the way from layer to frame pixels, (2, 3), and what is behind the layer."""
    background = job.stage.params["background"]
    size = (subject.width, subject.height)
    if background == "driver":
        driver = facts(job.entries["driver"])
        return _driver_scene(job, (driver.width, driver.height), size, playing, layer_size)
    shown = background_frames(playing.real_time, subject.timing)
    matrix = _place(job, shown, playing, layer_size)
    if background == "subject":
        plates = FrameTape(lambda: _plates(job, size))
        return matrix, lambda i: plates[shown[i]]
    plain = np.zeros((size[1], size[0], 3), np.uint8)
    if background != "alpha":
        plain[:] = colour(background)
    return matrix, lambda i: plain


def _place(job: Job, shown: list[int], playing: Playing, layer_size: int) -> Matrices:
    """Where the subject is in the frames of it that show, or where the driver's way would lead it."""
    own = crop.framing(job.entries["subject_crop"])
    if job.stage.params.get("trajectory"):
        opposite = bool(report(job.entries["transfer"]).get("opposite"))
        return along(followed(own, crop.framing(job.entries["driver_crop"]), opposite), playing, layer_size)
    return lambda i: own.matrix(shown[i], layer_size)


def _driver_scene(
    job: Job, size: tuple[int, int], onto: tuple[int, int], playing: Playing, layer_size: int
) -> tuple[Matrices, Grounds]:
    path = crop.framing(job.entries["driver_crop"])
    grown, (left, top) = cover(size, onto)
    plates = FrameTape(lambda: _plates(job, grown))
    x, y = grown[0] / size[0], grown[1] / size[1]
    # Pixel centres are whole numbers, so scaling is about the corner at -0.5.
    fill = np.array([[x, 0, (x - 1) / 2 - left], [0, y, (y - 1) / 2 - top], [0, 0, 1]])
    shown, way = playing.shown, along(path, playing, layer_size)

    def matrix(index: int) -> np.ndarray:
        return (fill @ np.vstack([way(index), (0, 0, 1)]))[:2]

    return matrix, lambda i: np.ascontiguousarray(plates[shown[i]][top : top + onto[1], left : left + onto[0]])


def _plates(job: Job, size: tuple[int, int]) -> Iterator[np.ndarray]:
    for frame in read_frames(job.entries["plate"].file(PLATE), size=size):
        yield frame.image
