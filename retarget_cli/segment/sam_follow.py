"""Following an object with a Segment Anything network, from one frame to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from retarget_cli.segment.base import Hint
from retarget_cli.segment.sam_choice import Choice, choose_hinted, choose_like
from retarget_cli.segment.sam_known import Known
from retarget_cli.segment.sam_looks import Looks, look_at
from retarget_cli.segment.sam_prompts import OUTSIDE, Grid, carried_prompt, hint_prompt, outline, points_beside
from retarget_cli.segment.sam_search import LEAST_CELLS, Search
from retarget_cli.segment.sam_views import Predictor, Views
from retarget_cli.segment.soft import grow
from retarget_cli.vision.flow import dense_flow, warp_by_flow

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
"""Frames for which two things of one look may be mixed up after they came close to each other."""
_NOWHERE = np.zeros((0, 2), np.float32)


@dataclass(frozen=True)
class Start:
    """A frame to start from; seed: (rows, columns) logits of the object there, when somebody else found it."""

    hint: Hint
    seed: np.ndarray | None = None


@dataclass(frozen=True)
class State:
    """What one frame hands to the next. logits: (rows, columns); missed: frames since the object was seen.

    beside: (K, 2) cells x, y of the user's points that are not on the object, moved along with what they lie on.
    """

    frame: int
    logits: np.ndarray
    confidence: float
    known: Known
    missed: int = 0
    beside: np.ndarray = field(default_factory=lambda: _NOWHERE)

    @property
    def lost(self) -> bool:
        """Whether there is no mask on this frame."""
        return self.missed > 0 and not (self.logits > 0).any()


class Follower:
    """Knows the object's looks, and goes from a frame on which it was seen to any neighbouring frame.

    others: hints that only say where the object is not, by frame.
    """

    def __init__(self, views: Views, predictor: Predictor, grid: Grid, others: Mapping[int, Hint]) -> None:
        self._views, self._predictor, self._grid, self._others = views, predictor, grid, others
        self._looks = Looks(grid)
        self._search = Search(grid, predictor.ask, self._looks, rivals=False)
        self.doubtful: list[int] = []

    def begin(self, start: Start) -> State:
        """The object on the frame of a hint or a guess; frames where the network sees nothing there are `doubtful`."""
        frame = start.hint.frame
        embedding = self._views.embedding(frame)
        beside = np.concatenate([points_beside(self._grid, hint) for hint in (start.hint, self._others.get(frame))])
        if start.seed is None:
            logits, confidence = self._hinted(embedding, start.hint)
        else:
            logits, confidence = self._seeded(embedding, start.seed, beside)
        known = Known.first(frame, logits)
        self._looks.add(look_at(self._grid, embedding, logits > 0, beside))
        if self._has_rival(embedding, logits > 0, np.ones(logits.shape, bool)):
            self._search = replace(self._search, rivals=True)
        return State(frame, logits, confidence, known, beside=beside)

    def step(self, frame: int, before: State) -> State:
        """The object on `frame`, next to that of `before`: followed, found again, taken along for a while, or lost."""
        embedding = self._views.embedding(frame)
        moved, beside = self._moved(frame, before)
        known, missed = before.known, before.missed + 1
        choice = None if before.lost else self._followed(embedding, moved, known, beside)
        if choice is not None and not self._is_rival(choice, frame, known):
            known = self._watched(embedding, known.seen(frame, choice), choice)
            return State(frame, choice.logits, choice.confidence, known, beside=beside)
        choice = self._search.find(embedding, frame, known, beside)
        if choice is not None:
            return State(frame, choice.logits, _FADE * choice.confidence, known.found(frame, choice), beside=beside)
        if before.lost or missed > PATIENCE or (moved > 0).sum() < LEAST_CELLS:
            return State(frame, np.full_like(moved, OUTSIDE), 0.0, known, missed, beside)
        return State(frame, moved, _FADE * before.confidence, known, missed, beside)

    def _is_rival(self, choice: Choice, frame: int, known: Known) -> bool:
        """Whether an answer moves otherwise than the object did, soon after a rival came close.

        One that shows a part of the object has no telling motion.
        """
        if known.met is None or abs(frame - known.met) > _ENCOUNTER:
            return False
        mask = choice.logits > 0
        return known.shows_whole(mask) and not self._search.in_place(mask, frame, known)

    def _watched(self, embedding: np.ndarray, known: Known, choice: Choice) -> Known:
        """What is known, with the frame noted when a rival is close to the object on it."""
        mask = choice.logits > 0
        if self._search.rivals and self._has_rival(embedding, mask, grow(mask.astype(np.uint8), _size(mask)) > 0):
            return replace(known, met=known.frame)
        return known

    def _has_rival(self, embedding: np.ndarray, mask: np.ndarray, where: np.ndarray) -> bool:
        """Whether something in `where`, but apart from the mask, looks like the object in it; (rows, columns) bool."""
        likeness = self._looks.of_cells(embedding)
        blurred = 2 * self._grid.cells // embedding.shape[2]
        apart = where & (grow(mask.astype(np.uint8), blurred) == 0)
        return bool(apart.any() and likeness[apart].max() > _RIVAL * np.median(likeness[mask]))

    def _hinted(self, embedding: np.ndarray, hint: Hint) -> tuple[np.ndarray, float]:
        """The best answer to a hint and how sure it is; the hint's own outline when the network sees nothing there."""
        first = choose_hinted(self._grid, self._predictor.ask(embedding, hint_prompt(self._grid, hint)), hint)
        again = self._predictor.ask(embedding, hint_prompt(self._grid, hint, first.logits))
        best = max(first, choose_hinted(self._grid, again, hint), key=lambda choice: choice.score)
        if best.agreement >= 0.3 and int((best.logits > 0).sum()) >= LEAST_CELLS:
            return best.logits, best.confidence
        self.doubtful.append(hint.frame)
        return soft_logits(outline(self._grid, hint)), 0.1

    def _seeded(self, embedding: np.ndarray, seed: np.ndarray, beside: np.ndarray) -> tuple[np.ndarray, float]:
        choice = self._followed(embedding, seed, Known.first(0, seed), beside)
        return (seed, 0.35) if choice is None else (choice.logits, choice.confidence)

    def _followed(self, embedding: np.ndarray, moved: np.ndarray, known: Known, beside: np.ndarray) -> Choice | None:
        """The network's answer where `moved` is expected, None when no answer is near it or looks like the object."""
        expected = moved > 0
        area = int(expected.sum())
        if area < LEAST_CELLS:
            return None
        answers = self._predictor.ask(embedding, carried_prompt(self._grid, moved, beside))
        best = choose_like(self._grid, answers, expected, lambda mask: self._looks.of_mask(embedding, mask))
        growth = int((best.logits > 0).sum()) / area
        near = best.agreement >= max(_LEAST_AGREEMENT, _USUAL_SHARE * known.agreement)
        return best if near and 1 / _JUMP <= growth <= _JUMP and best.likeness > 0.0 else None

    def _moved(self, frame: int, before: State) -> tuple[np.ndarray, np.ndarray]:
        """The mask of the state before where the flow puts it, and the points beside it."""
        gray, gray_before = self._views.gray(frame), self._views.gray(before.frame)
        moved = before.logits
        if not before.lost:
            moved = warp_by_flow(before.logits, dense_flow(gray, gray_before))
        beside = before.beside
        if len(beside):
            beside = _pushed(beside, dense_flow(gray_before, gray), moved > 0)
        return moved, np.concatenate([beside, points_beside(self._grid, self._others.get(frame))])


def _size(mask: np.ndarray) -> int:
    """Side of a square of the mask's area."""
    return round(float(np.sqrt(mask.sum())))


def soft_logits(mask: np.ndarray) -> np.ndarray:
    """A mask as logits with a soft edge, (rows, columns) float32; positive on all of it, however thin it is."""
    sharp = mask.astype(np.float32)
    return (np.maximum(cv2.GaussianBlur(sharp, (0, 0), 1.0), 0.6 * sharp) - 0.5) * -2 * OUTSIDE


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
