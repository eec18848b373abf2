"""Stage 6: what a clip's scene looks like without its object: the clean plate, and its edges, grain and shadow."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from retarget_cli.compositing.edges import edge_width
from retarget_cli.compositing.grain import Grain, GrainMeter
from retarget_cli.compositing.plate import build_plate_model
from retarget_cli.compositing.shadow import CastShadow
from retarget_cli.media.encode import VideoWriter
from retarget_cli.segmentation.matting import soft_alpha
from retarget_cli.stages.clip import SourceClip, facts
from retarget_cli.stages.matte import matted_frames, matted_stage
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.engine import Entry
from retarget_cli.utils.atomic import write_json_atomic

PLATE_VERSION = 2
PLATE, SHADOW = "plate.mkv", "shadow.json"
FOOTAGE_VERSION = 1
FILE = "footage.json"
_SAMPLES = 8  # frames that are looked at
_AWAY = 6  # pixels from the object: what is nearer may be its fur or its motion blur


@dataclass(frozen=True)
class Footage:
    """edge: pixels between alpha 0.1 and 0.9 across the object's outline, None where that is unknown."""

    edge: float | None
    grain: Grain


def plate(clip: SourceClip) -> Stage:
    """The stage that writes ``plate.mkv``: every frame of the clip at native size, lossless, the object removed.

    ``shadow.json`` is the shadow that was removed with it, null when none could be told.
    """
    return matted_stage("plate", PLATE_VERSION, "Removing the object from", clip, _remove_object)


def footage(clip: SourceClip) -> Stage:
    """The stage that writes ``footage.json``."""
    return matted_stage("footage", FOOTAGE_VERSION, "Measuring edges and grain of", clip, _measure_footage)


def cast_shadow(entry: Entry) -> CastShadow | None:
    """The shadow that things cast in the scene of a plate, None when none could be told."""
    data = entry.json(SHADOW)
    return data and CastShadow.from_json(data)


def _remove_object(job: Job) -> None:
    clip = facts(job.entries["ingest"])
    count = clip.timing.frames
    model = build_plate_model(lambda: matted_frames(job), count, lambda done, total: job.progress(done, total + count))
    with VideoWriter(job.path / PLATE, (clip.width, clip.height), clip.timing, codec="ffv1") as writer:
        for index, (frame, matte) in enumerate(matted_frames(job)):
            writer.write(model.render(index, frame, matte))
            job.progress(count + index + 1, 2 * count)
    write_json_atomic(job.path / SHADOW, model.shadow and model.shadow.to_json())
    job.draft.note(still_camera=model.still, seen_share=round(model.known, 3))


def read_footage(entry: Entry) -> Footage:
    """Read what was measured back."""
    data = entry.json(FILE)
    return Footage(data["edge"], Grain.from_json(data["grain"]))


def _measure_footage(job: Job) -> None:
    count = facts(job.entries["ingest"]).timing.frames
    chosen = set(np.linspace(min(1, count - 1), count - 1, min(_SAMPLES, count)).astype(int).tolist())
    meter, widths = GrainMeter(), []
    before = None
    for index, (frame, matte) in enumerate(matted_frames(job)):
        if index in chosen:
            widths.append(edge_width(soft_alpha(frame, matte).astype(np.float32) / 255.0))
            if before is not None:
                meter.add(before[0], frame, _away(np.maximum(before[1], matte)))
        before = frame, matte
        job.progress(index + 1, count)
    found = [width for width in widths if width is not None]
    edge = round(float(np.median(found)), 3) if found else None
    write_json_atomic(job.path / FILE, {"edge": edge, "grain": meter.grain().to_json()})


def _away(matte: np.ndarray) -> np.ndarray:
    """(H, W) bool: well away from the object."""
    clear: np.ndarray = cv2.distanceTransform((matte < 128).astype(np.uint8), cv2.DIST_L2, 3) > _AWAY
    return clear
