"""Choosing among the masks that a Segment Anything network offers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from retarget_cli.segmentation.base import Hint
from retarget_cli.segmentation.masks import overlap
from retarget_cli.segmentation.sam.prompts import Grid, Prompt, hint_prompt, outline
from retarget_cli.vision.regions import window_around

Measure = Callable[[np.ndarray], float]
ALIKE = 0.3
"""From this likeness on a mask is taken to show the object."""
LEAST_CELLS = 4
"""Cells below which a mask is nothing."""
_LEAST_FIT = 0.3
"""How well an answer has to fit the hint that it is one to."""
_STABILITY_OFFSET = 1.0


@dataclass(frozen=True)
class Answers:
    """logits: (M, cells, cells) float32, positive on the object; quality: (M,) the IoU the network expects of each."""

    logits: np.ndarray
    quality: np.ndarray


def stability(logits: np.ndarray) -> float:
    """IoU of the masks at a threshold above and one below zero: near 1 where the edge is steep."""
    return overlap(logits > _STABILITY_OFFSET, logits > -_STABILITY_OFFSET)


@dataclass(frozen=True)
class Choice:
    """The answer taken. logits: (rows, columns); quality, stability, agreement (with what was expected): [0, 1].

    likeness: [-1, 1], how much it looks like the object where that was shown; see appearance.
    """

    logits: np.ndarray
    quality: float
    stability: float
    agreement: float
    likeness: float = 1.0

    @property
    def score(self) -> float:
        """Score, more is better, in [-0.15, 1]."""
        return 0.2 * self.quality + 0.2 * self.stability + 0.45 * self.agreement + 0.15 * self.likeness

    @property
    def confidence(self) -> float:
        """As sure as the weakest of the four, in [0, 1]."""
        weakest = min(self.quality, self.stability, self.agreement / 0.85, self.likeness / ALIKE)
        return float(np.clip(weakest, 0.0, 1.0))


def choose_like(grid: Grid, answers: Answers, expected: np.ndarray, likeness: Measure = lambda mask: 1.0) -> Choice:
    """The best answer where a mask like `expected`, (rows, columns) bool, is looked for."""
    return _best(grid, answers, lambda mask: overlap(mask, expected), likeness)


def choose_hinted(grid: Grid, answers: Answers, hint: Hint) -> Choice:
    """The best answer to a hint; its agreement is how well it fills the box and keeps to the points."""
    return _best(grid, answers, lambda mask: _fit(grid, mask, hint), lambda mask: 1.0)


def hinted(grid: Grid, decode: Callable[[Prompt], Answers], hint: Hint) -> Choice | None:
    """The best answer to a hint on an image; None where the network sees nothing there. decode: of that image.

    It is asked twice: the second time with what it answered first.
    """
    first = choose_hinted(grid, decode(hint_prompt(grid, hint)), hint)
    again = choose_hinted(grid, decode(hint_prompt(grid, hint, first.logits)), hint)
    best = max(first, again, key=lambda choice: choice.score)
    return best if best.agreement >= _LEAST_FIT and int((best.logits > 0).sum()) >= LEAST_CELLS else None


def offered(grid: Grid, answers: Answers) -> list[tuple[np.ndarray, float]]:
    """Each answer's logits on the cells of the image, and the quality the network expects, in [0, 1]."""
    return [
        (np.clip(grid.crop(logits), -32.0, 32.0), float(np.clip(quality, 0.0, 1.0)))
        for logits, quality in zip(answers.logits.astype(np.float32), answers.quality, strict=True)
    ]


def _best(grid: Grid, answers: Answers, agreement: Measure, likeness: Measure) -> Choice:
    choices = (
        Choice(logits, quality, stability(logits), agreement(logits > 0), likeness(logits > 0))
        for logits, quality in offered(grid, answers)
    )
    return max(choices, key=lambda choice: choice.score)


def _fit(grid: Grid, mask: np.ndarray, hint: Hint) -> float:
    box = window_around(mask)
    if box is None:
        return 0.0
    fit = 1.0
    if hint.box is not None:
        filled = np.zeros(mask.shape, bool)
        filled[box] = True
        fit *= overlap(filled, outline(grid, Hint(hint.frame, hint.box), round_box=False))
    if hint.points:
        rows, columns = mask.shape
        cells = (grid.to_image(np.array([p[:2] for p in hint.points])) / grid.pixels_per_cell).astype(int)
        inside = mask[np.minimum(cells[:, 1], rows - 1), np.minimum(cells[:, 0], columns - 1)]
        fit *= float(np.mean(inside == np.array([p[2] for p in hint.points])))
    return fit
