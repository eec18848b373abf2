"""Carrying a Segment Anything network's mask from the frames it starts on through a clip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np

from retarget_cli.errors import InputError
from retarget_cli.segment.base import FrameSource, Hint, Sink
from retarget_cli.segment.sam_prompts import (
    OUTSIDE,
    Answers,
    Grid,
    Prompt,
    carried_prompt,
    choose_hinted,
    choose_like,
    hint_prompt,
    outline,
)
from retarget_cli.segment.track import spans
from retarget_cli.segment.working import allocate
from retarget_cli.vision.flow import dense_flow, warp_by_flow
from retarget_cli.vision.regions import fill_holes, largest_components

CHUNK = 64
"""Frames held at once on the way back through time."""
_LEAST_CELLS = 4
_LEAST_AGREEMENT = 0.5
_USUAL_SHARE = 0.7
"""An answer must agree with what is expected at least this well, compared to the answers before it."""
_JUMP = 2.0
"""Largest change of the area from one frame to the next, as a factor."""
_FADE = 0.7
"""Factor of the confidence for every frame without a good answer of its own."""


class Predictor(Protocol):
    """A network that is shown an image and then asked about it; see sam_weights.Network."""

    side: int
    cells: int

    def look(self, image: np.ndarray) -> None:
        """Take in (h, w, 3) uint8 RGB whose longest side is `side`."""
        ...

    def ask(self, prompt: Prompt) -> Answers:
        """Candidate masks for the prompt on the image taken in last."""
        ...


@dataclass(frozen=True)
class _State:
    """What one frame hands to the next. logits: (rows, columns); gray: (rows, columns) uint8; usual: agreement."""

    logits: np.ndarray
    gray: np.ndarray
    confidence: float
    usual: float = 0.8


@dataclass(frozen=True)
class Start:
    """A frame to start from; seed: (rows, columns) logits of the object there, when somebody else found it."""

    hint: Hint
    seed: np.ndarray | None = None


@dataclass
class Track:
    """One pass over a clip: the mattes as bits, and how sure each is."""

    clip: FrameSource
    predictor: Predictor
    grid: Grid
    others: dict[int, Hint]
    tell: Callable[[int], None]
    doubtful: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        count, (width, height) = self.clip.count, self.clip.size
        self.bits = allocate((count, -(-width * height // 8)), np.uint8)
        self.confidence, self.areas = np.zeros(count), np.zeros(count, np.int64)
        self._done = 0

    def all(self, starts: Sequence[Start]) -> None:
        """Every frame: once through the clip forwards, then back from every start."""
        seeds = {start.hint.frame: start for start in starts}
        parts = spans([start.hint for start in starts], self.clip.count)
        begun: dict[int, _State] = {}
        wanted = {frame: hint.frame for hint, _, last in parts for frame in range(hint.frame, last + 1)}
        state: _State | None = None
        for frame, image in self._frames(0, self.clip.count):
            if frame in seeds:
                state = begun[frame] = self._start(image, seeds[frame])
            elif frame in wanted and state is not None:
                state = self._step(frame, image, state)
            else:
                continue
            self._keep(frame, state)
        for hint, first, _ in parts:
            self._backwards(begun[hint.frame], first, hint.frame)

    def deliver(self, sink: Sink) -> None:
        """Hand over every matte in order."""
        width, height = self.clip.size
        for bits in self.bits:
            sink(np.unpackbits(bits, count=width * height).reshape(height, width) * np.uint8(255))

    def _backwards(self, state: _State, first: int, last: int) -> None:
        """Frames `first` to ``last - 1``, latest first; `state` is that of `last`."""
        for end in range(last, first, -CHUNK):
            chunk = list(self._frames(max(first, end - CHUNK), end))
            while chunk:
                frame, image = chunk.pop()
                state = self._step(frame, image, state)
                self._keep(frame, state)

    def _frames(self, first: int, end: int) -> Iterator[tuple[int, np.ndarray]]:
        """Frames `first` to ``end - 1`` at the size the network sees; the clip is read from its start."""
        seen = 0
        for index, image in enumerate(self.clip.read(self.grid.image_size)):
            if index >= end:
                return
            seen = index + 1
            if index >= first:
                yield index, image
        if seen < end:
            raise InputError(
                f"The clip ended after {seen} of {self.clip.count} frames.", fix="Convert the video again."
            )

    def _start(self, image: np.ndarray, start: Start) -> _State:
        gray = self._look(image)
        if start.seed is not None:
            return self._answer(_State(start.seed, gray, 0.5), start.seed, gray, self.others.get(start.hint.frame))
        first = choose_hinted(self.grid, self.predictor.ask(hint_prompt(self.grid, start.hint)), start.hint)
        again = self.predictor.ask(hint_prompt(self.grid, start.hint, first.logits))
        best = max(first, choose_hinted(self.grid, again, start.hint), key=lambda choice: choice.score)
        if best.agreement >= 0.3 and int((best.logits > 0).sum()) >= _LEAST_CELLS:
            return _State(best.logits, gray, best.confidence)
        self.doubtful.append(start.hint.frame)
        soft = cv2.GaussianBlur(outline(self.grid, start.hint).astype(np.float32), (0, 0), 1.0)
        return _State((soft - 0.5) * -2 * OUTSIDE, gray, 0.1)

    def _step(self, frame: int, image: np.ndarray, before: _State) -> _State:
        gray = self._look(image)
        moved = warp_by_flow(before.logits, dense_flow(gray, before.gray))
        return self._answer(before, moved, gray, self.others.get(frame))

    def _look(self, image: np.ndarray) -> np.ndarray:
        self.predictor.look(image)
        return cv2.cvtColor(self.grid.shrink(image), cv2.COLOR_RGB2GRAY)

    def _answer(self, before: _State, moved: np.ndarray, gray: np.ndarray, hint: Hint | None) -> _State:
        """The network's answer where `moved` is expected, or `moved` itself when no answer is near it."""
        expected = moved > 0
        area = int(expected.sum())
        if area < _LEAST_CELLS:
            return _State(np.full_like(moved, OUTSIDE), gray, 0.0, before.usual)
        best = choose_like(self.grid, self.predictor.ask(carried_prompt(self.grid, moved, hint)), expected)
        growth = int((best.logits > 0).sum()) / area
        least = max(_LEAST_AGREEMENT, _USUAL_SHARE * before.usual)
        if best.agreement < least or not 1 / _JUMP <= growth <= _JUMP:
            return _State(moved, gray, _FADE * before.confidence, 0.9 * before.usual)
        return _State(best.logits, gray, best.confidence, 0.8 * before.usual + 0.2 * best.agreement)

    def _keep(self, frame: int, state: _State) -> None:
        mask = self.grid.to_native(state.logits)
        if mask.any():
            mask = fill_holes(largest_components(mask)) > 0
        self.bits[frame] = np.packbits(mask)
        self.areas[frame], self.confidence[frame] = int(mask.sum()), state.confidence if mask.any() else 0.0
        self._done += 1
        self.tell(self._done)
