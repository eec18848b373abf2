"""Stage 7: put what was drawn back where it belongs, at the subject's native size and the driver's exact times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from retarget_cli.compositing.composite import colour, cover, straight
from retarget_cli.compositing.edges import local_background
from retarget_cli.compositing.finish import PLAIN_EDGE, SAMPLES, Finish, own_edge, standing_rows
from retarget_cli.compositing.grain import GrainMaker
from retarget_cli.media.archive import Pictures
from retarget_cli.media.decode import FrameWindow, read_frames
from retarget_cli.media.images import write_png
from retarget_cli.media.outputs import browsers_play, open_output
from retarget_cli.media.playback import Playing, background_frames
from retarget_cli.stages import crop
from retarget_cli.stages.clip import ClipFacts, SourceClip, facts
from retarget_cli.stages.scene import PLATE, cast_shadow, read_footage
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.stages.transfer import Driver, crop_of, pictures, playing_params, report, sound_of
from retarget_cli.store.engine import Entry
from retarget_cli.utils.atomic import write_json_atomic
from retarget_cli.utils.sampling import evenly
from retarget_cli.utils.threads import mapped, prefetched
from retarget_cli.vision.framing import Framing
from retarget_cli.vision.light import Light
from retarget_cli.viz.sheet import as_rgb

Grounds = Callable[[int], np.ndarray]
Matrices = Callable[[int], np.ndarray]
_LOOKED_AT = 100  # frames at most, evenly chosen, on which is measured how much is outside
VERSION = 2
STILL, _TRAJECTORY = "still.png", "trajectory.json"
_SHARPEST = 1.6  # pixels that a hard edge measures: none is made sharper


def compose(
    subject: SourceClip,
    driver: Driver,
    transfer: str,
    background: str,
    suffix: str,
    playing: Playing,
    trajectory: bool = False,
) -> Stage:
    """The stage that writes ``result<suffix>``, and ``still.png`` of its middle where no browser plays that.

    transfer: id of the stage that drew; playing: when it drew what.
    background: ``subject``, ``driver``, ``black``, ``#rrggbb`` or ``alpha``.
    suffix: one of :func:`retarget_cli.media.outputs.endings`.
    trajectory: let the subject take the driver's, and write ``trajectory.json`` about it; on the driver's background it
    always does.
    """
    needs = {
        "transfer": transfer,
        "subject": f"ingest:{subject.name}",
        "subject_crop": f"crop:{subject.name}",
        "footage": f"footage:{(driver if background == 'driver' else subject).name}",
    }
    if background == "subject":
        needs["plate"] = f"plate:{subject.name}"
    if background == "driver":
        needs |= {"plate": f"plate:{driver.name}", "driver": f"ingest:{driver.name}"}
    if background == "driver" or trajectory:
        needs["driver_crop"] = crop_of(driver)
    return Stage(
        id=f"compose:{subject.name}-as-{driver.name}",
        name="compose",
        version=VERSION,
        label=f"Composing {subject.name}-as-{driver.name}{suffix}",
        work=lambda job: _work(job, playing),
        params={
            "background": background,
            "suffix": suffix,
            **playing_params(playing),
            **({"trajectory": True} if trajectory else {}),
        },
        **sound_of(driver),
        needs=needs,
    )


def trajectory_report(entry: Entry) -> dict[str, Any]:
    """The report on a driver's trajectory; `lost`: the share of frames with most of the object outside the picture."""
    return entry.json(_TRAJECTORY)


def _work(job: Job, playing: Playing) -> None:
    subject = facts(job.entries["subject"])
    size = (subject.width, subject.height)
    layer = pictures(job.entries["transfer"], "layer")
    matrix, ground = scene(job, subject, playing, layer.shape[1])
    finished_layer = replace(finish(job, layer, matrix, subject), lit=_light_of_the_scene(job, subject, playing))
    if job.stage.params.get("trajectory"):
        lost = share_lost(pictures(job.entries["transfer"], "silhouette"), matrix, size)
        write_json_atomic(job.path / _TRAJECTORY, {"lost": lost})
    alpha = job.stage.params["background"] == "alpha"
    suffix = job.stage.params["suffix"]
    writer = open_output(
        job.path / f"result{suffix}",
        size,
        playing.timing,
        alpha=alpha,
        sound_from=job.stage.path("driver") if "driver" in job.stage.files and playing.tempo.keeps_sound else None,
        sound_start=playing.sound_start,
    )

    def picture_of(part: tuple[int, np.ndarray]) -> np.ndarray:
        index, background = part
        placed = finished_layer.placed(index)
        return straight(placed) if alpha else finished_layer.over(background, placed, index)

    count = playing.timing.frames
    parts = ((index, ground(index)) for index in range(count))
    with writer, prefetched(mapped(picture_of, parts)) as finished:
        for index, picture in enumerate(finished):
            writer.write(picture)
            if index == count // 2 and not browsers_play(suffix, alpha):
                write_png(job.path / STILL, as_rgb(picture))
            job.progress(index + 1, count)


def _light_of_the_scene(
    job: Job, subject: ClipFacts, playing: Playing
) -> Callable[[np.ndarray, int], np.ndarray] | None:
    """What puts a frame of the layer into the light that drifts through the subject's own scene, where it does."""
    light = report(job.entries["transfer"]).get("light")
    if light is None or job.stage.params["background"] != "subject":
        return None
    found, shown = Light.from_json(light), background_frames(playing.real_time, subject.timing)
    return lambda layer, index: found.shine(layer, shown[index])


def scene(job: Job, subject: ClipFacts, playing: Playing, layer_size: int) -> tuple[Matrices, Grounds]:
    """For each frame of the result: the matrix from layer to frame pixels, (2, 3), and the background."""
    background = job.stage.params["background"]
    size = (subject.width, subject.height)
    if background == "driver":
        driver = facts(job.entries["driver"])
        return _driver_scene(job, (driver.width, driver.height), size, playing, layer_size)
    shown = background_frames(playing.real_time, subject.timing)
    matrix = _place(job, shown, playing, layer_size)
    if background == "subject":
        plates = FrameWindow(lambda: _plates(job, size))
        return matrix, lambda i: plates[shown[i]]
    plain = np.zeros((size[1], size[0], 3), np.uint8)
    if background != "alpha":
        plain[:] = colour(background)
    return matrix, lambda i: plain


def _place(job: Job, shown: list[int], playing: Playing, layer_size: int) -> Matrices:
    """The subject's place in the frames of it that show, or where the driver's trajectory would lead it."""
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
    plates = FrameWindow(lambda: _plates(job, grown))
    x, y = grown[0] / size[0], grown[1] / size[1]
    # Pixel centres are whole numbers, so scaling is about the corner at -0.5.
    fill = np.array([[x, 0, (x - 1) / 2 - left], [0, y, (y - 1) / 2 - top], [0, 0, 1]])
    shown, place = playing.shown, along(path, playing, layer_size)

    def matrix(index: int) -> np.ndarray:
        return (fill @ np.vstack([place(index), (0, 0, 1)]))[:2]

    return matrix, lambda i: np.ascontiguousarray(plates[shown[i]][top : top + onto[1], left : left + onto[0]])


def _plates(job: Job, size: tuple[int, int]) -> Iterator[np.ndarray]:
    for frame in read_frames(job.entries["plate"].file(PLATE), size=size):
        yield frame.image


def followed(subject: Framing, driver: Framing, opposite: bool) -> Framing:
    """The driver's squares, moved to the subject's mean place and scaled to its mean size.

    opposite: the two face opposite ways, so what goes to the right in one goes to the left in the other.
    """
    ratio = _mean_side(subject) / _mean_side(driver)
    steps = ratio * (driver.centres - driver.centres.mean(axis=0)) * ((-1, 1) if opposite else (1, 1))
    return Framing(ratio * driver.sides, subject.centres.mean(axis=0) + steps)


def _mean_side(path: Framing) -> float:
    """Geometric mean: twice the size and half of it are as far from it."""
    return float(np.exp(np.log(path.sides).mean()))


def along(path: Framing, playing: Playing, layer_size: int) -> Matrices:
    """For each frame of the result, the matrix from layer to native pixels, (2, 3), on a `path` of the driver's frames.

    Between two of the driver's frames it is between their two places.
    """
    shown, between = playing.shown, playing.between

    def matrix(index: int) -> np.ndarray:
        here, share = shown[index], between[index]
        placed = path.matrix(here, layer_size)
        return (1 - share) * placed + share * path.matrix(here + 1, layer_size) if share else placed

    return matrix


def share_lost(silhouettes: Pictures, matrix: Matrices, size: tuple[int, int]) -> float:
    """The share of frames with more than half of the object outside a picture of `size` (w, h), in [0, 1].

    silhouettes: (N, S, S) uint8, what is drawn; matrix: from its pixels to those of the picture. Empty frames
    do not count.
    """
    middle, outside = (np.array(size)[:, None] - 1) / 2, []
    for index in evenly(len(silhouettes), _LOOKED_AT):
        rows, columns = np.nonzero(silhouettes[index])
        if rows.size:
            places = matrix(index) @ np.stack([columns, rows, np.ones(rows.size)])
            outside.append((np.abs(places - middle) > middle).any(axis=0).mean() > 0.5)
    return float(np.mean(outside)) if outside else 0.0


def finish(
    job: Job,
    layer: Pictures,
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
    own = own_edge(layer, matrix, size)
    edge = max(_SHARPEST, (filmed.edge or PLAIN_EDGE) * grown)
    crops = crop.frames(job.entries["subject_crop"])
    filmed_on = local_background((crops[i] for i in evenly(len(crops), SAMPLES)), layer.shape[1])
    if "plate" not in job.entries:
        return Finish(layer, matrix, size, own, edge, filmed_on)
    grain, shadow = filmed.grain.enlarged(grown), cast_shadow(job.entries["plate"])
    maker = GrainMaker(grain) if grain.is_visible else None
    return Finish(
        layer, matrix, size, own, edge, filmed_on, maker, shadow, standing_rows(layer, matrix) if shadow else None
    )
