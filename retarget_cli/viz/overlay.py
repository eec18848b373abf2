"""Drawing on pictures: mattes over frames, points, text."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import cv2
import numpy as np

Colour = tuple[int, int, int]

MATTE_COLOUR: Colour = (255, 64, 128)
PAPER: Colour = (24, 24, 28)
_LIGHT: Colour = (255, 255, 255)
_DARK: Colour = (0, 0, 0)
_ON: Colour = (40, 200, 80)
_OFF: Colour = (235, 60, 40)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_CAPITAL = 22
"""Height of a capital letter of the font at scale 1, in pixels."""


def draw_matte(
    image: np.ndarray, matte: np.ndarray, colour: Colour = MATTE_COLOUR, opacity: float = 0.35
) -> np.ndarray:
    """A copy of the frame with its matte tinted and outlined.

    image: (H, W, 3) uint8; matte: (H, W) bool or uint8 {0, 255}; opacity of the tint in [0, 1]. The outline lies just
    inside the matte and grows with the frame; a thin dark line just outside sets it off, whatever the object's colour.
    Raises ValueError when the sizes differ.
    """
    if image.shape[:2] != matte.shape:
        raise ValueError(f"a matte of {matte.shape} does not fit a frame of {image.shape[:2]}")
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
            corner, scale = (centre[0] + size + 1, centre[1] - size), max(0.3, min(height, width) / 640)
            outlined_text(drawn, str(number), corner, scale, colour)
    return drawn


def keypoint_colours(count: int) -> list[Colour]:
    """`count` colours around the circle of hues; point k has the same one in every picture of a pair."""
    bright = (colorsys.hsv_to_rgb(index / max(count, 1), 0.75, 1.0) for index in range(count))
    return [(round(255 * red), round(255 * green), round(255 * blue)) for red, green, blue in bright]


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
        x, y = round(x), round(y)
        dot(drawn, (x, y), radius, _ON if positive else _OFF)
        arm, thin = round(0.6 * radius), max(1, radius // 4)
        cv2.line(drawn, (x - arm, y), (x + arm, y), _LIGHT, thin)
        if positive:
            cv2.line(drawn, (x, y - arm), (x, y + arm), _LIGHT, thin)
    return drawn


def draw_grid(image: np.ndarray, native: tuple[int, int]) -> np.ndarray:
    """A copy of the image (H, W, 3) with thin lines and, at its upper and left edges, where they lie in the frame.

    native: (width, height) of the frame in its own pixels, which the numbers are.
    """
    drawn = np.ascontiguousarray(image.copy())
    height, width = drawn.shape[:2]
    step = next(size * 10**power for power in range(6) for size in (10, 20, 50) if max(native) <= 12 * size * 10**power)
    text = max(10, min(18, round(min(height, width) / 24)))
    for axis, (extent, shown) in enumerate(zip(native, (width, height), strict=True)):
        for value in range(0, extent, step):
            place = min(shown - 1, round(value * shown / extent))
            line = drawn[:, place] if axis == 0 else drawn[place]
            line[:] = (line.astype(np.uint16) * 2 + 255) // 3
            room = place + text_size(str(value), text) <= width if axis == 0 else place + text <= height
            if room and (value or axis == 0):
                draw_text(drawn, str(value), (place, 0) if axis == 0 else (0, place), text)
    return drawn


def dot(image: np.ndarray, centre: tuple[int, int], radius: int, colour: Colour) -> None:
    """Draw a dot with a white and a dark ring onto the image; `radius` is that of its inside."""
    for wider, ink in ((2, _DARK), (1, _LIGHT), (0, colour)):
        cv2.circle(image, centre, radius + wider, ink, -1, cv2.LINE_AA)


def outlined_text(image: np.ndarray, text: str, corner: tuple[int, int], scale: float, colour: Colour) -> None:
    """Write a line with a dark outline onto the image. corner: its lower left; scale: of the font's size.

    The outline is the line itself, moved: a thicker pen makes long lines longer with some versions of OpenCV.
    """
    x, y = corner
    for right, down in ((-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1)):
        cv2.putText(image, text, (x + right, y + down), _FONT, scale, _DARK, 1, cv2.LINE_AA)
    cv2.putText(image, text, corner, _FONT, scale, colour, 1, cv2.LINE_AA)


def on_ground(picture: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """Lay a picture with straight alpha (H, W, 4) uint8 on a ground that has its shape: (H, W, 3) uint8."""
    alpha = picture[..., 3:].astype(np.float32) / 255
    return (picture[..., :3] * alpha + ground * (1 - alpha)).round().astype(np.uint8)


def on_grey(picture: np.ndarray) -> np.ndarray:
    """Lay a picture with straight alpha (H, W, 4) uint8 on middle grey: (H, W, 3) uint8."""
    return on_ground(picture, np.full((*picture.shape[:2], 3), 128, np.uint8))


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


def _scale(height: int) -> float:
    return 0.5 * height / _CAPITAL


def _pen(height: int) -> int:
    return max(1, round(height / 24))
