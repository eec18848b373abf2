"""Segmentation with a Segment Anything network, carried from the hinted frames through time by the flow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from retarget_cli.segment.base import FrameSource, Hint, MatteReport, Progress, Sink, check_hints, no_object
from retarget_cli.segment.embedded import Embedded
from retarget_cli.segment.sam_prompts import OUTSIDE, Grid
from retarget_cli.segment.sam_track import Predictor, Start, Track

_GUESS_SHARE = 0.2
"""Share of the progress shown that finding a first guess takes."""


class Sam:
    """Asks a Segment Anything network on every frame, prompted with the neighbouring frame's mask moved by the flow.

    weights: a checkpoint (the usual places are searched without one); device: a torch device; predictor: instead of
    the network of the checkpoint. `segment` raises EnvironmentProblem when there are no usable weights.
    """

    name = "sam"
    version = 1

    def __init__(self, weights: Path | None, device: str, predictor: Predictor | None = None) -> None:
        self._weights, self._device, self._predictor = weights, device, predictor

    def segment(self, clip: FrameSource, hints: Sequence[Hint], sink: Sink, progress: Progress) -> MatteReport:
        """See :class:`~retarget_cli.segment.base.Segmenter`."""
        check_hints(hints, clip)
        predictor = self._load()
        grid = Grid(clip.size, predictor.side, predictor.cells)
        merged = merge(hints)
        starts = [Start(hint) for hint in merged if _shows(hint)]
        guess: MatteReport | None = None
        share = 0.0
        if not starts:
            share = _GUESS_SHARE
            start, guess = _guess(clip, grid, lambda done, count: progress(int(done * share), count))
            starts = [start]
        others = {hint.frame: hint for hint in merged if not _shows(hint)}
        first = int(clip.count * share)
        track = Track(clip, predictor, grid, others, lambda done: progress(first + int(done * (1 - share)), clip.count))
        track.all(starts)
        if not track.areas.any():
            raise no_object("the network saw nothing at the hints" if hints else "the network saw no object")
        track.deliver(sink)
        progress(clip.count, clip.count)
        return _report(track, guess)

    def _load(self) -> Predictor:
        if self._predictor is None:
            from retarget_cli.segment.sam_weights import find_sam, load_network

            self._predictor = load_network(find_sam(self._weights), self._device)
        return self._predictor


def merge(hints: Sequence[Hint]) -> list[Hint]:
    """One hint a frame, by frame: the last box given and all points."""
    found: dict[int, Hint] = {}
    for hint in hints:
        before = found.get(hint.frame, Hint(hint.frame))
        found[hint.frame] = Hint(hint.frame, hint.box or before.box, before.points + hint.points)
    return [found[frame] for frame in sorted(found)]


def _shows(hint: Hint) -> bool:
    """Whether it says where the object is, and not only where it is not."""
    return hint.box is not None or any(positive for _, _, positive in hint.points)


def _guess(clip: FrameSource, grid: Grid, progress: Progress) -> tuple[Start, MatteReport]:
    """The surest frame of what is found without a network. InputError when nothing is."""
    packed: list[np.ndarray] = []
    report = Embedded().segment(clip, (), lambda matte: packed.append(np.packbits(grid.shrink(matte) > 127)), progress)
    frame = int(np.argmax(report.frame_confidence))
    rows, columns = grid.shape
    mask = np.unpackbits(packed[frame], count=rows * columns).reshape(rows, columns)
    if not mask.any():
        raise no_object("what stands out from its surroundings is too small")
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0)
    return Start(Hint(frame), (soft - 0.5) * -2 * OUTSIDE), report


def _report(track: Track, guess: MatteReport | None) -> MatteReport:
    frames = tuple(round(float(value), 4) for value in track.confidence)
    sure = float(np.mean(track.confidence))
    lines = []
    empty = int((track.areas == 0).sum())
    if empty:
        lines.append(f"No object was found on {empty} of {len(frames)} frames; their mattes are empty.")
    if track.doubtful:
        named = ", ".join(map(str, track.doubtful))
        lines.append(f"The network saw nothing that fits the hint on frame {named}; the outline of the hint was taken.")
    worst = int(np.argmin(np.where(track.areas > 0, track.confidence, np.inf)))
    if sure < 0.5 or (guess is not None and guess.confidence < 0.3):
        lines.append(
            f"The matte may be wrong. Look at the overlay; if it is wrong, draw a box round the object on "
            f"frame {worst}: --box X,Y,WIDTH,HEIGHT (that frame), or give a matte with --mask."
        )
    if guess is not None:
        sure = min(sure, guess.confidence)
    return MatteReport(Sam.name, round(sure, 4), frames, tuple(lines))
