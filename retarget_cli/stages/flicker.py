"""How steady a matte is: the share of it that changes from frame to frame beyond what moves."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from retarget_cli.media.decode import read_frames
from retarget_cli.metrics.temporal import changed_share
from retarget_cli.stages.ingest import facts
from retarget_cli.stages.matte import read_mattes
from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.atomic import write_json_atomic
from retarget_cli.store.engine import Entry
from retarget_cli.vision.flow import dense_flow, warp_by_flow

VERSION = 1
_FILE = "flicker.json"
_LONGER_SIDE = 320  # pixels of the frames compared


def flicker(clip: SourceClip) -> Stage:
    """The stage that writes ``flicker.json``: the mean changed share, and the frame with the largest one."""
    return Stage(
        id=f"flicker:{clip.name}",
        name="flicker",
        version=VERSION,
        label=f"Measuring how steady the matte of {clip.path.name} is",
        work=_work,
        files={"video": clip.path},
        digests={"video": clip.digest},
        needs={"ingest": f"ingest:{clip.name}", "matte": f"matte:{clip.name}"},
    )


def flicker_report(entry: Entry) -> dict[str, Any]:
    """{"flicker": mean share, None for a matte that is always empty; "largest_change": frame}."""
    data: dict[str, Any] = json.loads(entry.file(_FILE).read_text(encoding="utf-8"))
    return data


def _work(job: Job) -> None:
    clip = facts(job.entries["ingest"])
    scale = min(1.0, _LONGER_SIDE / max(clip.width, clip.height))
    size = max(1, round(clip.width * scale)), max(1, round(clip.height * scale))
    frames = read_frames(job.stage.files["video"], channels="gray", size=size)
    before: tuple[np.ndarray, np.ndarray] | None = None
    shares: dict[int, float] = {}
    for frame, matte in zip(frames, read_mattes(job.entries["matte"], size=size), strict=True):
        if before is not None:
            flow = dense_flow(frame.image, before[0])
            share = changed_share(matte, warp_by_flow(before[1], flow))
            if share is not None:
                shares[frame.index] = share
        before = frame.image, matte
        job.progress(frame.index + 1, clip.timing.frames)
    mean = round(float(np.mean(list(shares.values()))), 4) if shares else None
    largest = max(shares, key=shares.__getitem__) if shares else None
    write_json_atomic(job.path / _FILE, {"flicker": mean, "largest_change": largest})
