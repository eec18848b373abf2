"""Motion files that people edit: CSV for spreadsheets, JSON for scripts."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from retarget_cli.errors import InputError
from retarget_cli.motion.motion import Motion
from retarget_cli.motion.rows import EXPORT_AGAIN, Head, Row, Rows, number, values_of

COLUMNS = ("frame", "time", "name", "x", "y", "confidence")
_NEEDED = {"frame", "name", "x", "y"}
_DELIMITERS = (",", ";", "\t")
_TITLE = "# retarget motion: points in -1..1 over the crop, x to the right, y down; change x and y, keep these lines"
_FRAMES = "# of each frame: its time in seconds; centre x, y and side of its crop in pixels of the clip"

Line = tuple[int, list[str]]


def to_csv(motion: Motion) -> bytes:
    """Write a motion as a table. Numbers have nine digits, which tell any two float32 apart."""
    head = Head.of(motion)
    seconds = [head.seconds(tick) for tick in motion.timing.pts]
    out = io.StringIO()
    out.writelines(f"{line}\n" for line in (_TITLE, *(f"# {key}: {value}" for key, value in head.lines().items())))
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for frame, time in enumerate(seconds):
        for name, point, confidence in zip(motion.names, motion.points[frame], motion.confidence[frame], strict=True):
            table.writerow((frame, time, name, *(f"{float(value):.9g}" for value in (*point, confidence))))
    out.write(f"{_FRAMES}\n")
    for frame, (time, place) in enumerate(zip(seconds, motion.places, strict=True)):
        out.write(f"# frame {frame}: {time} {' '.join(f'{float(value):.9g}' for value in place)}\n")
    return out.getvalue().encode("utf-8", "replace")  # names of files need not be text


def from_csv(text: str, path: Path) -> Motion:
    """Read a table that :func:`to_csv` wrote and that a spreadsheet or a script may have written again since.

    Commas, semicolons (with decimal commas) or tabs between cells; rows in any order; without times those of the file's
    last lines hold, without a confidence it is 1. Raises InputError with the line of what cannot be read.
    """
    delimiter, lines, titles = _table(text, path)
    comments = [line for line in lines if line[1][0].lstrip().startswith("#")]
    facts = dict(_fact(cells, delimiter) for _, cells in comments)
    read = Rows(path, Head.read(facts, path))
    for line, cells in comments:
        _read_cell(*_fact(cells, delimiter), f"line {line}", read)
    times: dict[int, float] = {}
    for line, cells in lines:
        if not cells[0].lstrip().startswith("#") and any(cells) and _plain(cells) != titles:
            fields = {key: cell.strip().replace(",", ".") for key, cell in zip(titles, cells, strict=False)}
            _read_row(fields, f"line {line}", read, times)
    read.seconds.update(times)
    return read.motion()


def _table(text: str, path: Path) -> tuple[str, list[Line], list[str]]:
    """Return what separates the cells, all lines that are not empty with their numbers, and the columns' titles."""
    for delimiter in _DELIMITERS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            lines = [(reader.line_num, cells) for cells in reader if cells]
        except csv.Error as error:
            fix = "Save it as CSV again."
            raise InputError(f"it is not a table: {error}", where=f"{path}, line {reader.line_num}", fix=fix) from error
        titles = next((_plain(cells) for _, cells in lines if {*_plain(cells)} >= _NEEDED), None)
        if titles is not None:
            return delimiter, lines, titles
    what = "no line has the titles frame, name, x and y"
    raise InputError(what, where=path, fix="Keep the line with the titles of the columns, or export the motion again.")


def _plain(titles: Sequence[str]) -> list[str]:
    return [title.strip().lower() for title in titles]


def _fact(cells: Sequence[str], delimiter: str) -> tuple[str, str]:
    """Key and value of a line ``# key: value``, of which spreadsheets make as many cells as it has delimiters."""
    key, _, value = delimiter.join(cells).rstrip(f"{delimiter} ").lstrip("# ").partition(":")
    return key.strip(), value.strip()


def _read_cell(key: str, value: str, where: str, read: Rows) -> None:
    """Take in a line that says when a frame shows and where its crop is."""
    name = re.fullmatch(r"frame (\d{1,6})", key)
    if name is None:
        return
    numbers = [number(word, f"'{key}'", where, read.path) for word in value.split()]
    if len(numbers) != 4:
        what = f"'{key}' has {len(numbers)} numbers instead of 4"
        raise InputError(what, where=f"{read.path}, {where}", fix=EXPORT_AGAIN)
    read.seconds[int(name[1])], read.places[int(name[1])] = numbers[0], tuple(numbers[1:])


def _read_row(fields: dict[str, str], where: str, read: Rows, times: dict[int, float]) -> None:
    frame = number(fields["frame"], "frame", where, read.path)
    if not frame.is_integer():
        fix = "Write the number of a frame, from 0."
        raise InputError(f"there is no frame {frame:g}", where=f"{read.path}, {where}", fix=fix)
    read.rows.append(Row(int(frame), fields.get("name", ""), values_of(fields, where, read.path), where))
    if fields.get("time"):
        time = number(fields["time"], "time", where, read.path)
        if times.setdefault(int(frame), time) != time:
            what = f"frame {frame:g} shows at {times[int(frame)]:g} and at {time:g} s"
            raise InputError(what, where=f"{read.path}, {where}", fix="Give all rows of a frame the same time.")


def to_json(motion: Motion) -> bytes:
    """Write a motion as JSON, with one line a point. Numbers have nine digits, which tell any two float32 apart."""
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
    lines = {key: str(value) for key, value in facts.items() if isinstance(value, (str, int))}
    read = Rows(path, Head.read(lines, path))
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
