"""Stage 7, for image sequences of more than 8 bits: the same composition in linear light, as layers.

Away from the object, its shadow and what its removal changed, the background has the very numbers of the clip's file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import cv2
import numpy as np

from retarget_cli.compositing.composite import colour
from retarget_cli.media.decode import FrameWindow, read_frames
from retarget_cli.media.images import write_png
from retarget_cli.media.light import read_light
from retarget_cli.media.playback import Playing, background_frames
from retarget_cli.media.series.layers import BEAUTY, Facts, LayerWriter
from retarget_cli.media.transfer import bytes_to_light, halves, seen, to_linear
from retarget_cli.stages.clip import SourceClip, facts
from retarget_cli.stages.compose import STILL, Composition, compose, composition, covering
from retarget_cli.stages.scene import PLATE
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.stages.transfer import Driver, array, drawn_names, pictures
from retarget_cli.stages.written import Written
from retarget_cli.vision.regions import window_around
from retarget_cli.viz.overlay import dot, keypoint_colours

VERSION = 1
_SAME = 2  # grey levels by which two roundings of one number may differ
_WINDOW = 256_000_000  # bytes of backgrounds that are held
_LIGHT_OF_SHARE = 2.2  # power: shares of light are measured on numbers in sRGB, which are about that root of light
_DOT = 200  # of these make the shorter side of a picture: the radius of a keypoint

Layers = dict[str, np.ndarray]


def compose_layers(
    subject: SourceClip,
    driver: Driver,
    transfer: str,
    background: str,
    written: Written,
    playing: Playing,
    trajectory: bool = False,
) -> Stage:
    """The stage that writes the folder ``result`` with the pictures of each frame, and ``still.png``.

    Arguments as those of :func:`~retarget_cli.stages.compose.compose`.
    """
    plain = compose(subject, driver, transfer, background, written, playing, trajectory)
    behind = {"subject": subject, "driver": driver}.get(background)
    read = behind if isinstance(behind, SourceClip) else None
    return replace(
        plain,
        name="layers",
        version=VERSION,
        work=lambda job: _work(job, playing, written),
        params={**plain.params, "kind": written.form.word},
        files={**({} if read is None else {"video": read.footage})},
        digests={**({} if read is None else {"video": read.digest})},
    )


def _work(job: Job, playing: Playing, written: Written) -> None:
    made, background = composition(job, playing, written), _grounds(job, playing)
    count, facts_ = playing.timing.frames, _facts(job, playing, written)
    writer = LayerWriter(
        job.path / "result",
        playing.timing,
        written.form.word,  # type: ignore[arg-type]  # one of those that are written in layers
        names=written.names,
        facts=facts_,
        layout=written.layout,
        colour=written.back,
    )
    with writer:
        for index in range(count):
            layers = _layers(job, made, background(index), index, written)
            if written.layout is not None:
                layers["keypoints"], texts = _keypoints(job, made, index)
                writer.write(layers, texts)
            else:
                writer.write(layers)
            if index == count // 2:
                write_png(job.path / STILL, _still(layers[BEAUTY]))
            job.progress(index + 1, count)


def _facts(job: Job, playing: Playing, written: Written) -> Facts:
    texts = {"software": "retarget", **({"retarget:run": written.run} if written.run else {})}
    return Facts(playing.timing.rate.limit_denominator(100_000), written.timecode, texts)


def _layers(job: Job, made: Composition, plate: np.ndarray | None, index: int, written: Written) -> Layers:
    """The layers of one frame in linear light, float16.

    beauty = foreground * matte + plate * (1 - shadow) * (1 - matte); transparent, it is foreground * matte and matte.
    """
    placed = made.layer.placed(index)
    matte, window = placed[..., 3], window_around(placed[..., 3])
    front = np.zeros((*matte.shape, 3), np.float16)
    if window is not None:
        over = placed[window]
        plain = np.divide(over[..., :3], over[..., 3:], out=np.zeros_like(over[..., :3]), where=over[..., 3:] > 0)
        front[window] = halves(to_linear(plain, "srgb"))
    matte = matte.astype(np.float16)
    shown = {name: made.seen(image, index) for name, image in (("foreground", front), ("matte", matte))}
    if plate is None:
        lit = front.astype(np.float32) * matte[..., None]
        beauty = made.seen(np.dstack([lit, matte]).astype(np.float16), index)
        return {BEAUTY: beauty, **(shown if written.layout else {})}
    shadow = _shadow(made, placed, index)
    beauty = plate.copy()
    for part in (window, None if shadow is None else window_around(shadow)):
        if part is not None:
            behind = plate[part].astype(np.float32)
            if shadow is not None:
                behind *= 1 - shadow[part][..., None]
            cover = matte[part].astype(np.float32)[..., None]
            beauty[part] = halves(front[part].astype(np.float32) * cover + behind * (1 - cover))
    layers = {BEAUTY: made.seen(beauty, index)}
    if written.layout is None:
        return layers
    dark = np.zeros(matte.shape, np.float16) if shadow is None else shadow.astype(np.float16)
    return {**layers, **shown, "plate": made.seen(plate, index), "shadow": made.seen(dark, index)}


def _shadow(made: Composition, placed: np.ndarray, index: int) -> np.ndarray | None:
    """(H, W) float32 share of the light that the cast shadow takes, None without one."""
    if made.layer.shadow is None or made.layer.grounds is None:
        return None
    left = made.layer.shadow.light(placed[..., 3], float(made.layer.grounds[index]))
    return 1 - left**_LIGHT_OF_SHARE


def _keypoints(job: Job, made: Composition, index: int) -> tuple[np.ndarray, dict[str, str]]:
    """A picture of the keypoints, (H, W, 4), and their places as a text: names to [x, y, confidence] in pixels."""
    drawn = job.entries["transfer"]
    points, sure = array(drawn, "keypoints")[index], array(drawn, "confidence")[index]
    side = pictures(drawn, "layer").shape[1]
    layer = (points + 1) / 2 * (side - 1)
    places = np.column_stack([layer, np.ones(len(layer))]) @ made.matrix(index).T
    if made.view is not None:
        places = made.view.points(places, index)
    names = drawn_names(drawn) or tuple(f"p{number}" for number in range(len(places)))
    told = {
        name: [round(float(value), 2) for value in (*place, each)]
        for name, place, each in zip(names, places, sure, strict=True)
    }
    w, h = made.shown
    image = np.zeros((h, w, 3), np.uint8)
    radius = max(2, min(w, h) // _DOT)
    for (x, y), tint in zip(places, keypoint_colours(len(places)), strict=True):
        if np.isfinite((x, y)).all() and abs(x) < 2 * w and abs(y) < 2 * h:
            dot(image, (round(x), round(y)), radius, tint)
    alpha = image.any(axis=2).astype(np.float16)
    return np.dstack([bytes_to_light()[image], alpha]), {"retarget:keypoints": json.dumps(told)}


def _still(beauty: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8: a frame as one sees it; what is transparent is black."""
    return seen(np.ascontiguousarray(beauty[..., :3]))


def _grounds(job: Job, playing: Playing) -> Callable[[int], np.ndarray | None]:
    """The background of each frame of the result, (H, W, 3) float16 linear light; None where there is none."""
    background, subject = job.stage.params["background"], facts(job.entries["subject"])
    if background == "alpha":
        return lambda index: None
    w, h = subject.width, subject.height
    if background not in ("subject", "driver"):
        plain = np.empty((h, w, 3), np.float16)
        plain[:] = bytes_to_light()[np.array(colour(background))]
        return lambda index: plain
    clip = facts(job.entries["driver"]) if background == "driver" else subject
    kept = max(2, min(16, _WINDOW // (6 * clip.width * clip.height)))
    plates = FrameWindow(lambda: _plates(job), kept)
    if background == "subject":
        shown = background_frames(playing.real_time, subject.timing)
        return lambda index: plates[shown[index]]
    grown, (left, top) = covering(job, (w, h))

    def covered(index: int) -> np.ndarray:
        plate = plates[playing.shown[index]]
        if grown != (clip.width, clip.height):
            plate = halves(cv2.resize(plate.astype(np.float32), grown, interpolation=cv2.INTER_CUBIC))
        return np.ascontiguousarray(plate[top : top + h, left : left + w])

    return covered


def _plates(job: Job) -> Iterator[np.ndarray]:
    """The clean plates of a clip in its own depth: what the removal of the object left alone is that of the file."""
    lights = read_light(job.stage.files["video"])
    for light, plate in zip(lights, read_frames(job.entries["plate"].file(PLATE)), strict=True):
        changed = (np.abs(seen(light).astype(np.int16) - plate.image) > _SAME).any(axis=2)
        light[changed] = bytes_to_light()[plate.image[changed]]
        yield light
