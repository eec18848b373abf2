"""Drawing on pictures: mattes over frames, points, text."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import cv2
import numpy as np

Colour = tuple[int, int, int]

MATTE_COLOUR: Colour = (255, 64, 128)


def draw_matte(
    image: np.ndarray, matte: np.ndarray, colour: Colour = MATTE_COLOUR, opacity: float = 0.35
) -> np.ndarray:
    """A copy of the frame with its matte tinted and outlined.

    image: (H, W, 3) uint8; matte: (H, W) bool or uint8 {0, 255}; opacity of the tint in [0, 1]. The outline lies just
    inside the matte and grows with the frame; a thin dark line just outside sets it off, whatever the object's colour.
    Raises ValueError when the sizes differ.
    """
    _fits(image, matte)
    solid = (matte > 127 if matte.dtype == np.uint8 else matte > 0.5).astype(np.uint8)
    drawn = image.copy()
    inside = solid.astype(bool)
    tint = np.array(colour, np.float32)
    drawn[inside] = (image[inside] * (1 - opacity) + tint * opacity).round().astype(np.uint8)
    thick = max(1, round(min(image.shape[:2]) / 200))
    inner = cv2.erode(solid, np.ones((2 * thick + 1,) * 2, np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=1)
    drawn[inside & ~inner.astype(bool)] = colour
    rim = cv2.dilate(solid, np.ones((2 * (thick // 2) + 3,) * 2, np.uint8)).astype(bool) & ~inside
    drawn[rim] = image[rim] // 3
    return drawn


def draw_keypoints(image: np.ndarray, keypoints: np.ndarray, radius: int | None = None) -> np.ndarray:
    """A copy of the frame with keypoints as numbered dots, each number in its own colour.

    image: (H, W, 3) uint8; keypoints: (K, 2), order (x, y), in [-1, 1] from the middle of the first pixel to the middle
    of the last. Points outside are left out. Pictures under 96 pixels carry no numbers.
    """
    drawn = np.ascontiguousarray(image.copy())
    height, width = image.shape[:2]
    size = radius or max(2, round(min(height, width) / 50))
    for number, ((x, y), colour) in enumerate(zip(keypoints, keypoint_colours(len(keypoints)), strict=True)):
        if not (np.isfinite(x) and np.isfinite(y) and abs(x) <= 1 and abs(y) <= 1):
            continue
        centre = (round((float(x) + 1) / 2 * (width - 1)), round((float(y) + 1) / 2 * (height - 1)))
        cv2.circle(drawn, centre, size + 1, (0, 0, 0), -1, cv2.LINE_AA)
        cv2.circle(drawn, centre, size, colour, -1, cv2.LINE_AA)
        if min(height, width) >= 96:
            _number(drawn, number, (centre[0] + size + 1, centre[1] - size), colour)
    return drawn


def keypoint_colours(count: int) -> list[Colour]:
    """`count` colours around the circle of hues; point k has the same one in every picture of a pair."""
    return [_bright(index / max(count, 1)) for index in range(count)]


def _bright(hue: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.75, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)


def _number(image: np.ndarray, number: int, corner: tuple[int, int], colour: Colour) -> None:
    scale = max(0.3, min(image.shape[:2]) / 640)
    for thickness, ink in ((3, (0, 0, 0)), (1, colour)):
        cv2.putText(image, str(number), corner, cv2.FONT_HERSHEY_SIMPLEX, scale, ink, thickness, cv2.LINE_AA)


def _fits(image: np.ndarray, matte: np.ndarray) -> None:
    if image.shape[:2] != matte.shape:
        raise ValueError(f"a matte of {matte.shape} does not fit a frame of {image.shape[:2]}")


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
