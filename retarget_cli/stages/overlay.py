"""Previews: the matte drawn over the clip, so that a person sees at once whether the right object was found."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from retarget_cli.media.decode import read_frames
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.timing import Timing
from retarget_cli.segment.base import Hint, hints_to_json
from retarget_cli.stages.ingest import facts
from retarget_cli.stages.matte import matte_report, read_mattes
from retarget_cli.stages.matted import matted_stage
from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.stages.trust import frame_confidence
from retarget_cli.viz.marks import draw_hint
from retarget_cli.viz.overlay import draw_matte
from retarget_cli.viz.strip import Footer

VERSION = 2
OVERLAY = "overlay.mp4"
_SIDES = 320, 960
"""Least and largest pixels of the preview's longer side: tiny clips are enlarged, or nothing written could be read."""
_LEAST_FOOTER = 20  # pixels
_QUALITY = 23
_HINT_STAYS = Fraction(1, 2)  # seconds


def overlay(clip: SourceClip) -> Stage:
    """The stage that writes ``overlay.mp4``: the clip with its matte tinted, hints, and a strip of confidence below."""
    params = {"hints": hints_to_json(clip.hints)}
    return matted_stage("overlay", VERSION, "Drawing the matte of", clip, lambda job: _work(job, clip.hints), params)


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


def _work(job: Job, hints: Sequence[Hint]) -> None:
    clip = facts(job.entries["ingest"])
    native = clip.width, clip.height
    width, height = size = shown_size(native)
    confidence = frame_confidence(matte_report(job.entries["matte"]), clip.timing.frames)
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
