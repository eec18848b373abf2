"""The passes over a clip: how far they are, and what of them is kept when the program is ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from retarget_cli.segmentation.base import Progress
from retarget_cli.utils.scratch import Scratch

T = TypeVar("T")
_COSTS = {
    "read": (26.0, 37.0),
    "change": (11.0, 0.0),
    "contrast": (14.0, 0.0),
    "motion": (2.0, 0.0),
    "trial": (30.0, 0.0),
    "refine": (30.0, 0.0),
    "follow": (3.0, 0.0),
    "gather": (2.0, 0.0),
    "finish": (15.0, 45.0),
}
"""What a frame of each pass costs: milliseconds of one core, and those that a native megapixel adds. Only their
relation counts."""
_LET_GO = 32  # frames
_SAVED_EVERY = 10.0  # seconds


class Passes:
    """Counts passes for the progress shown, as if all of them were one pass over the clip, and keeps what they did.

    size: native (width, height).
    """

    def __init__(self, count: int, size: tuple[int, int], progress: Progress, scratch: Scratch) -> None:
        self.scratch = scratch
        self._count, self._progress = count, progress
        self._pixels = size[0] * size[1] / 1e6
        self._left: dict[str, int] = {}
        self._spent, self._shown, self._seen = 0.0, 0, 0

    def expect(self, frames: dict[str, int]) -> None:
        """Expect so many ticks of each pass that is named, beside those that there were."""
        self._left.update(frames)

    def tick(self, name: str) -> None:
        """Take note of one more frame of a pass."""
        self.skip(name, 1)
        self._one_more()
        left = sum(count * self._cost(each) for each, count in self._left.items())
        done = int(self._count * self._spent / (self._spent + left)) if left else self._count
        if done > self._shown:
            self._shown = done
            self._progress(done, self._count)

    def through(self, count: int) -> Iterator[int]:
        """The frames from 0 on, for work that is too quick to be counted."""
        for index in range(count):
            yield index
            self._one_more()

    def done(self, name: str) -> None:
        """Expect no more ticks of a pass."""
        self._left[name] = 0

    def keeping(self, name: str, items: Sequence[T], facts: Callable[[], dict[str, Any]] = dict) -> Iterator[T]:
        """Give the items that are not done yet, and note how many are: of a pass that fills arrays item by item.

        An item counts as done when the next one is asked for. facts: what else belongs to the note.
        """
        begin, saved = self._begun(name), time.monotonic()
        for index in range(begin, len(items)):
            if time.monotonic() - saved > _SAVED_EVERY:
                self.scratch.note(name, {"done": index, **facts()})
                saved = time.monotonic()
            yield items[index]
        if begin < len(items):
            self.scratch.note(name, {"done": len(items), **facts()})

    def resume(self, name: str) -> int:
        """How many frames of a pass an earlier process has done; they are taken note of here."""
        done = self._begun(name)
        self.skip(name, done)
        return done

    def skip(self, name: str, frames: int) -> None:
        """Take note of frames that an earlier process has done."""
        self._spent += frames * self._cost(name)
        self._left[name] = max(0, self._left.get(name, 0) - frames)

    def _begun(self, name: str) -> int:
        return int(self.scratch.noted(name).get("done", 0))

    def _one_more(self) -> None:
        self._seen += 1
        if self._seen % _LET_GO == 0:
            self.scratch.let_go()

    def _cost(self, name: str) -> float:
        fixed, by_pixel = _COSTS[name]
        return fixed + by_pixel * self._pixels
