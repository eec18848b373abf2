"""Finding an object again that a Segment Anything network has lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from retarget_cli.segment.sam_choice import Answers, Choice, offered, stability
from retarget_cli.segment.sam_known import Known, centre
from retarget_cli.segment.sam_looks import Looks
from retarget_cli.segment.sam_prompts import Grid, Prompt, place_prompt
from retarget_cli.vision.regions import components

LEAST_CELLS = 4
"""Cells below which a mask is nothing."""
_LARGEST_CHANGE = 3.0
"""Factor by which the area may differ from the usual one."""
_LEAST_QUALITY, _LEAST_STABILITY, _LEAST_LIKENESS, _LEAST_FIT = 0.5, 0.5, 0.2, 0.3
_MOVES = 3
"""Frames from which its motion is known."""
_PLACES = 2
"""Places that look like the object and are asked about."""


@dataclass(frozen=True)
class Search:
    """What is needed to look for the object on any frame.

    ask: the network's answers on an embedding. rivals: another thing in the clip looks like the object, so that a look
    far from where it was seen last proves nothing.
    """

    grid: Grid
    ask: Callable[[np.ndarray, Prompt], Answers]
    looks: Looks
    rivals: bool

    def in_place(self, mask: np.ndarray, frame: int, known: Known) -> bool:
        """Whether a mask (rows, columns) bool is where it can be the object and not its rival."""
        if not self.rivals:
            return True
        sure = known.moves >= _MOVES
        limit = ((0.15 if sure else 0.6) + 0.05 * abs(frame - known.whole)) * np.sqrt(known.area) + 3 * known.unrest
        return bool(np.linalg.norm(centre(mask) - known.expected(frame)) <= limit)

    def find(self, embedding: np.ndarray, frame: int, known: Known, beside: np.ndarray) -> Choice | None:
        """The object on a frame where it is not where the flow says, or None. beside: (K, 2) cells that are not it."""
        found = [
            choice
            for place in self._places(embedding, known, known.expected(frame))
            for logits, quality in offered(self.grid, self.ask(embedding, place_prompt(self.grid, place, beside)))
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
        likeness = self.looks.of_cells(embedding)
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
        choice = Choice(logits, quality, stability(logits), size * near, self.looks.of_mask(embedding, mask))
        sure = choice.stability >= _LEAST_STABILITY and choice.likeness >= _LEAST_LIKENESS
        return choice if sure and choice.agreement >= _LEAST_FIT and self.in_place(mask, frame, known) else None
