"""A quick look at one frame, before the whole clip is worked on: only what that frame needs is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from retarget_cli.config import MatteConfig
from retarget_cli.errors import UsageError
from retarget_cli.hardware import device_class
from retarget_cli.media.decode import count_frames
from retarget_cli.media.probe import probe
from retarget_cli.media.stills import write_png
from retarget_cli.segment.alpha import object_colours, soft_alpha
from retarget_cli.segment.base import Hint, Segmenter, check_hints
from retarget_cli.segment.given import fit_size
from retarget_cli.stages.matte import Way, choose_way, given_mattes, inputs_of
from retarget_cli.stages.overlay import draw_hints, shown_size
from retarget_cli.stages.source import SourceClip, VideoSource
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.atomic import write_json_atomic
from retarget_cli.store.engine import Entry
from retarget_cli.vision.regions import box_of
from retarget_cli.viz.marks import draw_text
from retarget_cli.viz.overlay import draw_matte
from retarget_cli.viz.sheet import as_rgb

VERSION = 1
PICTURE, _REPORT = "preview.png", "report.json"
AROUND = 12
"""Frames to either side of the one shown that are looked at: enough to tell what moves."""
FARTHEST = 48
"""Frames from the one shown at which a hint is still carried to it."""
_TEXT = 24  # pixels of the line of text
_GAP = 4


def preview(clip: SourceClip, config: MatteConfig, frame: int, digest: Callable[[Path], str]) -> Stage:
    """The stage that writes ``preview.png`` (matte and cut-out of one frame) and ``report.json``.

    Raises UsageError when all hints are too far from the frame, and what choosing the backend raises.
    """
    way = choose_way(clip, config)
    first, last = window(frame, clip.hints) if way.name != "given" else (frame, frame)
    params, digests = inputs_of(clip, way, digest)
    return Stage(
        id=f"preview:{clip.name}:{frame}",
        name="preview",
        version=VERSION,
        label=f"Looking at frame {frame} of {clip.path.name}",
        work=lambda job: _work(job, clip, way, frame, (first, last)),
        params={**params, "frame": frame},
        files={"video": clip.path},
        digests=digests,
    )


def preview_report(entry: Entry) -> dict[str, Any]:
    """{"backend", "frame", "confidence": of that frame, "looked_at": [first frame, last frame]}."""
    data: dict[str, Any] = json.loads(entry.file(_REPORT).read_text(encoding="utf-8"))
    return data


def window(frame: int, hints: Sequence[Hint]) -> tuple[int, int]:
    """First and last frame to look at, so that hints near `frame` are among them. UsageError when none is near."""
    near = [hint.frame for hint in hints if abs(hint.frame - frame) <= FARTHEST]
    if hints and not near:
        nearest = min((hint.frame for hint in hints), key=lambda other: abs(other - frame))
        raise UsageError(
            f"the nearest hint is on frame {nearest}, too far from frame {frame} for a quick look",
            where="--preview-frame",
            fix=f"Look at a frame within {FARTHEST} of it (--preview-frame {nearest}), or hint on frame {frame}.",
        )
    return max(0, min(frame - AROUND, *near, frame)), max(frame + AROUND, *near, frame)


def _work(job: Job, clip: SourceClip, way: Way, frame: int, span: tuple[int, int]) -> None:
    first, last = span
    count = count_frames(clip.path, last + 1)
    if frame >= count:
        raise UsageError(
            f"there is no frame {frame}: the clip has {count}",
            where="--preview-frame",
            fix=f"Name a frame from 0 to {count - 1}.",
        )
    info = probe(clip.path)
    size = info.width, info.height
    near = [hint for hint in clip.hints if abs(hint.frame - frame) <= FARTHEST]
    check_hints(near, VideoSource(clip.path, size, count))
    source = VideoSource(clip.path, size, min(last + 1, count) - first, first)
    matte, confidence = _matte(job, clip, way, source, frame)
    image = next(VideoSource(clip.path, source.size, 1, frame).read())
    here = [hint for hint in clip.hints if hint.frame == frame]
    write_png(job.path / PICTURE, draw_preview(image, matte, here, f"frame {frame}  {way.name}  {confidence:.2f}"))
    report = {
        "backend": way.name,
        "frame": frame,
        "confidence": confidence,
        "looked_at": [first, first + source.count - 1],
    }
    write_json_atomic(job.path / _REPORT, report)


def draw_preview(image: np.ndarray, matte: np.ndarray, hints: Sequence[Hint], text: str) -> np.ndarray:
    """The frame with its matte and hints, the cut-out on a chequerboard beside it, and a line of text below."""
    native = image.shape[1], image.shape[0]
    size = shown_size(native)
    kernel = cv2.INTER_AREA if size[0] < native[0] else cv2.INTER_LINEAR
    alpha = soft_alpha(image, matte)
    cut = as_rgb(np.dstack([object_colours(image, alpha), alpha]))
    frame, outline, cut = (cv2.resize(part, size, interpolation=kernel) for part in (image, matte, cut))
    panels = [draw_hints(draw_matte(frame, outline), hints, native), np.zeros((size[1], _GAP, 3), np.uint8), cut]
    picture = np.pad(np.concatenate(panels, axis=1), ((0, _TEXT), (0, 0), (0, 0)))
    draw_text(picture, text, (0, size[1]), _TEXT)
    return picture


def _matte(job: Job, clip: SourceClip, way: Way, source: VideoSource, frame: int) -> tuple[np.ndarray, float]:
    """The matte of one frame, and how sure it is.

    A network is shown that frame alone. Without a hint there it is given the box of what is found without one.
    """
    if way.name == "given":
        given = next(islice(given_mattes(clip), frame, None), None)
        if given is None:
            raise UsageError(f"the matte has no frame {frame}", where=clip.matte, fix="Give one frame for each.")
        return fit_size(given, source.size), 1.0
    from retarget_cli.segment.registry import make_segmenter

    here = [replace(hint, frame=0) for hint in clip.hints if hint.frame == frame]
    if way.name == "embedded" or not here:
        last = source.first + source.count - 1
        near = [
            replace(hint, frame=hint.frame - source.first) for hint in clip.hints if source.first <= hint.frame <= last
        ]
        found = _segmented(job, make_segmenter("embedded"), source, near, frame - source.first)
        box = box_of(found[0])
        if way.name == "embedded" or box is None:
            return found
        here = [Hint(0, (float(box[0]), float(box[1]), float(box[2]), float(box[3])))]
    network = make_segmenter(way.name, weights=way.weights, device=device_class("auto"))
    return _segmented(job, network, VideoSource(clip.path, source.size, 1, frame), here, 0)


def _segmented(
    job: Job, segmenter: Segmenter, source: VideoSource, hints: Sequence[Hint], wanted: int
) -> tuple[np.ndarray, float]:
    """The matte of the source's frame `wanted`, and its confidence."""
    kept: list[np.ndarray] = []
    seen = 0

    def keep(matte: np.ndarray) -> None:
        nonlocal seen
        if seen == wanted:
            kept.append(matte)
        seen += 1

    report = segmenter.segment(source, hints, keep, job.progress)
    return kept[0], report.frame_confidence[wanted] if report.frame_confidence else report.confidence
