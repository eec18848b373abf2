"""What a user says about the object of a clip, boxes and points with their frames, as hints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from retarget_cli.errors import UsageError
from retarget_cli.pipeline.options import numbers

if TYPE_CHECKING:
    from retarget_cli.segmentation.base import Hint

Box = tuple[float, float, float, float]
Point = tuple[float, float, bool]


def parse_hints(
    frame: int, boxes: Sequence[str] | None, points: Sequence[str] | None, option: str = "--box"
) -> tuple[Hint, ...]:
    """Read what the user said about one clip: one hint a frame, by frame.

    frame: that of boxes and points which name none
    boxes: ``[FRAME:]x,y,w,h``
    points: ``[FRAME:][not:]x,y``
    option: the one that boxes are given with

    Raises UsageError for what cannot be read, and for two boxes on one frame.
    """
    box_on: dict[int, Box] = {}
    points_on: dict[int, list[Point]] = {}
    for value in boxes or ():
        index, rest = split_frame(value, frame, option, "120,80,300,220")
        if index in box_on:
            fix = "Give one box a frame, each with its frame: 0:120,80,300,220 and 37:150,80,300,220."
            raise UsageError(f"there are two boxes on frame {index}", where=option, fix=fix)
        box_on[index] = parse_box(rest, option)
    for value in points or ():
        index, rest = split_frame(value, frame, "--point", "320,240")
        points_on.setdefault(index, []).append(parse_point(rest, "--point"))
    if not box_on and not points_on:
        return ()
    from retarget_cli.segmentation.base import Hint

    frames = sorted({*box_on, *points_on})
    return tuple(Hint(index, box_on.get(index), tuple(points_on.get(index, ()))) for index in frames)


def split_frame(value: str, default: int, option: str, example: str) -> tuple[int, str]:
    """``FRAME:rest`` as its two parts; `default` and all of it where no frame is named. example: a right rest."""
    head, colon, rest = value.partition(":")
    if not colon or head.strip() == "not":
        return default, value.strip()
    if not re.fullmatch(r"\s*[0-9]{1,9}\s*", head):
        fix = f"Write the frame's number first, like 37:{example}."
        raise UsageError(f"'{head}' in '{value}' is no frame", where=option, fix=fix)
    return int(head), rest.strip()


def parse_box(value: str, option: str) -> Box:
    """``x,y,w,h`` in pixels of the upright clip; width and height must be positive."""
    x, y, width, height = numbers(value, 4, option, "120,80,300,220 (x,y,width,height); 37:120,80,300,220 for frame 37")
    if width <= 0 or height <= 0:
        raise UsageError(f"the box '{value}' is empty", where=option, fix="Give it as x,y,width,height in pixels.")
    return x, y, width, height


def parse_point(value: str, option: str) -> Point:
    """``x,y`` on the object, or ``not:x,y`` beside it; the last item says which."""
    positive = not value.startswith("not:")
    example = "320,240; not:320,240 beside the object; 37:not:320,240 on frame 37"
    x, y = numbers(value.removeprefix("not:"), 2, option, example)
    return x, y, positive
