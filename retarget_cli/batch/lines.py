"""Lists of pairs, two paths a line."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from retarget_cli.batch.jobs import check_two
from retarget_cli.errors import InputError


@dataclass(frozen=True)
class ListedPair:
    """Two clips of a list. place: the list and the line, for errors."""

    a: Path
    b: Path
    place: str


def read_lines(content: str, file: Path) -> list[ListedPair]:
    """The pairs of a list: two paths a line, in quotes where they hold blanks or ``#``, which begins a comment.

    Relative paths start at the folder of the list. Raises InputError for a list without pairs, and for a line that does
    not name two clips.
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
    if len(words) != 2:
        what = f"{len(words)} path{'' if len(words) == 1 else 's'} instead of two"
        fix = 'Name A and B; paths with blanks or # go in quotes, like "my cat.mp4".'
        raise InputError(what, where=place, fix=fix)
    a, b = (folder / word for word in words)
    check_two(a, b, place)
    return ListedPair(a, b, place)
