"""What a person said about a frame, and what the frame is called, drawn onto it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from retarget_cli.viz.overlay import Colour

_LIGHT: Colour = (255, 255, 255)
_DARK: Colour = (0, 0, 0)
_ON: Colour = (40, 200, 80)
_BESIDE: Colour = (235, 60, 40)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_CAPITAL = 22
"""Height of a capital letter of the font at scale 1, in pixels."""


def draw_hint(
    image: np.ndarray,
    box: tuple[float, float, float, float] | None = None,
    points: Sequence[tuple[float, float, bool]] = (),
) -> np.ndarray:
    """A copy of the frame with a hint on it: the box white on black; a plus on the object, a minus beside it.

    image: (H, W, 3) uint8; box: (x, y, width, height) and points: (x, y, on the object), in pixels of the image.
    """
    drawn = np.ascontiguousarray(image.copy())
    thick = max(1, round(min(image.shape[:2]) / 240))
    if box is not None:
        x, y, width, height = box
        corners = (round(x), round(y)), (round(x + width) - 1, round(y + height) - 1)
        cv2.rectangle(drawn, *corners, _DARK, 3 * thick)
        cv2.rectangle(drawn, *corners, _LIGHT, thick)
    radius = max(4, round(min(image.shape[:2]) / 60))
    for x, y, positive in points:
        _point(drawn, (round(x), round(y)), radius, positive)
    return drawn


def text_size(text: str, height: int) -> int:
    """Width in pixels of one line of text whose background is `height` pixels high."""
    (width, _), _ = cv2.getTextSize(text, _FONT, _scale(height), _pen(height))
    return width + height // 2


def draw_text(image: np.ndarray, text: str, corner: tuple[int, int], height: int, paper: Colour = _DARK) -> None:
    """Write one line onto the image, on a dark ground `height` pixels high whose top left corner is (x, y)."""
    x, y = corner
    image[max(0, y) : y + height, max(0, x) : x + text_size(text, height)] = paper
    base = (x + height // 4, y + round((height + _CAPITAL * _scale(height)) / 2))
    cv2.putText(image, text, base, _FONT, _scale(height), _LIGHT, _pen(height), cv2.LINE_AA)


def draw_frame(image: np.ndarray, colour: Colour) -> None:
    """Draw a border of one colour along the edges of the image, in place."""
    thick = max(2, round(min(image.shape[:2]) / 48))
    image[:thick] = image[-thick:] = image[:, :thick] = image[:, -thick:] = colour


def _point(image: np.ndarray, centre: tuple[int, int], radius: int, positive: bool) -> None:
    x, y = centre
    cv2.circle(image, centre, radius + 2, _DARK, -1, cv2.LINE_AA)
    cv2.circle(image, centre, radius + 1, _LIGHT, -1, cv2.LINE_AA)
    cv2.circle(image, centre, radius, _ON if positive else _BESIDE, -1, cv2.LINE_AA)
    arm, thick = round(0.6 * radius), max(1, radius // 4)
    cv2.line(image, (x - arm, y), (x + arm, y), _LIGHT, thick)
    if positive:
        cv2.line(image, (x, y - arm), (x, y + arm), _LIGHT, thick)


def _scale(height: int) -> float:
    return 0.5 * height / _CAPITAL


def _pen(height: int) -> int:
    return max(1, round(height / 24))
