"""The confidence of a clip's frames as a strip of bars, under a picture that says which frame it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retarget_cli.viz.overlay import PAPER, Colour, draw_text, text_size

_MARK: Colour = (255, 255, 255)
_RAMP = np.array([(214, 47, 39), (245, 170, 60), (60, 170, 90)], np.float32)
"""Colours of confidence 0, 1/2 and 1; the height of a bar says the same to those who do not tell red from green."""
_LEAST_BAR = 0.15
_WIDEST_TEXT = 0.5
"""Largest share of the width that the text takes."""
_LEAST_TEXT = 12
"""Pixels of height below which text cannot be read and is left out."""


def bar_colour(confidence: float) -> Colour:
    """Red for 0, amber for 1/2, green for 1."""
    red, green, blue = (round(float(np.interp(confidence, (0, 0.5, 1), _RAMP[:, k]))) for k in range(3))
    return red, green, blue


class Footer:
    """Footer under every frame of a preview: its number and confidence, and all frames' confidence as bars."""

    def __init__(self, width: int, height: int, confidence: Sequence[float]) -> None:
        """width, height: of the footer in pixels; confidence: in [0, 1], one for each frame of the clip."""
        self.height = height
        self._confidence = np.clip(np.asarray(confidence, np.float64), 0.0, 1.0)
        widest = self._text(len(self._confidence) - 1, 1.0)
        heights = range(height, _LEAST_TEXT - 1, -1)
        self._text_height = next((one for one in heights if text_size(widest, one) <= _WIDEST_TEXT * width), 0)
        self._left = text_size(widest, self._text_height) if self._text_height else 0
        self._plain = np.full((height, width, 3), PAPER, np.uint8)
        self._plain[:, self._left :] = confidence_strip(self._confidence, width - self._left, height)

    def at(self, index: int) -> np.ndarray:
        """The footer of frame `index`: (height, width, 3) uint8, the frame's bar marked white from top to bottom."""
        drawn = self._plain.copy()
        height, width = drawn.shape[:2]
        if self._left:
            text = self._text(index, float(self._confidence[index]))
            draw_text(drawn, text, (0, (height - self._text_height) // 2), self._text_height, PAPER)
        first, last = _columns(index, len(self._confidence), width - self._left)
        middle, half = self._left + (first + last) // 2, max(1, height // 16)
        drawn[:, max(self._left, middle - 2 * half) : middle + 2 * half + 1] = PAPER
        drawn[:, max(self._left, middle - half) : middle + half + 1] = _MARK
        return drawn

    @staticmethod
    def _text(index: int, confidence: float) -> str:
        return f"frame {index}  {confidence:.2f}"


def confidence_strip(confidence: np.ndarray, width: int, height: int) -> np.ndarray:
    """(height, width, 3) uint8: one bar a frame, as high and as green as the frame is certain.

    confidence: (N,) in [0, 1]. Of more frames than columns each column shows the least certain of those it stands for.
    """
    count = len(confidence)
    strip = np.full((height, width, 3), PAPER, np.uint8)
    starts = np.arange(width) * count // width
    values = np.minimum.reduceat(confidence, starts) if count > width else confidence[starts]
    gap = 1 if width >= 4 * count else 0
    for column, value in enumerate(values):
        top = height - max(1, round(height * (_LEAST_BAR + (1 - _LEAST_BAR) * float(value))))
        if not gap or _columns(starts[column], count, width)[1] != column:
            strip[top:, column] = bar_colour(float(value))
    return strip


def _columns(index: int, count: int, width: int) -> tuple[int, int]:
    """First and last column of frame `index`."""
    first = -(-index * width // count)
    return first, max(first, -(-(index + 1) * width // count) - 1)
