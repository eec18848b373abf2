"""A picture that says which keypoint is which: some frames with every point's name and path."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from retarget_cli.media.archive import Pictures
from retarget_cli.utils.sampling import evenly
from retarget_cli.viz.overlay import PAPER, Colour, dot, draw_text, keypoint_colours, on_ground, outlined_text

_GROUND: Colour = (96, 96, 100)
"""Behind a layer that is transparent; chequers would drown the names."""
_GRID: Colour = (165, 165, 170)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_MARGIN = 34
"""Pixels round every frame, for coordinates and for points outside the crop."""
_TICKS = (-1.0, -0.5, 0.0, 0.5, 1.0)
_CAPTION = 22
_NAME = 0.5
"""Size of the names, of the font's."""
_LEAST_RADIUS, _MOST_RADIUS = 3, 6
_STANDS_OUT = 0.35
"""Opacity of a point that the network was not sure of at all."""

Box = tuple[int, int, int, int]


def points_sheet(
    pictures: Sequence[np.ndarray] | Pictures,
    points: np.ndarray,
    confidence: np.ndarray,
    names: Sequence[str],
    cell: int = 520,
    columns: int = 3,
    rows: int = 2,
) -> np.ndarray:
    """Evenly chosen frames with their keypoints, `columns` by `rows` of them: (height, width, 3) uint8.

    pictures: N frames of the crop, (S, S, 3) or (S, S, 4) uint8.
    points: (N, K, 2) in [-1, 1] over the crop.
    confidence: (N, K) in [0, 1], what is small and pale is not sure.
    cell: width of a frame in the picture.
    Every point has one colour, a name, and a faint line through all places where it ever is. Raises ValueError when
    lengths differ.
    """
    if not len(pictures) == len(points) == len(confidence) or points.shape[1] != len(names):
        raise ValueError("pictures, points, confidence and names do not answer each other")
    shown = evenly(len(pictures), columns * rows)
    ground = np.array(_GROUND, np.float32)
    opaque = {i: one if one.shape[2] == 3 else on_ground(one, ground) for i in shown for one in (pictures[i],)}
    cells = [_cell(opaque[i], points, confidence[i], names, i, cell) for i in shown]
    across = min(columns, len(cells))
    cells += [np.full_like(cells[0], PAPER)] * (-len(cells) % across)
    lines = [np.concatenate(cells[start : start + across], axis=1) for start in range(0, len(cells), across)]
    return np.concatenate(lines)


def _cell(
    picture: np.ndarray, points: np.ndarray, confidence: np.ndarray, names: Sequence[str], frame: int, size: int
) -> np.ndarray:
    """One frame with its margin, grid, paths, points and names."""
    side = size - 2 * _MARGIN
    drawn = np.full((size, size, 3), PAPER, np.uint8)
    inside = drawn[_MARGIN : _MARGIN + side, _MARGIN : _MARGIN + side]
    shrinks = picture.shape[0] > side
    inside[:] = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    _grid(drawn, side)
    draw_text(drawn, f"frame {frame}", (_MARGIN - _CAPTION // 4, _MARGIN - _CAPTION - 4), _CAPTION, PAPER)
    colours = keypoint_colours(len(names))
    _paths(drawn, _pixels(points, side), colours)
    centres = [(round(x), round(y)) for x, y in np.clip(_pixels(points[frame], side), 0, size - 1).tolist()]
    for centre, colour, sure in zip(centres, colours, confidence, strict=True):
        _dot(drawn, centre, colour, float(np.clip(sure, 0, 1)))
    boxes = _places(centres, names, size)
    for centre, box, colour in zip(centres, boxes, colours, strict=True):
        _join(drawn, centre, box, colour)
    for name, box, colour in zip(names, boxes, colours, strict=True):
        _name(drawn, name, box, colour)
    return drawn


def _pixels(points: np.ndarray, side: int) -> np.ndarray:
    """Points in [-1, 1] as pixels of a cell."""
    result: np.ndarray = _MARGIN + (points + 1) / 2 * (side - 1)
    return result


def _grid(drawn: np.ndarray, side: int) -> None:
    """Faint lines every half, and their coordinates in the margin."""
    for tick in _TICKS:
        at = round(float(_pixels(np.array(tick), side)))
        for line in (drawn[at, _MARGIN : _MARGIN + side], drawn[_MARGIN : _MARGIN + side, at]):
            line[:] = line // 4 * 3 + np.array(_GRID, np.uint8) // 4
        text = f"{tick:g}"
        (width, height), _ = cv2.getTextSize(text, _FONT, 0.36, 1)
        left = (max(0, _MARGIN - 6 - width), at + height // 2)
        for corner in (left, (at - width // 2, _MARGIN + side + 6 + height)):
            cv2.putText(drawn, text, corner, _FONT, 0.36, _GRID, 1, cv2.LINE_AA)


def _paths(drawn: np.ndarray, pixels: np.ndarray, colours: Sequence[Colour]) -> None:
    """Draw where every point is over all frames, as thin half transparent lines."""
    over = drawn.copy()
    for index, colour in enumerate(colours):
        path = np.clip(pixels[:, index], -4096, 4096).round().astype(np.int32)
        cv2.polylines(over, [path[:, None]], False, colour, 1, cv2.LINE_AA)
    drawn[:] = cv2.addWeighted(over, 0.5, drawn, 0.5, 0)


def _dot(drawn: np.ndarray, centre: tuple[int, int], colour: Colour, sure: float) -> None:
    radius = round(_LEAST_RADIUS + sure * (_MOST_RADIUS - _LEAST_RADIUS))
    over = drawn.copy()
    dot(over, centre, radius, colour)
    opacity = _STANDS_OUT + (1 - _STANDS_OUT) * sure
    drawn[:] = cv2.addWeighted(over, opacity, drawn, 1 - opacity, 0)


def _places(centres: Sequence[tuple[int, int]], names: Sequence[str], size: int) -> list[Box]:
    """Left, top, right, bottom of every name: near its point, over as little of others as can be."""
    dots = [(x - _MOST_RADIUS, y - _MOST_RADIUS, x + _MOST_RADIUS, y + _MOST_RADIUS) for x, y in centres]
    taken: list[Box] = []
    for centre, name in zip(centres, names, strict=True):
        (width, above), below = cv2.getTextSize(name, _FONT, _NAME, 1)
        boxes = _candidates(centre, width, above + below, size)
        best = min(boxes, key=lambda box: 2 * _covered(box, taken) + _covered(box, dots) + _far(box, centre) / 4)
        taken.append(best)
    return taken


def _candidates(centre: tuple[int, int], width: int, height: int, size: int) -> list[Box]:
    """Places for a name round a point, near ones first, moved into the picture."""
    boxes = []
    for away in (_MOST_RADIUS + 7, _MOST_RADIUS + 18, _MOST_RADIUS + 30):
        for angle in np.arange(16) * np.pi / 8 - np.pi / 4:
            x = centre[0] + np.cos(angle) * (away + width / 2) - width / 2
            y = centre[1] + np.sin(angle) * (away + height / 2) - height / 2
            left, top = (
                round(float(np.clip(value, 1, size - 2 - length))) for value, length in ((x, width), (y, height))
            )
            boxes.append((left, top, left + width, top + height))
    return boxes


def _covered(box: Box, others: Sequence[Box]) -> float:
    """Pixels of `box` that lie in others, with a little air round it."""
    left, top, right, bottom = box[0] - 2, box[1] - 2, box[2] + 2, box[3] + 2
    return sum(
        max(0, min(right, other[2]) - max(left, other[0])) * max(0, min(bottom, other[3]) - max(top, other[1]))
        for other in others
    )


def _far(box: Box, centre: tuple[int, int]) -> float:
    return float(np.hypot((box[0] + box[2]) / 2 - centre[0], (box[1] + box[3]) / 2 - centre[1]))


def _join(drawn: np.ndarray, centre: tuple[int, int], box: Box, colour: Colour) -> None:
    """A line from a point to its name when that is not beside it."""
    nearest = (int(np.clip(centre[0], box[0], box[2])), int(np.clip(centre[1], box[1], box[3])))
    if np.hypot(nearest[0] - centre[0], nearest[1] - centre[1]) > _MOST_RADIUS + 8:
        cv2.line(drawn, centre, nearest, colour, 1, cv2.LINE_AA)


def _name(drawn: np.ndarray, name: str, box: Box, colour: Colour) -> None:
    """The name on a dark outline in a light tone of its point's colour."""
    red, green, blue = ((part + 255) // 2 for part in colour)
    base = (box[0], box[3] - cv2.getTextSize(name, _FONT, _NAME, 1)[1])
    outlined_text(drawn, name, base, _NAME, (red, green, blue))
