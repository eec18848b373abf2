"""Stage 5: draw the subject with the driver's motion; a motion file may take the driver's place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from retarget_cli.config import TrainConfig
from retarget_cli.media.archive import Archive, ArchiveWriter, Pictures
from retarget_cli.media.playback import Playing, background_moments
from retarget_cli.media.timing import Timing
from retarget_cli.methods import get_method
from retarget_cli.methods.base import KeypointSubset, Look, NewDriver, PairContext, Playback, Poses, TransferRequest
from retarget_cli.motion.files import motion_bytes, read_motion
from retarget_cli.motion.motion import Motion
from retarget_cli.stages.clip import SourceClip, facts
from retarget_cli.stages.crop import crops_of_pair
from retarget_cli.stages.fit import keypoint_names, states
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.engine import Entry
from retarget_cli.utils.arrays import read_npy
from retarget_cli.utils.atomic import write_bytes_atomic, write_json_atomic
from retarget_cli.utils.fields import to_json
from retarget_cli.utils.hardware import device_class
from retarget_cli.vision.framing import Framing

TRANSFER_VERSION = 7
ALIGNER_VERSION = 2  # of what is made of the aligner that a base, or another run, may have brought
POSE_VERSION = 1
_FILE = "motion.safetensors"


@dataclass(frozen=True)
class MotionSource:
    """A motion file as a user names it. name: for the names of results; digest: sha256 of its content."""

    name: str
    path: Path
    digest: str


Driver = SourceClip | MotionSource


@dataclass(frozen=True)
class Drawing:
    """The options of a transfer, see :class:`TransferRequest`.

    smooth: how much the driver's poses are steadied. flip: whether a driver that was not trained on is mirrored.
    follow: the numbers of the keypoints that follow the driver, None when all do.
    """

    look: Look
    affine: str | tuple[float, ...] = "auto"
    smooth: float | Literal["auto"] = 0.0
    flip: str = "auto"
    follow: tuple[int, ...] | None = None


def transfer(
    config: TrainConfig, pair: tuple[SourceClip, SourceClip], drawing: Drawing, driver: Driver, playing: Playing
) -> Stage:
    """The stage that writes what the method draws, one frame per moment of `playing`.

    ``layer.zip`` (N, S, S, 4) uint8 straight alpha, ``silhouette.zip`` (N, S, S) uint8, ``keypoints.npy`` and
    ``driver_keypoints.npy`` (N, K, 2) and ``confidence.npy`` (N, K) float32, ``report.json`` with the affine that was
    taken and the names of the keypoints, if they have any. driver: one of the pair, another clip, or a motion file.
    """
    method = get_method(config.method)
    a, b = pair
    subject, usual = (a, b) if drawing.look == "a" else (b, a)
    instead = _driver_needs(driver, usual)
    timed = bool(playing_params(playing) or drawing.smooth or drawing.follow is not None)
    return Stage(
        id=f"transfer:{subject.name}-as-{driver.name}",
        name="transfer",
        version=TRANSFER_VERSION,
        label=f"Drawing {subject.name} moving like {driver.name}",
        work=lambda job: _draw_layer(job, config, drawing, playing),
        exclusive=True,
        params={
            "method": method.key,
            "method_version": method.version,
            "config": to_json(config.method_config),
            "look": drawing.look,
            "affine": drawing.affine if isinstance(drawing.affine, str) else list(drawing.affine),
            "device": device_class(config.device),
            **playing_params(playing),
            **({} if config.start is None else {"aligner": ALIGNER_VERSION}),
            **({"smooth": drawing.smooth} if drawing.smooth else {}),
            **({"flip": drawing.flip} if "driver" in instead else {}),
            **({} if drawing.follow is None else {"follow": list(drawing.follow)}),
        },
        needs={
            "a": f"crop:{a.name}",
            "b": f"crop:{b.name}",
            **{name: name for name in method.phases(config.method_config)},
            **instead,
            **({"times": f"ingest:{driver.name}"} if timed and isinstance(driver, SourceClip) else {}),
            **({} if drawing.follow is None else {"own_times": f"ingest:{subject.name}"}),
        },
    )


def _driver_needs(driver: Driver, usual: SourceClip) -> dict[str, str]:
    """The results about what drives in the place of the pair's other clip, which is `usual`."""
    if isinstance(driver, MotionSource):
        return {"motion": f"pose:{driver.name}"}
    return {} if driver == usual else {"driver": f"crop:{driver.name}"}


def playing_params(playing: Playing) -> dict[str, Any]:
    """The parameters of a playing that decide a result, the driver's times left out.

    Nothing when the driver plays as it is: so the keys of such results are what they were before it could be changed.
    """
    if playing.is_plain:
        return {}
    tempo = playing.tempo
    return {
        "part": [playing.first, playing.stop],
        "fps": tempo.fps and str(tempo.fps),
        "slow": str(tempo.slow),
        "rounds": tempo.rounds,
    }


def pictures(entry: Entry, name: str) -> Pictures:
    """The ``layer`` or the ``silhouette`` of a transfer entry. Earlier versions wrote plain arrays."""
    packed = f"{name}.zip"
    return Archive(entry.file(packed)) if packed in entry.receipt["files"] else array(entry, name)


def array(entry: Entry, name: str) -> np.ndarray:
    """One of the arrays of a transfer entry (``keypoints``, ``driver_keypoints``, ``confidence``), memory-mapped."""
    return read_npy(entry.file(f"{name}.npy"))


def report(entry: Entry) -> dict[str, Any]:
    """The method's report on the transfer."""
    return entry.json("report.json")


def drawn_names(entry: Entry) -> tuple[str, ...]:
    """The names of the keypoints of a transfer, in the order of its arrays; empty where they have only numbers."""
    return tuple(report(entry).get("keypoints", ()))


def _playback(playing: Playing, smooth: float | Literal["auto"]) -> Playback:
    driver, loop = playing.driver, None
    if playing.tempo.rounds > 1:
        loop = playing.first, playing.stop, playing.end
    return Playback(driver.time_base, driver.pts, playing.moments, tuple(playing.shown), loop, smooth)


def _own_playback(playing: Playing, subject: Timing) -> Playback:
    """The subject's clip as it plays behind the result."""
    moments = tuple(background_moments(playing.real_time, subject))
    return Playback(subject.time_base, subject.pts, moments, tuple(subject.showing(moment) for moment in moments))


def _request(job: Job, drawing: Drawing, playing: Playing, names: tuple[str, ...]) -> TransferRequest:
    """What is wanted of the method. names: of the pair's keypoints, in whose order those of a motion are taken."""
    from retarget_cli.training.clips import ClipArray

    driver: NewDriver | Poses | Literal["subject"] | None = None
    if "motion" in job.entries:
        motion = read_pose(job.entries["motion"]).arranged(names)
        driver = Poses(motion.points, motion.confidence, motion.space == "subject")
    elif "driver" in job.entries and job.entries["driver"].digest == job.entries[drawing.look].digest:
        driver = "subject"
    elif "driver" in job.entries:
        driver = NewDriver(ClipArray.open(job.entries["driver"].file("clip.npy")), drawing.flip)
    regional = None
    if drawing.follow is not None:
        regional = KeypointSubset(drawing.follow, _own_playback(playing, facts(job.entries["own_times"]).timing))
    playback = None if playing.is_plain and not drawing.smooth else _playback(playing, drawing.smooth)
    return TransferRequest(drawing.look, drawing.affine, playback, driver, regional)


def _draw_layer(job: Job, config: TrainConfig, drawing: Drawing, playing: Playing) -> None:
    from retarget_cli.training.device import pick_device

    clips = crops_of_pair(job)
    device = pick_device(config.device, config.max_memory)
    pair = PairContext(config.method_config, clips, states(job, config), device)
    method = get_method(config.method)
    names = keypoint_names(job.entries[method.phase_names[0]])
    drawn = method.transfer(pair, _request(job, drawing, playing, names))
    count = playing.timing.frames
    points: dict[str, list[np.ndarray]] = {"keypoints": [], "driver_keypoints": [], "confidence": []}
    with ArchiveWriter(job.path / "layer.zip") as layer, ArchiveWriter(job.path / "silhouette.zip") as silhouette:
        for index, frame in enumerate(drawn.frames):
            layer.write(frame.rgba)
            silhouette.write(frame.silhouette)
            for name, found in points.items():
                found.append(getattr(frame, name))
            job.progress(index + 1, count)
    if len(points["keypoints"]) != count:
        raise RuntimeError(f"{method.name} drew {len(points['keypoints'])} of {count} frames")
    for name, found in points.items():
        np.save(job.path / f"{name}.npy", np.stack(found).astype(np.float32))
    write_json_atomic(job.path / "report.json", {**drawn.report, **({"keypoints": names} if names else {})})


def sound_of(driver: Driver) -> dict[str, Any]:
    """`files` and `digests` of a stage that takes the sound of the driver; a motion file has none."""
    if isinstance(driver, MotionSource):
        return {}
    return {"files": {"driver": driver.path}, "digests": {"sound": driver.digest}}


def crop_of(driver: Driver) -> str:
    """The stage with the crop that the driver's keypoints lie in."""
    return f"pose:{driver.name}" if isinstance(driver, MotionSource) else f"crop:{driver.name}"


def motion_stage(source: MotionSource) -> Stage:
    """The stage that writes ``motion.safetensors``, and the crop it lies in as that of a clip is written."""
    return Stage(
        id=f"pose:{source.name}",
        name="pose",
        version=POSE_VERSION,
        label=f"Reading {source.path.name}",
        work=_read_pose,
        files={"motion": source.path},
        digests={"motion": source.digest},
    )


def read_pose(entry: Entry) -> Motion:
    """The motion of an entry of this stage."""
    return read_motion(entry.file(_FILE))


def _read_pose(job: Job) -> None:
    motion = read_motion(job.stage.path("motion"))
    target = job.path / _FILE
    write_bytes_atomic(target, motion_bytes(motion, target))
    write_json_atomic(job.path / "framing.json", Framing(motion.places[:, 2], motion.places[:, :2]).to_json())
