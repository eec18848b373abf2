"""The flicker of what was drawn: colours that change although nothing moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from retarget_cli.media.archive import Pictures
from retarget_cli.metrics.temporal import changed_colour
from retarget_cli.stages import crop
from retarget_cli.stages.clip import SourceClip
from retarget_cli.stages.score import at_size
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.stages.transfer import pictures
from retarget_cli.store.engine import Entry
from retarget_cli.utils.atomic import write_json_atomic
from retarget_cli.utils.sampling import evenly
from retarget_cli.vision.flow import dense_flow, warp_by_flow
from retarget_cli.viz.overlay import on_grey

VERSION = 1
_MOST_PAIRS = 200  # of neighbouring frames, evenly chosen
_FILE = "scores.json"


def steadiness(subject: SourceClip, driver: SourceClip, transfer: str) -> Stage:
    """The stage that writes ``scores.json``: flicker, over that of the subject's own clip. transfer: what drew."""
    return Stage(
        id=f"steadiness:{subject.name}-as-{driver.name}",
        name="steadiness",
        version=VERSION,
        label=f"Measuring the flicker of {subject.name}-as-{driver.name}",
        work=_work,
        needs={"transfer": transfer, "subject": f"crop:{subject.name}"},
    )


def steadiness_scores(entry: Entry) -> dict[str, Any]:
    """``flicker``: 1 is as much as in the subject's own clip; None where nothing could be measured."""
    return entry.json(_FILE)


def _work(job: Job) -> None:
    layer, own = pictures(job.entries["transfer"], "layer"), crop.frames(job.entries["subject"])
    size, total = min(layer.shape[1], own.shape[1]), len(layer) + len(own)
    drawn = _flicker(layer, size, lambda done: job.progress(done, total))
    filmed = _flicker(own, size, lambda done: job.progress(len(layer) + done, total))
    known = drawn is not None and filmed is not None and filmed > 0
    write_json_atomic(job.path / _FILE, {"flicker": drawn / filmed if known else None})  # type: ignore[operator]


def _flicker(clip: Pictures, size: int, progress: Callable[[int], None]) -> float | None:
    """The mean change of an object's colours along its own motion. clip: (N, S, S, 4) uint8 RGB and matte."""
    found = []
    for index in evenly(len(clip) - 1, _MOST_PAIRS) if len(clip) > 1 else []:
        before, now = at_size(clip, size, (index, index + 1))
        changed = _changed(before, now)
        if changed is not None:
            found.append(changed)
        progress(index + 2)
    return float(np.mean(found)) if found else None


def _changed(before: np.ndarray, now: np.ndarray) -> float | None:
    """The change of colours between two frames (S, S, 4), the first of them moved along the flow."""
    shown = [on_grey(frame) for frame in (before, now)]
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in shown]
    flow = dense_flow(grey[1], grey[0])
    both = np.minimum(now[..., 3], warp_by_flow(before[..., 3], flow))
    return changed_colour(shown[1], warp_by_flow(shown[0], flow), both)
