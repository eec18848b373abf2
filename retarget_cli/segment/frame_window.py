"""A clip's frames in any order, of which few are held at once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

import numpy as np

from retarget_cli.errors import InputError
from retarget_cli.segment.base import FrameSource

SPAN = 32
"""Frames held: going back through time, the clip is read again from its start once for that many."""


class FrameWindow:
    """The frames read last. Going forwards reads every frame once.

    size: (w, h) to which the frames are resized.
    """

    def __init__(self, clip: FrameSource, size: tuple[int, int] | None = None, span: int = SPAN) -> None:
        self._clip, self._size, self._span = clip, size, span
        self._held: dict[int, np.ndarray] = {}
        self._next = 0
        self._frames: Iterator[np.ndarray] = iter(())

    def __getitem__(self, frame: int) -> np.ndarray:
        """One frame, (h, w, 3) uint8 RGB. InputError when the clip ends before it."""
        if frame not in self._held:
            if frame < self._next or self._next == 0:
                self._held.clear()
                self._frames, self._next = self._clip.read(self._size), 0
            while self._next <= frame:
                self._advance()
        return self._held[frame]

    def _advance(self) -> None:
        image = next(self._frames, None)
        if image is None:
            raise ended(self._next, self._clip.count)
        self._held[self._next] = image
        self._held.pop(self._next - self._span, None)
        self._next += 1


class Recent:
    """Values by frame, of which those used last are kept."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[int, np.ndarray] = OrderedDict()

    def __contains__(self, frame: int) -> bool:
        return frame in self._values

    def __getitem__(self, frame: int) -> np.ndarray:
        self._values.move_to_end(frame)
        return self._values[frame]

    def __setitem__(self, frame: int, value: np.ndarray) -> None:
        self._values[frame] = value
        self._values.move_to_end(frame)
        if len(self._values) > self._limit:
            self._values.popitem(last=False)


def ended(seen: int, count: int) -> InputError:
    """The error for a clip that has fewer frames than was found before."""
    return InputError(f"The clip ended after {seen} of {count} frames.", fix="Convert the video again.")
