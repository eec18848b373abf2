"""What goes behind a result: which frame of a background when, how it fills the frame, plain colours."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from retarget_cli.media.timing import Timing

SLOWEST = 2  # a background may run at half its speed before it has to run back and forth
NAMED_COLOURS = {"black": "#000000"}
_KEPT = 16  # frames kept for running backwards: memory against reading again


def background_moments(driver: Timing, subject: Timing) -> list[Fraction]:
    """The tick of the subject's clip that shows when each frame of the driver does.

    The subject plays from its start. When the driver lasts longer, the subject is slowed down to fit, at most
    SLOWEST times; what is still missing is filled by running back and forth.
    """
    slow = min(max(driver.duration / subject.duration, Fraction(1)), Fraction(SLOWEST))
    there_and_back = 2 * subject.duration
    moments = []
    for pts in driver.pts:
        moment = (pts * driver.time_base / slow) % there_and_back
        moments.append(min(moment, there_and_back - moment) / subject.time_base)
    return moments


def background_frames(driver: Timing, subject: Timing) -> list[int]:
    """Index of the subject's frame that shows when each frame of the driver does, see :func:`background_moments`."""
    return [subject.showing(moment) for moment in background_moments(driver, subject)]


def colour(text: str) -> tuple[int, int, int]:
    """Red, green and blue of ``#rrggbb`` or a named colour."""
    digits = NAMED_COLOURS.get(text, text).removeprefix("#")
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def cover(size: tuple[int, int], onto: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """How to fill `onto` (w, h) with an image of `size`: the size to shrink or enlarge to, and the corner to cut at."""
    scale = max(onto[0] / size[0], onto[1] / size[1])
    grown = max(onto[0], round(size[0] * scale)), max(onto[1], round(size[1] * scale))
    return grown, ((grown[0] - onto[0]) // 2, (grown[1] - onto[1]) // 2)


class FrameTape:
    """Frames by index from a source that can only be read forwards. Neighbouring requests cost one frame each."""

    def __init__(self, read: Callable[[], Iterator[np.ndarray]]) -> None:
        self._read = read
        self._frames: Iterator[np.ndarray] = iter(())
        self._next = 0
        self._kept: deque[tuple[int, np.ndarray]] = deque(maxlen=_KEPT)
        self._rewind()

    def __getitem__(self, index: int) -> np.ndarray:
        """Frame `index`; IndexError beyond the end."""
        for number, frame in self._kept:
            if number == index:
                return frame
        if index < self._next:
            self._rewind()
        while self._next <= index:
            try:
                frame = next(self._frames)
            except StopIteration:
                raise IndexError(f"frame {index} of {self._next}") from None
            self._kept.append((self._next, frame))
            self._next += 1
        return self._kept[-1][1]

    def _rewind(self) -> None:
        self._frames = self._read()
        self._next = 0
        self._kept.clear()
