"""Tracking the object with SAM from frame to frame, from the hints in both directions; the search when it is lost."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import cv2
import numpy as np

from retarget_cli.segmentation.base import FrameSource, Hint
from retarget_cli.segmentation.embedded.propagate import spans
from retarget_cli.segmentation.masks import MatteBits, grow
from retarget_cli.segmentation.sam.appearance import Appearances, appearance_of
from retarget_cli.segmentation.sam.candidates import (
    LEAST_CELLS,
    Answers,
    Choice,
    choose_like,
    hinted,
    offered,
    stability,
)
from retarget_cli.segmentation.sam.embeddings import Predictor, Views
from retarget_cli.segmentation.sam.object_state import Known, centre
from retarget_cli.segmentation.sam.prompts import (
    OUTSIDE,
    Grid,
    Prompt,
    mask_prompt,
    negative_points,
    outline,
    place_prompt,
    soft_logits,
)
from retarget_cli.vision.flow import dense_flow, warp_by_flow
from retarget_cli.vision.regions import components

_SURER = 0.1
"""How much surer another track must be to take over a frame."""
PATIENCE = 3
"""Frames on which the moved mask stands in for an answer; after that the object counts as lost."""
_LEAST_AGREEMENT = 0.5
_USUAL_SHARE = 0.7
"""An answer must agree with what is expected at least this well, compared to the answers before it."""
_JUMP = 2.0
"""Largest change of the area from one frame to the next, as a factor."""
_FADE = 0.7
"""Factor of the confidence for every frame without a good answer of its own."""
_RIVAL = 0.75
"""Another thing looks like the object when its likeness is at least this share of the object's own."""
_ENCOUNTER = 15
"""Frames for which two alike things may be mixed up after they came close to each other."""
_NOWHERE = np.zeros((0, 2), np.float32)

# The search for an object that was lost:
_LARGEST_CHANGE = 3.0
"""Factor by which the area may differ from the usual one."""
_LEAST_QUALITY, _LEAST_STABILITY, _LEAST_LIKENESS, _LEAST_FIT = 0.5, 0.5, 0.2, 0.3
_MOVES = 3
"""Frames from which its motion is known."""
_PLACES = 2
"""Places that look like the object and are asked about."""


@dataclass(frozen=True)
class Start:
    """A frame to start from; seed: (rows, columns) logits of the object there, when somebody else found it."""

    hint: Hint
    seed: np.ndarray | None = None


@dataclass(frozen=True)
class State:
    """State that one frame hands to the next. logits: (rows, columns); missed: frames since the object was seen.

    negatives: (K, 2) cells x, y of the user's points that are not on the object, moved along with what they lie on.
    """

    frame: int
    logits: np.ndarray
    confidence: float
    known: Known
    missed: int = 0
    negatives: np.ndarray = field(default_factory=lambda: _NOWHERE)

    @property
    def lost(self) -> bool:
        """True when there is no mask on this frame."""
        return self.missed > 0 and not (self.logits > 0).any()


class Track:
    """One pass over a clip. tell: called with the number of frames done."""

    def __init__(self, clip: FrameSource, grid: Grid, follower: Follower, tell: Callable[[int], None]) -> None:
        self._grid, self._follower, self._tell = grid, follower, tell
        self.mattes = MatteBits(clip.count, clip.size)
        self._kept: set[int] = set()

    def all(self, starts: Sequence[Start]) -> None:
        """Every frame, from the nearest start; where two tracks meet, a much surer one goes on into the other's part.

        All parts are done forwards before any is done backwards, because reading a clip backwards costs more.
        """
        starting = {start.hint.frame: start for start in starts}
        parts = spans([start.hint for start in starts], len(self.mattes.areas))
        begun = {hint.frame: self._keep(self._follower.begin(starting[hint.frame])) for hint, _, _ in parts}
        lasts = {hint.frame: self._go(begun[hint.frame], range(hint.frame + 1, last + 1)) for hint, _, last in parts}
        firsts = {
            hint.frame: self._go(begun[hint.frame], range(hint.frame - 1, first - 1, -1))
            for hint, first, _ in reversed(parts)
        }
        for early, late in itertools.pairwise(begun):
            first, last = firsts[late], lasts[early]
            self._extend(first, range(first.frame - 1, early, -1))
            self._extend(last, range(last.frame + 1, late))

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

    def _keep(self, state: State) -> State:
        self.mattes.put(state.frame, self._grid.to_native(state.logits), state.confidence)
        self._kept.add(state.frame)
        self._tell(len(self._kept))
        return state


class Follower:
    """Tracks the object from a frame on which it was seen to a neighbouring one; knows its appearance.

    others: hints that only say where the object is not, by frame.
    """

    def __init__(self, views: Views, predictor: Predictor, grid: Grid, others: Mapping[int, Hint]) -> None:
        self._views, self._predictor, self._grid, self._others = views, predictor, grid, others
        self._appearances = Appearances(grid)
        self._search = Search(grid, predictor.decode, self._appearances, rivals=False)
        self.doubtful: list[int] = []

    def begin(self, start: Start) -> State:
        """The object on the frame of a hint or a guess; frames where the network sees nothing there are `doubtful`."""
        frame = start.hint.frame
        embedding = self._views.embedding(frame)
        negatives = np.concatenate(
            [negative_points(self._grid, hint) for hint in (start.hint, self._others.get(frame))]
        )
        if start.seed is None:
            logits, confidence = self._hinted(embedding, start.hint)
        else:
            choice = self._followed(embedding, start.seed, Known.first(0, start.seed), negatives)
            logits, confidence = (choice.logits, choice.confidence) if choice else (start.seed, 0.35)
        known = Known.first(frame, logits)
        self._appearances.add(appearance_of(self._grid, embedding, logits > 0, negatives))
        if self._has_rival(embedding, logits > 0, np.ones(logits.shape, bool)):
            self._search = replace(self._search, rivals=True)
        return State(frame, logits, confidence, known, negatives=negatives)

    def step(self, frame: int, before: State) -> State:
        """The object on `frame`, next to that of `before`: followed, found again, taken along for a while, or lost."""
        embedding = self._views.embedding(frame)
        moved, negatives = self._moved(frame, before)
        known, missed = before.known, before.missed + 1
        choice = None if before.lost else self._followed(embedding, moved, known, negatives)
        if choice is not None and not self._is_rival(choice, frame, known):
            known = self._watched(embedding, known.seen(frame, choice), choice)
            return State(frame, choice.logits, choice.confidence, known, negatives=negatives)
        choice = self._search.find(embedding, frame, known, negatives)
        if choice is not None:
            return State(
                frame, choice.logits, _FADE * choice.confidence, known.found(frame, choice), negatives=negatives
            )
        if before.lost or missed > PATIENCE or (moved > 0).sum() < LEAST_CELLS:
            return State(frame, np.full_like(moved, OUTSIDE), 0.0, known, missed, negatives)
        return State(frame, moved, _FADE * before.confidence, known, missed, negatives)

    def _is_rival(self, choice: Choice, frame: int, known: Known) -> bool:
        """Tell whether an answer moves otherwise than the object did, soon after a rival came close.

        One that shows a part of the object has no telling motion.
        """
        if known.met is None or abs(frame - known.met) > _ENCOUNTER:
            return False
        mask = choice.logits > 0
        return known.shows_whole(mask) and not self._search.in_place(mask, frame, known)

    def _watched(self, embedding: np.ndarray, known: Known, choice: Choice) -> Known:
        """Note the frame in what is known when a rival is close to the object on it."""
        mask = choice.logits > 0
        near = grow(mask.astype(np.uint8), round(float(np.sqrt(mask.sum())))) > 0
        if self._search.rivals and self._has_rival(embedding, mask, near):
            return replace(known, met=known.frame)
        return known

    def _has_rival(self, embedding: np.ndarray, mask: np.ndarray, where: np.ndarray) -> bool:
        """Tell whether something in `where` (rows, columns) bool, apart from the mask, looks like the object in it."""
        likeness = self._appearances.of_cells(embedding)
        blurred = 2 * self._grid.cells // embedding.shape[2]
        apart = where & (grow(mask.astype(np.uint8), blurred) == 0)
        return bool(apart.any() and likeness[apart].max() > _RIVAL * np.median(likeness[mask]))

    def _hinted(self, embedding: np.ndarray, hint: Hint) -> tuple[np.ndarray, float]:
        """The best answer to a hint and how sure it is; the hint's own outline when the network sees nothing there."""
        best = hinted(self._grid, partial(self._predictor.decode, embedding), hint)
        if best is not None:
            return best.logits, best.confidence
        self.doubtful.append(hint.frame)
        return soft_logits(outline(self._grid, hint)), 0.1

    def _followed(self, embedding: np.ndarray, moved: np.ndarray, known: Known, negatives: np.ndarray) -> Choice | None:
        """The network's answer where `moved` is expected, None when no answer is near it or looks like the object."""
        expected = moved > 0
        area = int(expected.sum())
        if area < LEAST_CELLS:
            return None
        answers = self._predictor.decode(embedding, mask_prompt(self._grid, moved, negatives))
        best = choose_like(self._grid, answers, expected, lambda mask: self._appearances.of_mask(embedding, mask))
        growth = int((best.logits > 0).sum()) / area
        near = best.agreement >= max(_LEAST_AGREEMENT, _USUAL_SHARE * known.agreement)
        return best if near and 1 / _JUMP <= growth <= _JUMP and best.likeness > 0.0 else None

    def _moved(self, frame: int, before: State) -> tuple[np.ndarray, np.ndarray]:
        """The mask of the state before where the flow puts it, and the negative points."""
        gray, gray_before = self._views.gray(frame), self._views.gray(before.frame)
        moved = before.logits
        if not before.lost:
            moved = warp_by_flow(before.logits, dense_flow(gray, gray_before))
        negatives = before.negatives
        if len(negatives):
            negatives = _pushed(negatives, dense_flow(gray_before, gray), moved > 0)
        return moved, np.concatenate([negatives, negative_points(self._grid, self._others.get(frame))])


@dataclass(frozen=True)
class Search:
    """Search for the object on any frame.

    decode: the network's answers on an embedding.
    rivals: whether another thing in the clip looks like the object; then a likeness far from where the object was seen
    last proves nothing.
    """

    grid: Grid
    decode: Callable[[np.ndarray, Prompt], Answers]
    appearances: Appearances
    rivals: bool

    def in_place(self, mask: np.ndarray, frame: int, known: Known) -> bool:
        """Tell whether a mask (rows, columns) bool is where it can be the object and not its rival."""
        if not self.rivals:
            return True
        sure = known.moves >= _MOVES
        limit = ((0.15 if sure else 0.6) + 0.05 * abs(frame - known.whole)) * np.sqrt(known.area) + 3 * known.unrest
        return bool(np.linalg.norm(centre(mask) - known.expected(frame)) <= limit)

    def find(self, embedding: np.ndarray, frame: int, known: Known, negatives: np.ndarray) -> Choice | None:
        """Find the object on a frame where it is not where the flow says. negatives: (K, 2) cells that are not it."""
        found = [
            choice
            for place in self._places(embedding, known, known.expected(frame))
            for logits, quality in offered(self.grid, self.decode(embedding, place_prompt(self.grid, place, negatives)))
            if (choice := self._judge(embedding, logits, quality, frame, known)) is not None
        ]
        return max(found, key=lambda choice: choice.score, default=None)

    def _places(self, embedding: np.ndarray, known: Known, expected: np.ndarray) -> Iterator[np.ndarray]:
        """Masks (rows, columns) bool of where it may be: where it was heading, where it was, what looks like it."""
        moves = [expected - known.place]
        if np.linalg.norm(moves[0]) > 0.5 * np.sqrt(known.area):
            moves.append(np.zeros(2))
        for x, y in moves:
            shift = np.array([[1, 0, x], [0, 1, y]], np.float64)
            moved = cv2.warpAffine(known.mask.astype(np.uint8), shift, self.grid.shape[::-1]) > 0
            if moved.sum() >= LEAST_CELLS:
                yield moved
        likeness = self.appearances.of_cells(embedding)
        for _ in range(_PLACES):
            peak = float(likeness.max())
            if peak < _LEAST_LIKENESS:
                return
            labels, _ = components(likeness > 0.6 * peak)
            alike = labels == labels.ravel()[likeness.argmax()]
            yield alike
            likeness = np.where(alike, -1.0, likeness)

    def _judge(
        self, embedding: np.ndarray, logits: np.ndarray, quality: float, frame: int, known: Known
    ) -> Choice | None:
        """An answer as a choice, None when it cannot be the object; its agreement is that of size and place."""
        mask = logits > 0
        area = int(mask.sum())
        size = min(area, known.area) / max(area, known.area, 1.0)
        if area < LEAST_CELLS or size < 1 / _LARGEST_CHANGE or quality < _LEAST_QUALITY:
            return None
        reach = (0.6 + 0.2 * abs(frame - known.frame)) * np.sqrt(known.area)
        near = float(np.exp(-0.5 * (np.linalg.norm(centre(mask) - known.expected(frame)) / reach) ** 2))
        choice = Choice(logits, quality, stability(logits), size * near, self.appearances.of_mask(embedding, mask))
        sure = choice.stability >= _LEAST_STABILITY and choice.likeness >= _LEAST_LIKENESS
        return choice if sure and choice.agreement >= _LEAST_FIT and self.in_place(mask, frame, known) else None


def _pushed(points: np.ndarray, flow: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Points (K, 2) moved by the flow; those that leave the image or come close to the mask are dropped."""
    height, width = mask.shape
    at = np.clip(np.rint(points).astype(int), 0, [width - 1, height - 1])
    moved = points + flow[at[:, 1], at[:, 0]]
    at = np.rint(moved).astype(int)
    inside = np.all((at >= 0) & (at < [width, height]), axis=1)
    at = np.clip(at, 0, [width - 1, height - 1])
    near = grow(mask.astype(np.uint8), 2)[at[:, 1], at[:, 0]] > 0
    return moved[inside & ~near]
