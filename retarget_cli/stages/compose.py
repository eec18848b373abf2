"""Stage 7: put what was drawn back where it belongs, at the subject's native size and the driver's exact times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from retarget_cli.compositing.composite import colour, cover, straight
from retarget_cli.compositing.edges import local_background
from retarget_cli.compositing.finish import PLAIN_EDGE, SAMPLES, Finish, own_edge, standing_rows
from retarget_cli.compositing.grain import GrainMaker
from retarget_cli.compositing.reframing import Reframing, centres, object_boxes, reframing
from retarget_cli.media.archive import Pictures
from retarget_cli.media.decode import FrameWindow, read_frames
from retarget_cli.media.images import write_png
from retarget_cli.media.outputs import open_output
from retarget_cli.media.playback import Playing, background_frames
from retarget_cli.media.transfer import bytes_back
from retarget_cli.stages import crop
from retarget_cli.stages.clip import ClipFacts, SourceClip, facts
from retarget_cli.stages.scene import PLATE, cast_shadow, read_footage
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.stages.transfer import Driver, crop_of, pictures, playing_params, report, sound_of
from retarget_cli.stages.written import Written
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
    written: Written,
    playing: Playing,
    trajectory: bool = False,
) -> Stage:
    """The stage that writes ``result<suffix>``, and ``still.png`` of its middle where no browser plays that.

    transfer: id of the stage that drew; playing: when it drew what.
    background: ``subject``, ``driver``, ``black``, ``#rrggbb`` or ``alpha``. written: what it is written as.
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
        label=f"Composing {subject.name}-as-{driver.name}{written.form.suffix}",
        work=lambda job: _work(job, playing, written),
        params={
            "background": background,
            **written.params(),
            **playing_params(playing),
            **({"trajectory": True} if trajectory else {}),
        },
        **sound_of(driver),
        needs=needs,
    )


def trajectory_report(entry: Entry) -> dict[str, Any]:
    """The report on a driver's trajectory; `lost`: the share of frames with most of the object outside the picture."""
    return entry.json(_TRAJECTORY)


@dataclass(frozen=True)
class Composition:
    """What a result is put together from. size: (w, h) of the subject's frames.

    layer: what was drawn, ready to be placed; matrix: index to (2, 3), its pixels to those of the frame; view: the
    frame of the result, None for that of the subject; alpha: whether nothing is behind it.
    """

    size: tuple[int, int]
    layer: Finish
    matrix: Matrices
    view: Reframing | None
    alpha: bool

    @property
    def shown(self) -> tuple[int, int]:
        """(w, h) of the result."""
        return self.size if self.view is None else self.view.size

    def seen(self, image: np.ndarray, index: int) -> np.ndarray:
        """A picture of the subject's size in the frame of the result."""
        return image if self.view is None else self.view.of(image, index)


def composition(job: Job, playing: Playing, written: Written) -> Composition:
    """Prepare what was drawn for its scene; writes the report on the trajectory, where it follows one."""
    subject = facts(job.entries["subject"])
    size = (subject.width, subject.height)
    layer = pictures(job.entries["transfer"], "layer")
    silhouettes = pictures(job.entries["transfer"], "silhouette")
    matrix = place(job, subject, playing, layer.shape[1])
    finished_layer = replace(finish(job, layer, matrix, subject), lit=_light_of_the_scene(job, subject, playing))
    if job.stage.params.get("trajectory"):
        write_json_atomic(job.path / _TRAJECTORY, {"lost": share_lost(silhouettes, matrix, size)})
    view = None
    if written.shape is not None or written.size is not None:
        shape = written.shape or Fraction(*(written.size or size))
        boxes = object_boxes(silhouettes, matrix)
        view = reframing(centres(boxes), size, shape, written.size, float(playing.timing.rate))
        if lost := view.cuts_off(boxes, size):
            w, h = view.window
            what = f"{w}x{h} pixels are too few for the object: on {lost} of {len(boxes)} frames it is cut off"
            job.notice(what, "warning")
    return Composition(size, finished_layer, matrix, view, job.stage.params["background"] == "alpha")


def _work(job: Job, playing: Playing, written: Written) -> None:
    made, ground = composition(job, playing, written), grounds(job, playing)
    alpha, back = made.alpha, None if written.back == "srgb" else bytes_back(written.back)
    writer = open_output(
        job.path / f"result{written.form.suffix}",
        written.form,
        made.shown,
        playing.timing,
        sound_from=job.stage.path("driver") if "driver" in job.stage.files and playing.tempo.keeps_sound else None,
        sound_start=playing.sound_start,
        timecode=written.timecode,
        names=written.names,
    )

    def picture_of(part: tuple[int, np.ndarray]) -> np.ndarray:
        index, background = part
        placed = made.layer.placed(index)
        if alpha:
            picture = straight(made.seen(placed, index))
        else:
            picture = made.seen(made.layer.over(background, placed, index), index)
        if back is not None:
            picture[..., :3] = back[picture[..., :3]]
        return picture

    count = playing.timing.frames
    parts = ((index, ground(index)) for index in range(count))
    with writer, prefetched(mapped(picture_of, parts)) as finished:
        for index, picture in enumerate(finished):
            writer.write(picture)
            if index == count // 2 and not written.form.browsers_play:
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


def grounds(job: Job, playing: Playing) -> Grounds:
    """The background of each frame of the result."""
    background, subject = job.stage.params["background"], facts(job.entries["subject"])
    size = (subject.width, subject.height)
    if background == "driver":
        (w, h), (left, top) = covering(job, size)
        plates, shown = FrameWindow(lambda: _plates(job, (w, h))), playing.shown
        return lambda i: np.ascontiguousarray(plates[shown[i]][top : top + size[1], left : left + size[0]])
    if background == "subject":
        plates, shown = FrameWindow(lambda: _plates(job, size)), background_frames(playing.real_time, subject.timing)
        return lambda i: plates[shown[i]]
    plain = np.zeros((size[1], size[0], 3), np.uint8)
    if background != "alpha":
        plain[:] = colour(background)
    return lambda i: plain


def covering(job: Job, onto: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """The size (w, h) that the driver's frames are brought to, to cover those of `onto`, and where these begin."""
    driver = facts(job.entries["driver"])
    return cover((driver.width, driver.height), onto)


def place(job: Job, subject: ClipFacts, playing: Playing, layer_size: int) -> Matrices:
    """For each frame of the result, the matrix from layer to frame pixels, (2, 3).

    It leads to the subject's place in the frames of it that show, or where the driver's trajectory would lead it.
    """
    if job.stage.params["background"] == "driver":
        return _on_the_drivers_scene(job, (subject.width, subject.height), playing, layer_size)
    shown = background_frames(playing.real_time, subject.timing)
    own = crop.framing(job.entries["subject_crop"])
    if job.stage.params.get("trajectory"):
        opposite = bool(report(job.entries["transfer"]).get("opposite"))
        return along(followed(own, crop.framing(job.entries["driver_crop"]), opposite), playing, layer_size)
    return lambda i: own.matrix(shown[i], layer_size)


def _on_the_drivers_scene(job: Job, onto: tuple[int, int], playing: Playing, layer_size: int) -> Matrices:
    path, driver = crop.framing(job.entries["driver_crop"]), facts(job.entries["driver"])
    (w, h), (left, top) = covering(job, onto)
    x, y = w / driver.width, h / driver.height
    # Pixel centres are whole numbers, so scaling is about the corner at -0.5.
    fill = np.array([[x, 0, (x - 1) / 2 - left], [0, y, (y - 1) / 2 - top], [0, 0, 1]])
    on_path = along(path, playing, layer_size)

    def matrix(index: int) -> np.ndarray:
        return (fill @ np.vstack([on_path(index), (0, 0, 1)]))[:2]

    return matrix


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
