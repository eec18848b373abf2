"""Pictures of a matte: the overlay video, a contact sheet, and a preview of one frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from retarget_cli.config import MatteConfig
from retarget_cli.errors import UsageError
from retarget_cli.media.decode import count_frames, read_frames
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.images import write_png
from retarget_cli.media.probe import probe
from retarget_cli.media.timing import Timing
from retarget_cli.segmentation.base import Hint, NoObject, Segmenter, check_hints, hints_to_json
from retarget_cli.segmentation.given import fit_size
from retarget_cli.segmentation.matting import object_colours, soft_alpha
from retarget_cli.stages.clip import SourceClip, VideoSource, facts
from retarget_cli.stages.doubts import judged_report
from retarget_cli.stages.matte import (
    BackendChoice,
    backend_for,
    frame_confidence,
    given_mattes,
    inputs_of,
    least_certain,
    matted_stage,
    read_mattes,
)
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.engine import Entry
from retarget_cli.utils.atomic import write_json_atomic
from retarget_cli.utils.hardware import device_class
from retarget_cli.utils.sampling import evenly
from retarget_cli.vision.regions import box_of
from retarget_cli.viz.overlay import draw_frame, draw_grid, draw_hint, draw_matte, draw_text
from retarget_cli.viz.sheet import as_rgb, contact_sheet
from retarget_cli.viz.strip import Footer, bar_colour

OVERLAY_VERSION = 3
OVERLAY = "overlay.mp4"
_SIDES = 320, 960
"""Least and largest pixels of the preview's longer side: tiny clips are enlarged, or nothing written could be read."""
_LEAST_FOOTER = 20  # pixels
_QUALITY = 23
_HINT_STAYS = Fraction(1, 2)  # seconds
CONTACT_VERSION = 2
CONTACT_SHEET = "sheet.png"
_COLUMNS, _ROWS = 5, 3
_CELL = 280, 200  # pixels of a cell's width, for landscape and portrait frames
_LABEL_HEIGHT = 18  # pixels of a cell's label
PREVIEW_VERSION = 2
PREVIEW_PICTURE, _REPORT = "preview.png", "report.json"
AROUND = 12
"""Frames to either side of the one shown that are looked at: enough to tell what moves."""
FARTHEST = 48
"""Frames from the one shown at which a hint is still carried to it."""
_CAPTION_HEIGHT = 24  # pixels of the line of text
_GAP = 4


def overlay(clip: SourceClip) -> Stage:
    """The stage that writes ``overlay.mp4``: the clip with its matte tinted, hints, and a strip of confidence below."""
    params = {"hints": hints_to_json(clip.hints)}
    return matted_stage(
        "overlay",
        OVERLAY_VERSION,
        "Drawing the matte of",
        clip,
        lambda job: _draw_overlay(job, clip.hints),
        params,
        ["doubts"],
    )


def contact(clip: SourceClip) -> Stage:
    """The stage that writes ``sheet.png``."""
    params = {"hints": hints_to_json(clip.hints)}
    return matted_stage(
        "contact",
        CONTACT_VERSION,
        "Drawing the contact sheet of",
        clip,
        lambda job: _draw_contact(job, clip.hints),
        params,
        ["doubts"],
    )


def preview(
    clip: SourceClip, config: MatteConfig, frame: int, digest: Callable[[Path], str], whole: bool = False
) -> Stage:
    """The stage that writes ``preview.png`` (matte and cut-out of one frame) and ``report.json``.

    whole: show what the whole clip was found to have there, instead of a quick look.

    Raises UsageError when all hints are too far from the frame, and what choosing the backend raises.
    """
    backend = backend_for(clip, config)
    first, last = window(frame, clip.hints) if backend.name != "given" else (frame, frame)
    params, digests = inputs_of(clip, backend, digest)
    needed = ("matte", "doubts") if whole else ()
    return Stage(
        id=f"preview:{clip.name}:{frame}",
        name="preview",
        version=PREVIEW_VERSION,
        label=f"Looking at frame {frame} of {clip.path.name}",
        work=lambda job: _draw_preview(job, clip, backend, frame, (first, last)),
        exclusive=backend.weights is not None,
        params={**params, "frame": frame},
        files={"video": clip.footage},
        digests=digests,
        needs={each: f"{each}:{clip.name}" for each in needed},
    )


def shown_size(size: tuple[int, int]) -> tuple[int, int]:
    """(w, h) at which a frame of native `size` (w, h) is shown."""
    longer = max(size)
    scale = min(max(longer, _SIDES[0]), _SIDES[1]) / longer
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def draw_hints(image: np.ndarray, hints: Sequence[Hint], size: tuple[int, int]) -> np.ndarray:
    """The image with hints drawn on it that were given in pixels of the native `size` (w, h)."""
    x, y = image.shape[1] / size[0], image.shape[0] / size[1]
    for hint in hints:
        box = hint.box and (hint.box[0] * x, hint.box[1] * y, hint.box[2] * x, hint.box[3] * y)
        image = draw_hint(image, box, [(px * x, py * y, positive) for px, py, positive in hint.points])
    return image


def _draw_overlay(job: Job, hints: Sequence[Hint]) -> None:
    clip = facts(job.entries["ingest"])
    native = clip.width, clip.height
    width, height = size = shown_size(native)
    confidence = frame_confidence(judged_report(job.entries["matte"], job.entries["doubts"]), clip.timing.frames)
    footer = Footer(width, max(_LEAST_FOOTER, round(height / 18)), confidence)
    pairs = zip(
        read_frames(job.stage.files["video"], size=size), read_mattes(job.entries["matte"], size=size), strict=True
    )
    whole = width, height + footer.height
    with VideoWriter(job.path / OVERLAY, whole, clip.timing, quality=_QUALITY) as writer:
        for frame, matte in pairs:
            shown = [hint for hint in hints if _is_shown(hint, frame.index, clip.timing)]
            drawn = draw_hints(draw_matte(frame.image, matte), shown, native)
            writer.write(np.concatenate([drawn, footer.at(frame.index)]))
            job.progress(frame.index + 1, clip.timing.frames)


def _is_shown(hint: Hint, index: int, timing: Timing) -> bool:
    """On the frame it speaks of, and as long after it as an eye needs."""
    if index < hint.frame:
        return False
    return (timing.pts[index] - timing.pts[hint.frame]) * timing.time_base <= _HINT_STAYS


def chosen_frames(count: int, worst: int | None) -> list[int]:
    """At most fifteen frames, evenly spread with both ends; the one next to `worst` makes room for it."""
    frames = evenly(count, _COLUMNS * _ROWS)
    if worst is not None and worst not in frames:
        frames[min(range(1, len(frames) - 1), key=lambda place: abs(frames[place] - worst))] = worst
    return frames


def _draw_contact(job: Job, hints: Sequence[Hint]) -> None:
    clip = facts(job.entries["ingest"])
    native = clip.width, clip.height
    confidence = frame_confidence(judged_report(job.entries["matte"], job.entries["doubts"]), clip.timing.frames)
    worst = least_certain(confidence)
    chosen = chosen_frames(clip.timing.frames, worst)
    width = _CELL[clip.height > clip.width]
    size = width, max(1, round(width * clip.height / clip.width))
    pairs = zip(
        read_frames(job.stage.files["video"], size=size), read_mattes(job.entries["matte"], size=size), strict=True
    )
    cells: list[np.ndarray] = []
    for frame, matte in pairs:
        if frame.index in chosen:
            here = [hint for hint in hints if hint.frame == frame.index]
            cell = draw_hints(draw_matte(frame.image, matte), here, native)
            cells.append(_labelled(cell, frame.index, confidence[frame.index], frame.index == worst))
        job.progress(frame.index + 1, clip.timing.frames)
    write_png(job.path / CONTACT_SHEET, contact_sheet(_rows(cells, chosen), columns=_COLUMNS, cell=width))


def _labelled(cell: np.ndarray, index: int, confidence: float, worst: bool) -> np.ndarray:
    if worst:
        draw_frame(cell, bar_colour(confidence))
    text = f"{index}  {confidence:.2f}{'  least certain' if worst else ''}"
    draw_text(cell, text, (0, cell.shape[0] - _LABEL_HEIGHT), _LABEL_HEIGHT)
    return cell


def _rows(cells: Sequence[np.ndarray], chosen: Sequence[int]) -> dict[str, Sequence[np.ndarray]]:
    """Cells and their frames, cut into rows under captions."""
    rows: dict[str, Sequence[np.ndarray]] = {}
    for start in range(0, len(cells), _COLUMNS):
        part = chosen[start : start + _COLUMNS]
        rows[f"frames {part[0]} to {part[-1]}"] = cells[start : start + _COLUMNS]
    return rows


def preview_report(entry: Entry) -> dict[str, Any]:
    """{"backend", "frame", "confidence": of that frame, "looked_at": [first frame, last frame], "box", "whole"}.

    box: [x, y, width, height] round what was found, in the clip's own pixels, or None; whole: whether this is what the
    whole clip has there.
    """
    return entry.json(_REPORT)


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


def _draw_preview(job: Job, clip: SourceClip, backend: BackendChoice, frame: int, span: tuple[int, int]) -> None:
    first, last = span
    count = count_frames(clip.footage, last + 1)
    if not 0 <= frame < count:
        raise UsageError(
            f"there is no frame {clip.number + frame}: the clip has {count}",
            where="--preview-frame",
            fix=f"Name a frame from {clip.number} to {clip.number + count - 1}.",
        )
    info = probe(clip.footage)
    size = info.width, info.height
    near = [hint for hint in clip.hints if abs(hint.frame - frame) <= FARTHEST]
    check_hints(near, VideoSource(clip.footage, size, count))
    source = VideoSource(clip.footage, size, min(last + 1, count) - first, first)
    whole = "matte" in job.entries or backend.name == "given"
    matte, confidence = _kept(job, frame) if "matte" in job.entries else _matte(job, clip, backend, source, frame)
    image = next(VideoSource(clip.footage, source.size, 1, frame).read())
    here = [hint for hint in clip.hints if hint.frame == frame]
    write_png(
        job.path / PREVIEW_PICTURE,
        draw_preview(image, matte, here, f"frame {clip.number + frame}  {backend.name}  {confidence:.2f}"),
    )
    report = {
        "backend": backend.name,
        "frame": frame,
        "confidence": confidence,
        "looked_at": [first, first + source.count - 1],
        "box": box_of(matte),
        "whole": whole,
    }
    write_json_atomic(job.path / _REPORT, report)


def _kept(job: Job, frame: int) -> tuple[np.ndarray, float]:
    """What the whole clip has on that frame, and its confidence."""
    report = judged_report(job.entries["matte"], job.entries["doubts"])
    by_frame = report["frame_confidence"] or [report["confidence"]] * (frame + 1)
    return next(islice(read_mattes(job.entries["matte"]), frame, None)), by_frame[frame]


def draw_preview(image: np.ndarray, matte: np.ndarray, hints: Sequence[Hint], text: str) -> np.ndarray:
    """The frame with its matte, hints and a grid, the cut-out on a chequerboard beside it, and a line of text below.

    The numbers at the grid are the clip's own pixels, for hints to be read off.
    """
    native = image.shape[1], image.shape[0]
    size = shown_size(native)
    kernel = cv2.INTER_AREA if size[0] < native[0] else cv2.INTER_LINEAR
    alpha = soft_alpha(image, matte)
    cut = as_rgb(np.dstack([object_colours(image, alpha), alpha]))
    frame, outline, cut = (cv2.resize(part, size, interpolation=kernel) for part in (image, matte, cut))
    shown = draw_grid(draw_matte(frame, outline), native)
    panels = [draw_hints(shown, hints, native), np.zeros((size[1], _GAP, 3), np.uint8), cut]
    picture = np.pad(np.concatenate(panels, axis=1), ((0, _CAPTION_HEIGHT), (0, 0), (0, 0)))
    draw_text(picture, text, (0, size[1]), _CAPTION_HEIGHT)
    return picture


def _matte(
    job: Job, clip: SourceClip, backend: BackendChoice, source: VideoSource, frame: int
) -> tuple[np.ndarray, float]:
    """The matte of one frame, and how sure it is.

    A network is shown that frame alone. Without a hint there it is given the box of what is found without one.
    """
    if backend.name == "given":
        given = next(islice(given_mattes(clip), frame, None), None)
        if given is None:
            raise UsageError(f"the matte has no frame {frame}", where=clip.matte, fix="Give one frame for each.")
        return fit_size(given, source.size), 1.0
    from retarget_cli.segmentation.backends import make_segmenter

    here = [replace(hint, frame=0) for hint in clip.hints if hint.frame == frame]
    if backend.name == "embedded" or not here:
        last = source.first + source.count - 1
        near = [
            replace(hint, frame=hint.frame - source.first) for hint in clip.hints if source.first <= hint.frame <= last
        ]
        found = _segmented(job, make_segmenter("embedded"), source, near, frame - source.first)
        box = box_of(found[0])
        if backend.name == "embedded" or box is None:
            return found
        here = [Hint(0, (float(box[0]), float(box[1]), float(box[2]), float(box[3])))]
    network = make_segmenter(backend.name, weights=backend.weights, device=device_class("auto"))
    return _segmented(job, network, VideoSource(clip.footage, source.size, 1, frame), here, 0)


def _segmented(
    job: Job, segmenter: Segmenter, source: VideoSource, hints: Sequence[Hint], wanted: int
) -> tuple[np.ndarray, float]:
    """The matte of the source's frame `wanted`, and its confidence; an empty one where no object is found."""
    kept: list[np.ndarray] = []
    seen = 0

    def keep(matte: np.ndarray) -> None:
        nonlocal seen
        if seen == wanted:
            kept.append(matte)
        seen += 1

    try:
        report = segmenter.segment(source, hints, keep, job.progress)
    except NoObject:  # the grid shows where a hint would have to be
        return np.zeros(source.size[::-1], np.uint8), 0.0
    return kept[0], report.frame_confidence[wanted] if report.frame_confidence else report.confidence
