"""A motion as JSON for scripts and text editors: one object a frame, points by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retarget_cli.errors import InputError
from retarget_cli.motion.head import EXPORT_AGAIN, Head
from retarget_cli.motion.motion import Motion
from retarget_cli.motion.rows import Row, Rows, number, values_of


def to_json(motion: Motion) -> bytes:
    """The file, with one line a point. Numbers have nine digits, which tell any two float32 apart."""
    head = Head.of(motion)
    facts = "".join(f" {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.lines().items())
    frames = ",\n".join(_frame(motion, frame, head) for frame in range(head.frames))
    return f'{{\n{facts} "frames": [\n{frames}\n ]\n}}\n'.encode()


def from_json(text: str, path: Path) -> Motion:
    """Read what :func:`to_json` wrote. A point that is missing from a frame, or null there, is interpolated; a
    confidence that is missing is 1. Raises InputError with the line, or the frame and point, of what cannot be read.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        place = f"{path}, line {error.lineno}" if isinstance(error, json.JSONDecodeError) else path
        fix = "Check brackets, quotes and commas there, or export the motion again."
        raise InputError("it is not JSON", where=place, fix=fix) from error
    facts = _object(data, path, "the file")
    read = Rows(
        path, Head.read({key: str(value) for key, value in facts.items() if isinstance(value, (str, int))}, path)
    )
    frames = facts.get("frames")
    if not isinstance(frames, list):
        raise InputError("it has no list 'frames'", where=path, fix=EXPORT_AGAIN)
    for position, item in enumerate(frames):
        _read_frame(_object(item, path, f"frame {position}"), position, read)
    return read.motion()


def _frame(motion: Motion, frame: int, head: Head) -> str:
    place = ", ".join(f"{float(value):.9g}" for value in motion.places[frame])
    points = ",\n".join(
        f'   "{name}": {{"x": {float(x):.9g}, "y": {float(y):.9g}, "confidence": {float(confidence):.9g}}}'
        for name, (x, y), confidence in zip(motion.names, motion.points[frame], motion.confidence[frame], strict=True)
    )
    time = head.seconds(motion.timing.pts[frame])
    return f'  {{"frame": {frame}, "time": {time}, "place": [{place}], "points": {{\n{points}\n  }}}}'


def _read_frame(item: Mapping[str, Any], position: int, read: Rows) -> None:
    where, path = f"frame {position}", read.path
    if item.get("frame") != position:
        what = f"the frame after {position - 1} is not {position}" if position else "the first frame is not 0"
        fix = "Keep every frame, in order; of a frame between others, points may be missing."
        raise InputError(what, where=path, fix=fix)
    place = item.get("place")
    if not isinstance(place, list) or len(place) != 3:
        raise InputError("'place' is not a list of three numbers", where=f"{path}, {where}", fix=EXPORT_AGAIN)
    read.seconds[position] = number(item.get("time"), "time", where, path)
    read.places[position] = tuple(number(value, "place", where, path) for value in place)
    for name, values in _object(item.get("points"), path, f"{where}, points").items():
        if values is not None:
            inside = f"{where}, {name}"
            read.rows.append(Row(position, name, values_of(_object(values, path, inside), inside, path), inside))


def _object(value: object, path: Path, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError("there should be an object in braces", where=f"{path}, {where}", fix=EXPORT_AGAIN)
    return value
