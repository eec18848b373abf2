"""Stage 5: let the trained method draw one clip's look with the other clip's motion, in the subject's crop."""

from __future__ import annotations

import json
from typing import Any, Literal

import numpy as np

from retarget_cli.config import TrainConfig, to_json
from retarget_cli.hardware import device_class
from retarget_cli.media.playing import Playing
from retarget_cli.methods import get_method
from retarget_cli.methods.base import Look, Playback, TransferRequest
from retarget_cli.stages.fit import states
from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.atomic import write_json_atomic
from retarget_cli.store.engine import Entry

VERSION = 5


def transfer(
    config: TrainConfig,
    look: Look,
    affine: str | tuple[float, ...],
    subject: SourceClip,
    driver: SourceClip,
    playing: Playing,
    smooth: float | Literal["auto"] = 0.0,
) -> Stage:
    """The stage that writes what the method draws, one frame per moment of `playing`, of poses steadied by `smooth`.

    ``layer.npy`` (N, S, S, 4) uint8 straight alpha, ``silhouette.npy`` (N, S, S) uint8, ``keypoints.npy`` and
    ``driver_keypoints.npy`` (N, K, 2) float32, ``report.json`` with the affine that was taken.
    """
    method = get_method(config.method)
    a, b = (subject, driver) if look == "a" else (driver, subject)
    changed = {**playing_params(playing), **({"smooth": smooth} if smooth else {})}
    playback = _playback(playing, smooth) if changed else None
    return Stage(
        id=f"transfer:{subject.name}-as-{driver.name}",
        name="transfer",
        version=VERSION,
        label=f"Drawing {subject.name} moving like {driver.name}",
        work=lambda job: _work(job, config, TransferRequest(look, affine, playback)),
        params={
            "method": method.name,
            "method_version": method.version,
            "config": to_json(config.method_config),
            "look": look,
            "affine": affine if isinstance(affine, str) else list(affine),
            "device": device_class(config.device),
            **changed,
        },
        needs={
            "a": f"crop:{a.name}",
            "b": f"crop:{b.name}",
            **{name: name for name in method.phase_names},
            **({"times": f"ingest:{driver.name}"} if changed else {}),
        },
    )


def playing_params(playing: Playing) -> dict[str, Any]:
    """What of a playing decides a result, beside the driver's times.

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


def array(entry: Entry, name: str) -> np.ndarray:
    """One of the arrays of a transfer entry (``layer``, ``silhouette``, ``keypoints``, ...), memory-mapped."""
    values: np.ndarray = np.load(entry.file(f"{name}.npy"), mmap_mode="r", allow_pickle=False)
    return values


def report(entry: Entry) -> dict[str, Any]:
    """What the method said about the transfer."""
    data: dict[str, Any] = json.loads(entry.file("report.json").read_text(encoding="utf-8"))
    return data


def _playback(playing: Playing, smooth: float | Literal["auto"]) -> Playback:
    driver, loop = playing.driver, None
    if playing.tempo.rounds > 1:
        loop = playing.first, playing.stop, playing.end
    return Playback(driver.time_base, driver.pts, playing.moments, tuple(playing.shown), loop, smooth)


def _work(job: Job, config: TrainConfig, request: TransferRequest) -> None:
    from retarget_cli.train.clips import ClipArray
    from retarget_cli.train.device import pick_device

    clips = (ClipArray.open(job.entries["a"].file("clip.npy")), ClipArray.open(job.entries["b"].file("clip.npy")))
    driver = clips[1] if request.look == "a" else clips[0]
    method = get_method(config.method)
    drawn = method.transfer(
        config.method_config, clips, states(job, config), request, pick_device(config.device, config.max_memory)
    )
    count = driver.count if request.playback is None else len(request.playback.moments)
    keypoints, driver_keypoints = [], []
    layer = silhouette = None
    for index, frame in enumerate(drawn.frames):
        if layer is None or silhouette is None:
            layer = _open(job, "layer", (count, *frame.rgba.shape))
            silhouette = _open(job, "silhouette", (count, *frame.silhouette.shape))
        layer[index], silhouette[index] = frame.rgba, frame.silhouette
        keypoints.append(frame.keypoints)
        driver_keypoints.append(frame.driver_keypoints)
        job.progress(index + 1, count)
    if layer is None or silhouette is None or len(keypoints) != count:
        raise RuntimeError(f"{method.name} drew {len(keypoints)} of {count} frames")
    layer.flush()
    silhouette.flush()
    np.save(job.path / "keypoints.npy", np.stack(keypoints).astype(np.float32))
    np.save(job.path / "driver_keypoints.npy", np.stack(driver_keypoints).astype(np.float32))
    write_json_atomic(job.path / "report.json", dict(drawn.report))


def _open(job: Job, name: str, shape: tuple[int, ...]) -> np.memmap:
    return np.lib.format.open_memmap(job.path / f"{name}.npy", mode="w+", dtype=np.uint8, shape=shape)
