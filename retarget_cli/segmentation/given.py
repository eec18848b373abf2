"""Mattes that the user brings: a matte video, a folder of pictures, or the clip's own alpha channel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np

from retarget_cli.errors import InputError
from retarget_cli.segmentation.base import FrameSource, Hint, MatteReport, Progress, Sink

_ASPECT_TOLERANCE = 0.01


class Given:
    """Passes on mattes read elsewhere, after checking that they fit the clip.

    mattes: called once for each clip; gives (h, w) uint8 frames in order, light (128 and above) where the object is.
    """

    name = "given"
    version = 1

    def __init__(self, mattes: Callable[[], Iterator[np.ndarray]]) -> None:
        self._mattes = mattes

    def segment(self, clip: FrameSource, hints: Sequence[Hint], sink: Sink, progress: Progress) -> MatteReport:
        """See :class:`~retarget_cli.segmentation.base.Segmenter`. InputError for a wrong size, count or no object."""
        seen, present = 0, []
        for matte in self._mattes():
            if seen < clip.count:
                fitted = fit_size(matte, clip.size)
                present.append(bool(fitted.any()))
                sink(fitted)
                progress(seen + 1, clip.count)
            seen += 1
        if seen != clip.count:
            fix = "Give a matte with exactly one frame for each frame of the video."
            raise InputError(f"The matte has {seen} frames, but the video has {clip.count}.", fix=fix)
        if not any(present):
            fix = "Give a matte that is white where the object is, or leave it out to have the object found."
            raise InputError("There is no object in the matte: every frame is black.", fix=fix)
        return MatteReport(self.name, 1.0, tuple(float(one) for one in present), _notices(present, bool(hints)))


def fit_size(matte: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A matte (h, w) as (H, W) uint8 {0, 255} of `size` (width, height); InputError if the aspects differ by > 1 %."""
    height, width = matte.shape[:2]
    if (width, height) == size:
        return np.where(matte >= 128, 255, 0).astype(np.uint8)
    if abs((width / height) / (size[0] / size[1]) - 1.0) > _ASPECT_TOLERANCE:
        fix = "Give a matte of the video's size, or of the same shape."
        raise InputError(f"The matte is {width}x{height}, but the video is {size[0]}x{size[1]}.", fix=fix)
    shrinks = width > size[0]
    resized = cv2.resize(matte, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.where(resized >= 128, 255, 0).astype(np.uint8)


def _notices(present: Sequence[bool], hinted: bool) -> tuple[str, ...]:
    lines = []
    missing = len(present) - sum(present)
    if missing:
        first = list(present).index(False)
        lines.append(f"The matte is empty on {missing} of {len(present)} frames, first on frame {first}.")
    if hinted:
        lines.append("The hints were not needed: the matte given was taken as it is.")
    return tuple(lines)
