"""Stage 6: the clip without its object, for results that show one clip's own background."""

from __future__ import annotations

import json

from retarget_cli.media.encode import VideoWriter
from retarget_cli.stages.ingest import facts
from retarget_cli.stages.matte import matted_frames
from retarget_cli.stages.matted import matted_stage
from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.atomic import write_json_atomic
from retarget_cli.store.engine import Entry
from retarget_cli.vision.cast import CastShadow
from retarget_cli.vision.plate import build_plate_model

VERSION = 2
PLATE, SHADOW = "plate.mkv", "shadow.json"


def plate(clip: SourceClip) -> Stage:
    """The stage that writes ``plate.mkv``: every frame of the clip at native size, lossless, the object removed.

    ``shadow.json`` is the shadow that was removed with it, null when none could be told.
    """
    return matted_stage("plate", VERSION, "Removing the object from", clip, _work)


def cast_shadow(entry: Entry) -> CastShadow | None:
    """The shadow that things cast in the scene of a plate, None when none could be told."""
    data = json.loads(entry.file(SHADOW).read_text(encoding="utf-8"))
    return data and CastShadow.from_json(data)


def _work(job: Job) -> None:
    clip = facts(job.entries["ingest"])
    count = clip.timing.frames
    model = build_plate_model(lambda: matted_frames(job), count, lambda done, total: job.progress(done, total + count))
    with VideoWriter(job.path / PLATE, (clip.width, clip.height), clip.timing, codec="ffv1") as writer:
        for index, (frame, matte) in enumerate(matted_frames(job)):
            writer.write(model.render(index, frame, matte))
            job.progress(count + index + 1, 2 * count)
    write_json_atomic(job.path / SHADOW, model.cast and model.cast.to_json())
    job.draft.note(still_camera=model.still, seen_share=round(model.known, 3))
