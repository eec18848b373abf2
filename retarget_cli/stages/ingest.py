"""Stage 1: read a clip once from end to end, so that its faults show now and its times are known exactly."""

from __future__ import annotations

import json
from typing import Any

from retarget_cli.media.decode import scan
from retarget_cli.media.timing import Timing
from retarget_cli.stages.source import ClipFacts, SourceClip
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.atomic import write_json_atomic
from retarget_cli.store.engine import Entry

VERSION = 1
_FILE = "clip.json"


def ingest(clip: SourceClip) -> Stage:
    """The stage that writes ``clip.json``: the video's properties and the exact time of every frame."""
    return Stage(
        id=f"ingest:{clip.name}",
        name="ingest",
        version=VERSION,
        label=f"Reading {clip.path.name}",
        work=_work,
        files={"video": clip.path},
        digests={"video": clip.digest},
    )


def facts(entry: Entry) -> ClipFacts:
    """Read an ingest entry back."""
    data = _read(entry)
    info = data["info"]
    return ClipFacts(info["width"], info["height"], Timing.from_json(data["timing"]), info["audio"] is not None)


def clip_info(entry: Entry) -> dict[str, Any]:
    """What the file says of itself, as :meth:`~retarget_cli.media.probe.VideoInfo.to_json` gives it, less the path."""
    info: dict[str, Any] = _read(entry)["info"]
    return info


def _read(entry: Entry) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(entry.file(_FILE).read_text(encoding="utf-8"))
    return data


def _work(job: Job) -> None:
    found = scan(job.stage.files["video"], job.progress)
    # The path is left out: the same clip under another name is the same clip.
    info = {key: value for key, value in found.info.to_json().items() if key != "path"}
    write_json_atomic(job.path / _FILE, {"info": info, "timing": found.timing.to_json()})
    job.draft.note(frames=found.timing.frames, width=found.info.width, height=found.info.height)
