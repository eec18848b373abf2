"""Cuts: places where a clip goes from one shot to another, at once or gradually."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from retarget_cli.media.shots.transitions import Cut, TransitionFinder, alike

SIZE = (48, 27)
"""(w, h) of the small frames that are compared."""
_NEAR = 4  # frames before and after by whose changes a change is measured
_FEWEST = 3  # of those that must be known
_TIMES = 3.0  # as large as the usual change near it
_LEAST = 14.0  # grey levels of mean change: less is no cut, whatever the clip does otherwise
_ALONE = 2.0  # times as large as the changes just before and after: a camera that is swung round makes several
_STRONG = 20  # grey levels by which a place must change ...
_SHARE = 0.55  # ... and how much of the picture must: an object fills less
_FLASH = 3  # frames after which a picture may be back


class CutFinder:
    """Finds cuts, dissolves and fades in frames that come one by one. Only a few are kept.

    A cut changes more than half of the picture, by much more than what moves there otherwise, and for good: a camera
    that pans changes all frames alike, an object fills less of the picture, a flash is over after some frames, and a
    light that goes on shows the same things.
    """

    def __init__(self) -> None:
        self._cuts: list[int] = []
        self._gradual = TransitionFinder()
        self._kept: deque[np.ndarray] = deque(maxlen=_NEAR + _FLASH + 2)
        self._changes: list[float] = []  # mean change to each frame from the one before, the first is 0
        self._seen = 0
        self._done = 1

    def add(self, small: np.ndarray) -> None:
        """Take the next frame, (27, 48, 3) uint8."""
        self._gradual.add(small)
        small = small.astype(np.int16)
        self._changes.append(float(np.abs(small - self._kept[-1]).mean()) if self._kept else 0.0)
        self._kept.append(small)
        self._seen += 1
        if self._seen - 1 - self._done >= _NEAR:
            self._judge(self._done)
            self._done += 1

    def finish(self) -> tuple[Cut, ...]:
        """All changes of the shot, in their order."""
        while self._done < self._seen:
            self._judge(self._done)
            self._done += 1
        found = self._gradual.finish()
        cuts = [Cut(index, index) for index in self._cuts]
        return tuple(sorted([*found, *(cut for cut in cuts if not any(cut.meets(each) for each in found))]))

    def _judge(self, index: int) -> None:
        change = self._changes[index]
        near = self._changes[max(1, index - _NEAR) : index] + self._changes[index + 1 : index + 1 + _NEAR]
        beside = self._changes[index - 1 : index + 2 : 2]
        if change < _LEAST or len(near) < _FEWEST or change < _TIMES * max(float(np.median(near)), 1.0):
            return
        if change < _ALONE * max(beside):
            return
        before, after = self._at(index - 1), self._at(index)
        if (np.abs(after - before).max(axis=2) > _STRONG).mean() < _SHARE:
            return
        later = [self._at(later) for later in range(index + 1, min(self._seen, index + 1 + _FLASH))]
        earlier = [self._at(other) for other in range(max(0, index - 1 - _FLASH), index - 1)]
        back = [float(np.abs(each - before).mean()) for each in later]
        back += [float(np.abs(after - each).mean()) for each in earlier]
        if (back and min(back) < change / 2) or any(alike(before, each) for each in (after, *later)):
            return
        self._cuts.append(index)

    def _at(self, index: int) -> np.ndarray:
        return self._kept[index - self._seen]


def shots(cuts: Sequence[Cut], frames: int) -> list[tuple[int, int]]:
    """First frame and the one after the last of each shot."""
    begins, ends = [0, *(cut.stop for cut in cuts)], [*(cut.start for cut in cuts), frames]
    return list(zip(begins, ends, strict=True))
