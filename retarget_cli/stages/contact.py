"""A clip and its matte at a glance: evenly spaced frames on one picture, the least certain one among them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retarget_cli.media.decode import read_frames
from retarget_cli.media.stills import write_png
from retarget_cli.sampling import evenly
from retarget_cli.segment.base import Hint, hints_to_json
from retarget_cli.stages.ingest import facts
from retarget_cli.stages.matte import matte_report, read_mattes
from retarget_cli.stages.matted import matted_stage
from retarget_cli.stages.overlay import draw_hints
from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.stages.trust import frame_confidence, least_certain
from retarget_cli.viz.marks import draw_frame, draw_text
from retarget_cli.viz.overlay import draw_matte
from retarget_cli.viz.sheet import contact_sheet
from retarget_cli.viz.strip import bar_colour

VERSION = 1
SHEET = "sheet.png"
_COLUMNS, _ROWS = 5, 3
_CELL = 280, 200  # pixels of a cell's width, for landscape and portrait frames
_TEXT = 18  # pixels of a cell's label


def contact(clip: SourceClip) -> Stage:
    """The stage that writes ``sheet.png``."""
    params = {"hints": hints_to_json(clip.hints)}
    return matted_stage(
        "contact", VERSION, "Drawing the contact sheet of", clip, lambda job: _work(job, clip.hints), params
    )


def chosen_frames(count: int, worst: int | None) -> list[int]:
    """At most fifteen frames, evenly spread with both ends; the one next to `worst` makes room for it."""
    frames = evenly(count, _COLUMNS * _ROWS)
    if worst is not None and worst not in frames:
        frames[min(range(1, len(frames) - 1), key=lambda place: abs(frames[place] - worst))] = worst
    return frames


def _work(job: Job, hints: Sequence[Hint]) -> None:
    clip = facts(job.entries["ingest"])
    native = clip.width, clip.height
    confidence = frame_confidence(matte_report(job.entries["matte"]), clip.timing.frames)
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
    write_png(job.path / SHEET, contact_sheet(_rows(cells, chosen), columns=_COLUMNS, cell=width))


def _labelled(cell: np.ndarray, index: int, confidence: float, worst: bool) -> np.ndarray:
    if worst:
        draw_frame(cell, bar_colour(confidence))
    text = f"{index}  {confidence:.2f}{'  least certain' if worst else ''}"
    draw_text(cell, text, (0, cell.shape[0] - _TEXT), _TEXT)
    return cell


def _rows(cells: Sequence[np.ndarray], chosen: Sequence[int]) -> dict[str, Sequence[np.ndarray]]:
    """Cells and their frames, cut into rows under captions."""
    rows: dict[str, Sequence[np.ndarray]] = {}
    for start in range(0, len(cells), _COLUMNS):
        part = chosen[start : start + _COLUMNS]
        rows[f"frames {part[0]} to {part[-1]}"] = cells[start : start + _COLUMNS]
    return rows
