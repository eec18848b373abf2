"""What speaks against a matte, and the report on a matte with that in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from retarget_cli.media.decode import read_frames
from retarget_cli.segmentation.doubts import Look, grey_share
from retarget_cli.stages.clip import SourceClip, facts
from retarget_cli.stages.matte import given_mattes, matte_report, matted_stage, read_mattes
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.engine import Entry
from retarget_cli.utils.atomic import write_json_atomic

VERSION = 1
_FILE = "doubts.json"
_LONGER_SIDE = 320  # pixels of the frames looked at


def doubts(clip: SourceClip) -> Stage:
    """The stage that writes ``doubts.json``: reasons, a factor a frame for the confidence, and the body's boxes."""
    return matted_stage("doubts", VERSION, "Checking the matte of", clip, lambda job: _look(job, clip))


def judged_report(matte: Entry, doubted: Entry | None) -> dict[str, Any]:
    """The report on a matte, with its confidence lowered and its notices lengthened by what speaks against it.

    ``doubts`` has the reasons. doubted: None for a matte that was not looked at.
    """
    report = matte_report(matte)
    found: Mapping[str, Any] = {} if doubted is None else doubted.json(_FILE)
    factors = found.get("factors") or [1.0]
    by_frame = report.get("frame_confidence") or ()
    if len(by_frame) == len(factors):
        by_frame = [round(value * factor, 4) for value, factor in zip(by_frame, factors, strict=True)]
    elif min(factors) < 1:
        by_frame = [round(report["confidence"] * factor, 4) for factor in factors]
    confidence = round(float(report["confidence"] * np.mean(factors)), 4)
    return {**report, "confidence": confidence, "frame_confidence": list(by_frame), "doubts": found.get("reasons", [])}


def proposed_box(doubted: Entry, frame: int) -> tuple[int, int, int, int] | None:
    """A box (x, y, width, height) in the clip's own pixels round what was found on a frame; None for nothing."""
    boxes = doubted.json(_FILE)["boxes"]
    box = boxes[frame] if frame < len(boxes) else None
    return None if box is None else (box[0], box[1], box[2], box[3])


def _look(job: Job, clip: SourceClip) -> None:
    found = facts(job.entries["ingest"])
    scale = min(1.0, _LONGER_SIDE / max(found.width, found.height))
    size = max(1, round(found.width * scale)), max(1, round(found.height * scale))
    frames = read_frames(job.stage.files["video"], channels="gray", size=size)
    look = Look()
    for frame, matte in zip(frames, read_mattes(job.entries["matte"], size=size), strict=True):
        look.at(frame.image, matte > 127)
        job.progress(frame.index + 1, found.timing.frames)
    given = matte_report(job.entries["matte"])["backend"] == "given"
    seen = look.doubts(grey_share(given_mattes(clip)) if given else 0.0)
    across, down = found.width / size[0], found.height / size[1]
    boxes = [box and [round(each * by) for each, by in zip(box, (across, down) * 2, strict=True)] for box in seen.boxes]
    write_json_atomic(job.path / _FILE, {"reasons": seen.reasons, "factors": seen.factors, "boxes": boxes})
