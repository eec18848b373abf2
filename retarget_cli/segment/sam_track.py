"""Carrying a Segment Anything network's mask from the frames it starts on through a clip, in both directions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from retarget_cli.segment.base import FrameSource
from retarget_cli.segment.matte_bits import MatteBits
from retarget_cli.segment.sam_follow import Follower, Start, State
from retarget_cli.segment.sam_prompts import Grid
from retarget_cli.segment.track import spans

_SURER = 0.1
"""How much surer another track must be to take over a frame."""


@dataclass
class _Reach:
    """How far one start was followed: the states on its own frame and on the earliest and the latest of its part."""

    begun: State

    def __post_init__(self) -> None:
        self.first = self.last = self.begun


class Track:
    """One pass over a clip. tell: called with the number of frames done."""

    def __init__(self, clip: FrameSource, grid: Grid, follower: Follower, tell: Callable[[int], None]) -> None:
        self._grid, self._follower, self._tell = grid, follower, tell
        self.mattes = MatteBits(clip.count, clip.size)
        self._count = clip.count
        self._kept: set[int] = set()

    def all(self, starts: Sequence[Start]) -> None:
        """Every frame, from the nearest start; where two tracks meet, a much surer one goes on into the other's part.

        All parts are done forwards before any is done backwards, because reading a clip backwards costs more.
        """
        by_frame = {start.hint.frame: start for start in starts}
        parts = spans([start.hint for start in starts], self._count)
        reaches = [_Reach(self._begin(by_frame[hint.frame])) for hint, _, _ in parts]
        pairs = list(zip(reaches, parts, strict=True))
        for reach, (hint, _, last) in pairs:
            reach.last = self._go(reach.begun, range(hint.frame + 1, last + 1))
        for reach, (hint, first, _) in reversed(pairs):
            reach.first = self._go(reach.begun, range(hint.frame - 1, first - 1, -1))
        for early, late in itertools.pairwise(reaches):
            self._extend(late.first, range(late.first.frame - 1, early.begun.frame, -1))
            self._extend(early.last, range(early.last.frame + 1, late.begun.frame))

    def _begin(self, start: Start) -> State:
        state = self._follower.begin(start)
        self._keep(state)
        return state

    def _go(self, state: State, frames: range) -> State:
        """Follow the object through `frames`, which begin next to the state's. Returns the state of the last one."""
        for frame in frames:
            before, state = state, self._follower.step(frame, state)
            self._keep(state)
            missing = range(frame - frames.step, before.known.frame, -frames.step)
            if state.lost and not before.lost:
                for guessed in missing:  # nothing bore them out
                    self.mattes.clear(guessed)
            elif before.missed and not state.missed:
                self._extend(state, missing)
        return state

    def _extend(self, state: State, frames: range) -> None:
        """Follow the object into frames that have a matte, as long as this one is much surer."""
        for frame in frames:
            state = self._follower.step(frame, state)
            if state.missed or state.confidence < self.mattes.confidence[frame] + _SURER:
                return
            self._keep(state)

    def _keep(self, state: State) -> None:
        self.mattes.put(state.frame, self._grid.to_native(state.logits), state.confidence)
        self._kept.add(state.frame)
        self._tell(len(self._kept))
