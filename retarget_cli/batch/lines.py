"""Lists of pairs, one a line: two paths, and what is to be said of the clips."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retarget_cli.batch.jobs import check_two, placed
from retarget_cli.errors import InputError, UsageError
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.footage.told import clips_of_pair
from retarget_cli.utils.fields import nearest

SAID = {
    "--mask-a": "mask_a", "--mask-b": "mask_b", "--box-a": "box_a", "--box-b": "box_b", "--fps-in": "fps_in",
    "--from": "begin", "--to": "end", "--cuts": "cuts", "--colour": "colour",
}  # fmt: skip
"""The options of `train` that a line takes for its pair, with the arguments of :func:`~.clips_of_pair`."""


@dataclass(frozen=True)
class ListedPair:
    """Two clips of a list. place: the list and the line, for errors."""

    a: ClipInput
    b: ClipInput
    place: str


def read_lines(content: str, file: Path) -> list[ListedPair]:
    """The pairs of a list: two paths a line, in quotes where they hold blanks or ``#``, which begins a comment.

    Options of `SAID` may follow the paths. Relative paths start at the folder of the list. Raises InputError for a list
    without pairs, for a line that does not name two clips, and for what its options cannot mean.
    """
    pairs = []
    for number, line in enumerate(content.splitlines(), 1):
        place = f"{file}, line {number}"
        try:
            words = shlex.split(line, comments=True)
        except ValueError:  # a quote that is not closed
            fix = 'Put paths with blanks, apostrophes or # in double quotes, like "my cat.mp4".'
            raise InputError("a quote is opened and not closed", where=place, fix=fix) from None
        if words:
            pairs.append(_pair(words, file.parent, place))
    if not pairs:
        raise InputError("the list names no pairs", where=file, fix="Write the paths of two clips on each line.")
    return pairs


def _pair(words: list[str], folder: Path, place: str) -> ListedPair:
    count = next((index for index, word in enumerate(words) if word.startswith("--")), len(words))
    if count != 2:
        what = f"{count} path{'' if count == 1 else 's'} instead of two"
        fix = 'Name A and B; paths with blanks or # go in quotes, like "my cat.mp4".'
        raise InputError(what, where=place, fix=fix)
    a, b = (folder / word for word in words[:2])
    check_two(a, b, place)
    with placed(place):
        return ListedPair(*clips_of_pair(a, b, **_said(words[2:], folder)), place)


def _said(words: Sequence[str], folder: Path) -> dict[str, Any]:
    """Arguments of :func:`~.clips_of_pair`. Raises UsageError for words that are no such options."""
    said: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        name, joined, value = word.partition("=")
        if name not in SAID:
            raise UsageError(f"'{name}' is not said of a pair", fix=nearest(name, tuple(SAID)))
        if not joined and (value := next(rest, "--")).startswith("--"):
            raise UsageError(f"{name} says nothing", fix=f"Write a value after it, like {name}=VALUE.")
        key = SAID[name]
        if key in ("box_a", "box_b"):
            said.setdefault(key, []).append(value)
        else:
            said[key] = folder / value if key in ("mask_a", "mask_b") else value
    return said
