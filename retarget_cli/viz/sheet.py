"""Contact sheets: a clip, or several that belong together, on one picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import cv2
import numpy as np

from retarget_cli.utils.sampling import evenly
from retarget_cli.viz.overlay import PAPER, draw_keypoints, keypoint_colours, on_ground

Images = Sequence[np.ndarray] | np.ndarray

_INK = (225, 225, 230)
_GAP = 2
_LINE = 20  # pixels
_FONT, _TEXT = cv2.FONT_HERSHEY_SIMPLEX, 0.42


def contact_sheet(rows: Mapping[str, Images], columns: int = 8, cell: int = 128) -> np.ndarray:
    """One row of frames for each named sequence, with its name above it: (height, width, 3) uint8.

    rows: name → frames, each (H, W), (H, W, 3) or (H, W, 4) uint8; alpha shows on a chequerboard. Of longer sequences
    `columns` are shown, evenly spread from the first to the last. cell: width of a frame in pixels; its height
    follows from the sequence's first frame. Raises ValueError when there is nothing to show.
    """
    shown = {name: [frames[i] for i in evenly(len(frames), columns)] for name, frames in rows.items() if len(frames)}
    if not shown:
        raise ValueError("a contact sheet needs at least one frame")
    width = _GAP + max(len(frames) for frames in shown.values()) * (cell + _GAP)
    strips = [strip for name, frames in shown.items() for strip in (_caption(name, width), _row(frames, width, cell))]
    return np.concatenate(strips)


def compare_rows(
    driver: Images, subject: Images, keypoints: Images, silhouettes: Images, result: Images
) -> dict[str, list[np.ndarray]]:
    """The rows of the sheet that shows how a transfer came about, for :func:`contact_sheet`.

    driver, subject, result: frames (H, W, 3) uint8; keypoints: (K, 2) a frame, in [-1, 1], drawn over the silhouettes;
    silhouettes: (S, S) uint8. All but `subject` answer each other frame by frame. Raises ValueError when they do not.
    """
    lengths = {len(driver), len(keypoints), len(silhouettes), len(result)}
    if len(lengths) != 1:
        raise ValueError(f"the rows of a comparison differ in length: {sorted(lengths)} frames")
    marked = [draw_keypoints(as_rgb(under) // 3, dots) for under, dots in zip(silhouettes, keypoints, strict=True)]
    return {
        "driver (motion)": list(driver),
        "subject (look)": list(subject),
        "keypoints": marked,
        "silhouette": list(silhouettes),
        "result": list(result),
    }


def dotted(frames: Images, keypoints: Images, cell: int) -> list[np.ndarray]:
    """Frames with their keypoints (K, 2), in [-1, 1], at the `cell` pixels they are looked at.

    Dots on a frame of 64 pixels would hide the frame.
    """
    pictures = [fitted(as_rgb(frame), cell, cell) for frame in frames]
    return [draw_keypoints(picture, points) for picture, points in zip(pictures, keypoints, strict=True)]


def legend(names: Sequence[str], width: int) -> np.ndarray:
    """Number and name of every keypoint in its colour, as :func:`draw_keypoints` has them, in lines of `width` pixels.

    Returns (height, width, 3) uint8.
    """
    lines: list[list[tuple[int, str]]] = [[]]
    left = _GAP + 3
    for number, name in enumerate(names):
        text = f"{number} {name}"
        needs = cv2.getTextSize(text, _FONT, _TEXT, 1)[0][0] + 14
        if lines[-1] and left + needs > width:
            lines.append([])
            left = _GAP + 3
        lines[-1].append((left, text))
        left += needs
    drawn = np.full((_LINE * len(lines), width, 3), PAPER, np.uint8)
    places = [(x, _LINE * row + 14, text) for row, line in enumerate(lines) for x, text in line]
    for (x, y, text), colour in zip(places, keypoint_colours(len(names)), strict=True):
        cv2.putText(drawn, text, (x, y), _FONT, _TEXT, colour, 1, cv2.LINE_AA)
    return drawn


def _row(frames: Iterable[np.ndarray], width: int, cell: int) -> np.ndarray:
    pictures = [as_rgb(frame) for frame in frames]
    height = max(1, round(cell * pictures[0].shape[0] / pictures[0].shape[1]))
    row = np.full((height + _GAP, width, 3), PAPER, np.uint8)
    for column, picture in enumerate(pictures):
        left = _GAP + column * (cell + _GAP)
        row[:height, left : left + cell] = fitted(picture, cell, height)
    return row


def fitted(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """The picture at the largest size that fits, in the middle of a dark (height, width) field."""
    scale = min(width / picture.shape[1], height / picture.shape[0])
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    fitted = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    field = np.full((height, width, 3), PAPER, np.uint8)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    field[top : top + size[1], left : left + size[0]] = fitted
    return field


def as_rgb(frame: np.ndarray) -> np.ndarray:
    """A mask (H, W), a frame (H, W, 3) or one with straight alpha (H, W, 4) as (H, W, 3); alpha on a chequerboard."""
    if frame.ndim == 2:
        return np.repeat((frame if frame.dtype != np.bool_ else frame * np.uint8(255))[..., None], 3, axis=2)
    if frame.shape[2] == 3:
        return frame
    y, x = np.indices(frame.shape[:2]) // 8
    return on_ground(frame, np.where((x + y) % 2, 96, 160)[..., None])


def _caption(text: str, width: int) -> np.ndarray:
    strip = np.full((_LINE, width, 3), PAPER, np.uint8)
    cv2.putText(strip, text, (_GAP + 3, 14), _FONT, _TEXT, _INK, 1, cv2.LINE_AA)
    return strip
