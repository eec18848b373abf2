"""A method's reconstruction of a clip, scored on the frames that it did not train on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from retarget_cli.config import TrainConfig
from retarget_cli.methods import get_method
from retarget_cli.methods.base import BOTH, Look, NewDriver, PairContext, TransferRequest
from retarget_cli.metrics.fidelity import Frame, keypoint_distance, missing_keypoints, patch_distance, picture_scores
from retarget_cli.stages import crop
from retarget_cli.stages.clip import SourceClip
from retarget_cli.stages.crop import crops_of_pair
from retarget_cli.stages.fit import states
from retarget_cli.stages.matte import matted_frames
from retarget_cli.stages.score import at_size
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.stages.transfer import array, pictures, report
from retarget_cli.store.engine import Entry
from retarget_cli.utils.atomic import write_json_atomic
from retarget_cli.utils.hardware import device_class
from retarget_cli.utils.sampling import evenly
from retarget_cli.vision.framing import cut
from retarget_cli.vision.light import Light
from retarget_cli.viz.overlay import on_grey
from retarget_cli.weights.manifest import find_weights

VERSION = 1
UNMOVED = "none"  # the affine that leaves the poses of a clip as they are
SIZE = 256  # pixels, as published figures are measured
_MOST_FRAMES = 60  # that are scored, evenly chosen
_FILE = "scores.json"


def vgg16() -> Path | None:
    """The weights by which LPIPS can be measured, where its package is there too."""
    return find_weights("vgg16") if find_spec("lpips") is not None else None


def scored_frames(config: TrainConfig, count: int) -> list[int]:
    """Frames of a clip of `count` that the method did not train on, evenly chosen; none where it names none."""
    held = get_method(config.method).held_out_frames(config.method_config, count)
    return [held[index] for index in evenly(len(held), _MOST_FRAMES)] if held else []


def reconstruction(
    config: TrainConfig,
    pair: tuple[SourceClip, SourceClip],
    look: Look,
    transfer: str,
    frames: Sequence[int],
    perceptual: Mapping[str, Path],
    digests: Mapping[str, str],
) -> Stage:
    """The stage that writes ``scores.json``: l1, psnr, ssim, akd, mkr and aed, see metrics/fidelity.

    transfer: id of the stage that drew the clip `look` in its own poses, by the affine UNMOVED.
    frames: those that are scored, see :func:`scored_frames`.
    perceptual, digests: the file of :func:`vgg16` and its digest, by ``vgg16``; with it, ``lpips`` is measured too.
    """
    method = get_method(config.method)
    a, b = pair
    subject = pair[BOTH.index(look)]
    return Stage(
        id=f"reconstruction:{subject.name}",
        name="reconstruction",
        version=VERSION,
        label=f"Comparing {subject.name} with its reconstruction",
        work=lambda job: _work(job, config, look),
        exclusive=True,
        params={
            "method": method.key,
            "method_version": method.version,
            "look": look,
            "frames": list(frames),
            "device": device_class(config.device),
        },
        files={"video": subject.footage, **perceptual},
        digests={"video": subject.digest, **digests},
        needs={
            "transfer": transfer,
            "a": f"crop:{a.name}",
            "b": f"crop:{b.name}",
            "matte": f"matte:{subject.name}",
            **{name: name for name in method.phases(config.method_config)},
        },
    )


def reconstruction_scores(entry: Entry) -> dict[str, Any]:
    """The scores by name, None for what could not be measured, and ``frames``, how many were scored."""
    return entry.json(_FILE)


def _work(job: Job, config: TrainConfig, look: Look) -> None:
    chosen: list[int] = job.stage.params["frames"]
    layer, real = _drawn(job, chosen), list(_real(job, look, chosen))
    drawn = [_sized(frame) for frame in layer]
    values = {**_picture_scores(job, drawn, real), **_own_scores(job, drawn, real, chosen), "akd": None}
    wanted = array(job.entries["transfer"], "keypoints")[chosen]
    if wanted.size:
        values["akd"] = keypoint_distance(_keypoints(job, config, look, layer), wanted)
    finite = {name: value if value is not None and np.isfinite(value) else None for name, value in values.items()}
    write_json_atomic(job.path / _FILE, {**finite, "frames": len(chosen)})


def _drawn(job: Job, chosen: Sequence[int]) -> list[np.ndarray]:
    """The frames of the layer (S, S, 4) uint8, in the light in which they were filmed."""
    layer, light = pictures(job.entries["transfer"], "layer"), report(job.entries["transfer"]).get("light")
    frames = [np.asarray(layer[index]) for index in chosen]
    if light is None:
        return frames
    shining = Light.from_json(light)
    return [shining.shine(frame, index) for frame, index in zip(frames, chosen, strict=True)]


def _real(job: Job, look: Look, chosen: Sequence[int]) -> Iterator[Frame]:
    """The filmed frames, cut out as they were for training, at the size at which they are compared."""
    path, wanted = crop.framing(job.entries[look]), set(chosen)
    for index, (image, matte) in enumerate(matted_frames(job)):
        if index in wanted:
            picture, mask = cut(image, path, index, SIZE), cut(matte, path, index, SIZE)
            yield Frame(on_grey(np.dstack([picture, mask])), mask)
        job.progress(index + 1, len(path.sides))


def _sized(layer: np.ndarray) -> Frame:
    """A drawn frame (S, S, 4) at the size at which it is compared. It is put on its ground first: alpha is straight."""
    kind = cv2.INTER_AREA if len(layer) > SIZE else cv2.INTER_LINEAR
    solid = np.dstack([on_grey(layer), layer[..., 3]])
    sized = cv2.resize(solid, (SIZE, SIZE), interpolation=kind)
    return Frame(np.ascontiguousarray(sized[..., :3]), np.ascontiguousarray(sized[..., 3]))


def _picture_scores(job: Job, drawn: Sequence[Frame], real: Sequence[Frame]) -> dict[str, float | None]:
    scored = [found for pair in zip(drawn, real, strict=True) if (found := picture_scores(*pair)) is not None]
    values = {name: _mean([each[name] for each in scored]) for name in ("l1", "psnr", "ssim")}
    if "vgg16" in job.stage.files:
        values["lpips"] = _mean(_perceptual(job, drawn, real))
    return values


def _own_scores(
    job: Job, drawn: Sequence[Frame], real: Sequence[Frame], chosen: Sequence[int]
) -> dict[str, float | None]:
    """``mkr`` and ``aed``."""
    points = array(job.entries["transfer"], "keypoints")
    pairs = list(zip(drawn, real, strict=True))
    counted = [
        missing_keypoints(points[index], one.mask, two.mask) for index, (one, two) in zip(chosen, pairs, strict=True)
    ]
    lost, present = (sum(each) for each in zip(*counted, strict=True)) if counted else (0, 0)
    distances = []
    for one, two in pairs:
        distances.append(patch_distance(one, two))
        job.check()
    return {"mkr": lost / present if present else None, "aed": _mean([each for each in distances if np.isfinite(each)])}


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _keypoints(job: Job, config: TrainConfig, look: Look, layer: Sequence[np.ndarray]) -> np.ndarray:
    """(N, K, 2): where the trained networks find keypoints in what they drew. It drives the other clip for that."""
    from retarget_cli.training.clips import ClipArray
    from retarget_cli.training.device import pick_device

    clips = crops_of_pair(job)
    seen = ClipArray(at_size(np.stack(layer), clips[BOTH.index(look)].size))
    pair = PairContext(config.method_config, clips, states(job, config), pick_device(config.device, config.max_memory))
    method = get_method(config.method)
    flip = "yes" if method.mirrored(config.method_config, clips) == look else "no"
    other: Look = "b" if look == "a" else "a"
    request = TransferRequest(other, UNMOVED, driver=NewDriver(seen, flip))
    return np.stack([frame.driver_keypoints for frame in method.transfer(pair, request).frames])


def _perceptual(job: Job, drawn: Sequence[Frame], real: Sequence[Frame]) -> list[float]:
    import torch

    from retarget_cli.nn.perceptual import lpips_vgg
    from retarget_cli.weights.load import read_tensors

    network, found = lpips_vgg(read_tensors(job.stage.path("vgg16"))), []
    with torch.no_grad():
        for pair in zip(drawn, real, strict=True):
            one, two = (torch.from_numpy(each.image).permute(2, 0, 1)[None].float() / 127.5 - 1 for each in pair)
            found.append(float(network(one, two)))
            job.check()
    return found
