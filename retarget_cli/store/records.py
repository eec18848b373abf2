"""The form of a run record: checked when it is read, because names in it become names of files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from retarget_cli.store.keys import is_sha256
from retarget_cli.store.layout import is_stage

DEPTH = 24
_NAME_BYTES = 255


class Unfit(Exception):
    """Something is no run record; the message says why."""


def check_record(record: Mapping[str, Any]) -> None:
    """Raise Unfit unless all that is known in `record` has its form. What is unknown may be anything, not too deep."""
    check_depth(record)
    if not isinstance(record.get("kind", ""), str):
        raise Unfit("'kind' is no text")
    if "pair" in record:
        check_name("pair", record["pair"])
    for part in ("stages", "results"):
        _check_places(part, record.get(part, {}))
    if not isinstance(record.get("config", {}), Mapping):
        raise Unfit("'config' is no table")
    _check_rendered(record.get("rendered", {}))
    _check_renders(record.get("renders", []))
    if "clips" in record:
        _check_clips(record["clips"])


def check_name(what: str, name: object) -> None:
    """Raise Unfit unless `name` can name one file or folder, without leaving the folder it is put into."""
    plain = isinstance(name, str) and name not in ("", ".", "..") and not set(name) & set("/\\\0")
    if not plain or len(str(name).encode("utf-8", "replace")) > _NAME_BYTES:
        raise Unfit(f"'{what}' is no plain name")


def check_depth(value: Any, left: int = DEPTH) -> None:
    """Raise Unfit for what is nested more than `left` times."""
    if left < 0:
        raise Unfit(f"it is nested more than {DEPTH} times")
    for item in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        check_depth(item, left - 1)


def _check_places(part: str, places: object) -> None:
    if not isinstance(places, Mapping):
        raise Unfit(f"'{part}' is no table")
    for name, place in places.items():
        if not isinstance(place, Mapping):
            raise Unfit(f"'{part}.{name}' is no table")
        stage = place.get("stage", "unknown")
        hashes = [place.get("key"), *([place["digest"]] if "digest" in place else [])]
        if not (isinstance(stage, str) and is_stage(stage) and all(map(is_sha256, hashes))):
            raise Unfit(f"'{part}.{name}' names no result")


def _check_rendered(rendered: object) -> None:
    if not isinstance(rendered, Mapping) or not all(isinstance(options, Mapping) for options in rendered.values()):
        raise Unfit("'rendered' is no table of options")
    for direction in rendered:
        check_name("rendered", direction)


def _check_renders(renders: object) -> None:
    if not isinstance(renders, list) or not all(isinstance(row, Mapping) for row in renders):
        raise Unfit("'renders' is no list of tables")
    for row in renders:
        texts = all(isinstance(row.get(name), str) for name in ("file", "look", "time"))
        if not texts or "\0" in row["file"] or not isinstance(row.get("options"), Mapping):
            raise Unfit("'renders' has a row that names no file")


def _check_clips(clips: object) -> None:
    if not isinstance(clips, Mapping) or set(clips) != {"a", "b"}:
        raise Unfit("'clips' does not name two clips")
    for side, clip in clips.items():
        if not isinstance(clip, Mapping):
            raise Unfit(f"'clips.{side}' is no table")
        check_name(f"clips.{side}.name", clip.get("name"))
        if not isinstance(clip.get("path"), str) or not is_sha256(clip.get("digest")) or "\0" in clip["path"]:
            raise Unfit(f"'clips.{side}' names no clip")
        if not all(isinstance(clip.get(name), str | None) for name in ("matte", "matte_digest")):
            raise Unfit(f"'clips.{side}' has no matte of that kind")
        if not re.fullmatch(r"[1-9]\d{0,8}(/[1-9]\d{0,8})?", str(clip.get("rate", 1))):
            raise Unfit(f"'clips.{side}.rate' is no frame rate")
        hints = clip.get("hints", [])
        if not isinstance(hints, list) or not all(map(_is_hint, hints)):
            raise Unfit(f"'clips.{side}.hints' are no hints")


def _is_hint(hint: object) -> bool:
    if not isinstance(hint, Mapping) or not {"frame", "box", "points"} <= hint.keys():
        return False
    box, points = hint["box"], hint["points"]
    if not isinstance(hint["frame"], int) or not isinstance(points, list):
        return False
    return (box is None or _is_row(box, 4)) and all(_is_row(point, 3) for point in points)


def _is_row(row: object, length: int) -> bool:
    return isinstance(row, list) and len(row) == length and all(isinstance(number, int | float) for number in row)
