"""First guess and report of the backends that prompt a network."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from retarget_cli.segmentation.base import FrameSource, MatteReport, Progress, Sink, no_object
from retarget_cli.segmentation.embedded.segmenter import Embedded
from retarget_cli.segmentation.masks import MatteBits

GUESS_SHARE = 0.2
"""Share of the progress shown that finding a first guess takes."""


def guess_mask(clip: FrameSource, shape: tuple[int, int], progress: Progress) -> tuple[int, np.ndarray, MatteReport]:
    """Find the object without a network: the surest frame, its mask (rows, columns) bool, and the report on all.

    progress: of the whole work, of which this is GUESS_SHARE. Raises InputError when nothing is found.
    """
    rows, columns = shape
    packed: list[np.ndarray] = []

    def keep(matte: np.ndarray) -> None:
        small = cv2.resize(matte, (columns, rows), interpolation=cv2.INTER_AREA)
        packed.append(np.packbits(small > 127))

    found = Embedded().segment(clip, (), keep, lambda done, count: progress(int(done * GUESS_SHARE), count))
    frame = int(np.argmax(found.frame_confidence))
    mask = np.unpackbits(packed[frame], count=rows * columns).reshape(rows, columns) > 0
    if not mask.any():
        raise no_object("what stands out from its surroundings is too small")
    return frame, mask, found


def deliver(
    name: str, mattes: MatteBits, sink: Sink, guess: MatteReport | None, hinted: bool, doubts: Sequence[str]
) -> MatteReport:
    """Hand over the mattes of a clip and report on them. Raises InputError when all are empty.

    name: of the backend.
    guess: how the start was found, if it was not hinted.
    hinted: whether the user gave hints.
    doubts: more notices.
    """
    if not mattes.areas.any():
        raise no_object("the network saw nothing at the hints" if hinted else "the network saw no object")
    mattes.deliver(sink)
    sure = float(np.mean(mattes.confidence))
    lines = [*_lost(mattes.areas), *doubts]
    if sure < 0.5 or (guess is not None and guess.confidence < 0.3):
        worst = int(np.argmin(np.where(mattes.confidence > 0, mattes.confidence, np.inf)))
        lines.append(
            f"The matte may be wrong. Look at the overlay; if it is wrong, draw a box round the object on "
            f"frame {worst}: --box {worst}:X,Y,WIDTH,HEIGHT, or give a matte with --mask."
        )
    if guess is not None:
        sure = min(sure, guess.confidence)
    return MatteReport(name, round(sure, 4), tuple(round(float(one), 4) for one in mattes.confidence), tuple(lines))


def _lost(areas: np.ndarray) -> list[str]:
    """Return a notice about frames without an object: how many, and in which one a hint helps most."""
    empty = np.flatnonzero(areas == 0)
    if not len(empty):
        return []
    runs = np.split(empty, np.flatnonzero(np.diff(empty) > 1) + 1)
    longest = max(runs, key=len)
    frame = int(longest[len(longest) // 2])
    return [
        f"No object was found on {len(empty)} of {len(areas)} frames; their mattes are empty. If it is to be seen on "
        f"frame {frame}, draw a box round it there: --box {frame}:X,Y,WIDTH,HEIGHT."
    ]
