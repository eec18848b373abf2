"""Stage 7: put what was drawn back where it belongs, at the subject's native size and the driver's exact times."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from retarget_cli.media.decode import read_frames
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.playing import Playing
from retarget_cli.prefetch import mapped, prefetched
from retarget_cli.stages import crop
from retarget_cli.stages.background import FrameTape, background_frames, colour, cover
from retarget_cli.stages.ingest import ClipFacts, facts
from retarget_cli.stages.plate import PLATE
from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.stages.transfer import array, playing_params
from retarget_cli.vision.paste import composite, place, straight

VERSION = 1


def compose(
    subject: SourceClip,
    driver: SourceClip,
    transfer: str,
    background: str,
    suffix: str,
    playing: Playing,
) -> Stage:
    """The stage that writes ``result<suffix>``.

    transfer: id of the stage that drew; playing: when it drew what.
    background: ``subject``, ``driver``, ``black``, ``#rrggbb`` or ``alpha``.
    suffix: ``.mp4``, ``.mkv`` or ``.mov``.
    """
    needs = {
        "transfer": transfer,
        "subject": f"ingest:{subject.name}",
        "driver": f"ingest:{driver.name}",
        "subject_crop": f"crop:{subject.name}",
    }
    if background == "subject":
        needs["plate"] = f"plate:{subject.name}"
    if background == "driver":
        needs |= {"plate": f"plate:{driver.name}", "driver_crop": f"crop:{driver.name}"}
    return Stage(
        id=f"compose:{subject.name}-as-{driver.name}",
        name="compose",
        version=VERSION,
        label=f"Composing {subject.name}-as-{driver.name}{suffix}",
        work=lambda job: _work(job, playing),
        params={"background": background, "suffix": suffix, **playing_params(playing)},
        files={"driver": driver.path},
        digests={"sound": driver.digest},
        needs=needs,
    )


def _work(job: Job, playing: Playing) -> None:
    subject, driver = facts(job.entries["subject"]), facts(job.entries["driver"])
    size = (subject.width, subject.height)
    layer = array(job.entries["transfer"], "layer")
    matrix, ground = _scene(job, subject, driver, playing, layer.shape[1])
    alpha = job.stage.params["background"] == "alpha"
    writer = VideoWriter(
        job.path / f"result{job.stage.params['suffix']}",
        size,
        playing.timing,
        codec="ffv1" if alpha else "h264",
        pixels="rgba" if alpha else "rgb",
        sound_from=None if alpha or not playing.tempo.keeps_sound else job.stage.files["driver"],
        sound_start=playing.begin * playing.driver.time_base,
    )

    def picture_of(part: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
        drawn, way, behind = part
        placed = place(drawn, way, size)
        return straight(placed) if alpha else composite(behind, placed)

    count = playing.timing.frames
    parts = ((layer[index], matrix(index), ground(index)) for index in range(count))
    with writer, prefetched(mapped(picture_of, parts)) as finished:
        for index, picture in enumerate(finished):
            writer.write(picture)
            job.progress(index + 1, count)


Matrices = Callable[[int], np.ndarray]
Grounds = Callable[[int], np.ndarray]


def _scene(
    job: Job, subject: ClipFacts, driver: ClipFacts, playing: Playing, layer_size: int
) -> tuple[Matrices, Grounds]:
    """For each frame of the result: the way from layer to frame pixels, (2, 3), and what is behind the layer."""
    background = job.stage.params["background"]
    size = (subject.width, subject.height)
    if background == "driver":
        return _driver_scene(job, (driver.width, driver.height), size, playing, layer_size)
    path = crop.framing(job.entries["subject_crop"])
    shown = background_frames(playing.real_time, subject.timing)
    if background == "subject":
        plates = FrameTape(lambda: _plates(job, size))
        return lambda i: path.matrix(shown[i], layer_size), lambda i: plates[shown[i]]
    plain = np.zeros((size[1], size[0], 3), np.uint8)
    if background != "alpha":
        plain[:] = colour(background)
    return lambda i: path.matrix(shown[i], layer_size), lambda i: plain


def _driver_scene(
    job: Job, size: tuple[int, int], onto: tuple[int, int], playing: Playing, layer_size: int
) -> tuple[Matrices, Grounds]:
    path = crop.framing(job.entries["driver_crop"])
    grown, (left, top) = cover(size, onto)
    plates = FrameTape(lambda: _plates(job, grown))
    x, y = grown[0] / size[0], grown[1] / size[1]
    # Pixel centres are whole numbers, so scaling is about the corner at -0.5.
    fill = np.array([[x, 0, (x - 1) / 2 - left], [0, y, (y - 1) / 2 - top], [0, 0, 1]])
    shown, between = playing.shown, playing.between

    def matrix(index: int) -> np.ndarray:
        here, share = shown[index], between[index]
        way = path.matrix(here, layer_size)
        if share:
            way = (1 - share) * way + share * path.matrix(here + 1, layer_size)
        return (fill @ np.vstack([way, (0, 0, 1)]))[:2]

    return matrix, lambda i: np.ascontiguousarray(plates[shown[i]][top : top + onto[1], left : left + onto[0]])


def _plates(job: Job, size: tuple[int, int]) -> Iterator[np.ndarray]:
    for frame in read_frames(job.entries["plate"].file(PLATE), size=size):
        yield frame.image
