"""How good a transfer is: every score of both the motion and the look, in crop space."""

from __future__ import annotations

import json
from typing import Any

import cv2
import numpy as np

from retarget_cli.metrics.appearance import appearance
from retarget_cli.metrics.motion import motion_score
from retarget_cli.metrics.shape import shape_score
from retarget_cli.metrics.temporal import jitter
from retarget_cli.stages import crop
from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.stages.transfer import array, report
from retarget_cli.store.atomic import write_json_atomic
from retarget_cli.store.engine import Entry

VERSION = 1


def score(subject: SourceClip, driver: SourceClip, transfer: str) -> Stage:
    """The stage that writes ``scores.json``: motion, shape, appearance, jitter, and the affine they were made with."""
    return Stage(
        id=f"score:{subject.name}-as-{driver.name}",
        name="score",
        version=VERSION,
        label=f"Scoring {subject.name}-as-{driver.name}",
        work=_work,
        needs={"transfer": transfer, "driver": f"crop:{driver.name}", "subject": f"crop:{subject.name}"},
    )


def scores(entry: Entry) -> dict[str, Any]:
    """Read a score entry back."""
    data: dict[str, Any] = json.loads(entry.file("scores.json").read_text(encoding="utf-8"))
    return data


def at_size(clip: np.ndarray, size: int) -> np.ndarray:
    """A cropped clip (N, S, S, C) uint8 at another size."""
    if clip.shape[1] == size:
        return clip
    kind = cv2.INTER_AREA if size < clip.shape[1] else cv2.INTER_LINEAR
    return np.stack([cv2.resize(np.asarray(frame), (size, size), interpolation=kind) for frame in clip])


def _work(job: Job) -> None:
    layer, own = array(job.entries["transfer"], "layer"), crop.frames(job.entries["subject"])
    size = min(layer.shape[1], own.shape[1])  # what is drawn finer than the crops is judged at their size
    layer, still = at_size(layer, size), at_size(own, size)
    drawn = layer[..., 3] > 127
    moving = crop.frames(job.entries["driver"])[..., 3]
    shape = still[..., 3] > 127
    values = {
        "motion": motion_score(moving, drawn),
        "shape": shape_score(drawn, shape),
        "appearance": appearance(layer[..., :3], drawn, still[..., :3], shape),
        "jitter": jitter(drawn, moving),
    }
    finite = {name: float(value) if np.isfinite(value) else None for name, value in values.items()}
    write_json_atomic(job.path / "scores.json", {**finite, "affine": report(job.entries["transfer"]).get("affine")})
