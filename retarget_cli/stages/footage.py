"""How a clip was filmed: what its outlines and its grain look like, for whatever is to be set into its scene."""

from __future__ import annotations

import json
from dataclasses import dataclass

import cv2
import numpy as np

from retarget_cli.segment.alpha import soft_alpha
from retarget_cli.stages.ingest import facts
from retarget_cli.stages.matte import matted_frames
from retarget_cli.stages.matted import matted_stage
from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.atomic import write_json_atomic
from retarget_cli.store.engine import Entry
from retarget_cli.vision.edges import edge_width
from retarget_cli.vision.grain import Grain, GrainMeter

VERSION = 1
FILE = "footage.json"
_SAMPLES = 8  # frames that are looked at
_AWAY = 6  # pixels from the object: what is nearer may be its fur or its motion blur


@dataclass(frozen=True)
class Footage:
    """edge: pixels between alpha 0.1 and 0.9 across the object's outline, None where that is unknown."""

    edge: float | None
    grain: Grain


def footage(clip: SourceClip) -> Stage:
    """The stage that writes ``footage.json``."""
    return matted_stage("footage", VERSION, "Measuring edges and grain of", clip, _work)


def read_footage(entry: Entry) -> Footage:
    """Read what was measured back."""
    data = json.loads(entry.file(FILE).read_text(encoding="utf-8"))
    return Footage(data["edge"], Grain.from_json(data["grain"]))


def _work(job: Job) -> None:
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
