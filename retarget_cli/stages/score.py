"""Scores of a result: against driver and subject, and against the true answer where that is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from retarget_cli.errors import InputError
from retarget_cli.media.archive import Pictures
from retarget_cli.media.decode import read_frames
from retarget_cli.metrics.appearance import appearance
from retarget_cli.metrics.image import gain, iou, psnr, ssim
from retarget_cli.metrics.motion import motion_score
from retarget_cli.metrics.shape import best_still, shape_score
from retarget_cli.metrics.temporal import jitter
from retarget_cli.stages import crop
from retarget_cli.stages.clip import SourceClip
from retarget_cli.stages.matte import matted_frames
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.stages.transfer import pictures, report
from retarget_cli.store.engine import Entry
from retarget_cli.utils.atomic import write_json_atomic
from retarget_cli.utils.sampling import evenly
from retarget_cli.vision.framing import cut
from retarget_cli.vision.regions import box_of

SCORE_VERSION = 2
TRUTH_VERSION = 1
_NATIVE_FRAMES = 60  # evenly chosen, that are compared at native size
_MOST_NATIVE = 1024  # pixels
_SIZE = 128  # pixels of the square that an object's box is brought to: where in the frame it stands is not judged


@dataclass(frozen=True)
class Truth:
    """The true answer to one transfer, as long as the driver. matte: grey video; colour: the same scene in RGB."""

    matte: Path
    colour: Path | None = None


def score(subject: SourceClip, driver: SourceClip, transfer: str) -> Stage:
    """The stage that writes ``scores.json``: motion, shape, appearance, jitter, and the affine they were made with."""
    return Stage(
        id=f"score:{subject.name}-as-{driver.name}",
        name="score",
        version=SCORE_VERSION,
        label=f"Scoring {subject.name}-as-{driver.name}",
        work=_score,
        files={"video": subject.footage},
        digests={"video": subject.digest},
        needs={
            "transfer": transfer,
            "driver": f"crop:{driver.name}",
            "subject": f"crop:{subject.name}",
            "matte": f"matte:{subject.name}",
        },
    )


def truth_score(subject: SourceClip, driver: SourceClip, transfer: str, truth: Truth, digests: dict[str, str]) -> Stage:
    """The stage that writes ``scores.json``: iou, still (what the best motionless answer earns), gain, psnr, ssim.

    digests: of the truth's files, by role.
    """
    return Stage(
        id=f"truth:{subject.name}-as-{driver.name}",
        name="truth",
        version=TRUTH_VERSION,
        label=f"Comparing {subject.name}-as-{driver.name} with the truth",
        work=lambda job: _score_against_truth(job, truth),
        digests=digests,
        needs={"transfer": transfer, "subject": f"crop:{subject.name}"},
    )


def scores(entry: Entry) -> dict[str, Any]:
    """Read a score entry back."""
    return entry.json("scores.json")


def _score(job: Job) -> None:
    native, own = pictures(job.entries["transfer"], "layer"), crop.frames(job.entries["subject"])
    size = min(native.shape[1], own.shape[1])  # what is drawn finer than the crops is judged at their size
    layer, still = at_size(native, size), at_size(own, size)
    drawn = layer[..., 3] > 127
    moving = crop.frames(job.entries["driver"])[..., 3]
    shape = still[..., 3] > 127
    values = {
        "motion": motion_score(moving, drawn),
        "shape": shape_score(drawn, shape),
        "appearance": appearance(layer[..., :3], drawn, still[..., :3], shape),
        "jitter": jitter(drawn, moving),
    }
    values["appearance_native"] = _appearance_native(job, native)
    finite = {name: float(value) if np.isfinite(value) else None for name, value in values.items()}
    write_json_atomic(job.path / "scores.json", {**finite, "affine": report(job.entries["transfer"]).get("affine")})


def _score_against_truth(job: Job, truth: Truth) -> None:
    layer = pictures(job.entries["transfer"], "layer")
    found: dict[str, list[float]] = {"iou": [], "psnr": [], "ssim": []}
    mattes = []
    for index, (image, matte) in enumerate(_true_frames(truth)):
        if index >= len(layer):
            break
        mattes.append(boxed(np.zeros((*matte.shape, 3), np.uint8), matte)[1])
        picture, mask = boxed(layer[index][..., :3], layer[index][..., 3])
        found["iou"].append(iou(mask, mattes[-1]))
        either = np.maximum(mask, mattes[-1])
        if image is not None and either.max() > 127:
            true_picture = boxed(image, matte)[0]
            found["psnr"].append(psnr(picture, true_picture, either))
            found["ssim"].append(ssim(picture, true_picture, either))
        job.progress(index + 1, len(layer))
    if len(mattes) != len(layer):
        raise InputError(
            f"the truth has {len(mattes)} frames, the result {len(layer)}",
            where=truth.matte,
            fix="Give the truth for these two clips.",
        )
    values = {name: float(np.mean(each)) for name, each in found.items() if each}
    still = best_still(crop.frames(job.entries["subject"])[..., 3], mattes)[1]
    write_json_atomic(job.path / "scores.json", {**values, "still": still, "gain": gain(values["iou"], still)})


def at_size(clip: Pictures, size: int, chosen: Sequence[int] | None = None) -> np.ndarray:
    """A cropped clip (N, S, S, C) uint8, or those of its frames that are chosen, at another size."""
    if chosen is None and isinstance(clip, np.ndarray) and clip.shape[1] == size:
        return clip
    kind = cv2.INTER_AREA if size < clip.shape[1] else cv2.INTER_LINEAR
    shown = clip if chosen is None else (clip[index] for index in chosen)
    return np.stack([cv2.resize(np.asarray(frame), (size, size), interpolation=kind) for frame in shown])


def boxed(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The box of `mask` (H, W) uint8, brought to one size: picture (128, 128, 3) and mask, uint8.

    Outside the mask the picture is black; both are black when the mask is empty.
    """
    box = box_of(mask > 127)
    if box is None:
        return np.zeros((_SIZE, _SIZE, 3), np.uint8), np.zeros((_SIZE, _SIZE), np.uint8)
    x, y, w, h = box
    part = np.dstack([image, mask])[y : y + h, x : x + w].astype(np.float32)
    part[..., :3] *= part[..., 3:] / 255
    kind = cv2.INTER_AREA if min(w, h) >= _SIZE else cv2.INTER_LINEAR
    square = np.rint(cv2.resize(part, (_SIZE, _SIZE), interpolation=kind)).astype(np.uint8)
    return square[..., :3], square[..., 3]


def _appearance_native(job: Job, layer: Pictures) -> float:
    """The appearance at the size at which the object is in its clip, where the result is delivered.

    At the size of the crops, what is blurred and what is sharp beyond it look the same.
    """
    path = crop.framing(job.entries["subject"])
    side = min(round(float(np.median(path.sides))), _MOST_NATIVE)
    drawn = at_size(layer, side, evenly(len(layer), _NATIVE_FRAMES))
    chosen, real = set(evenly(len(path.sides), _NATIVE_FRAMES)), []
    for index, (image, matte) in enumerate(matted_frames(job)):
        if index in chosen:
            real.append(np.dstack([cut(image, path, index, side), cut(matte, path, index, side)]))
        job.progress(index + 1, len(path.sides))
    still = np.stack(real)
    return appearance(drawn[..., :3], drawn[..., 3] > 127, still[..., :3], still[..., 3] > 127)


def _true_frames(truth: Truth) -> Iterator[tuple[np.ndarray | None, np.ndarray]]:
    mattes = (frame.image for frame in read_frames(truth.matte, channels="gray"))
    if truth.colour is None:
        yield from ((None, matte) for matte in mattes)
    else:
        yield from zip((frame.image for frame in read_frames(truth.colour)), mattes, strict=True)
