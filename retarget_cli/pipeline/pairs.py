"""The list of pairs that `retarget train --pairs` trains."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from retarget_cli.errors import InputError
from retarget_cli.pipeline.outputs import RESULTS, clip_names, pair_name
from retarget_cli.utils.limits import TEXT_BYTES, read_limited


@dataclass(frozen=True)
class ListedPair:
    """Two clips of a list. line: where in the list they stand, from 1."""

    a: Path
    b: Path
    line: int

    @property
    def name(self) -> str:
        """``cat--fox``, as the folder of its results is called."""
        return pair_name(clip_names(self.a, self.b))


def read_pairs(file: Path) -> list[ListedPair]:
    """The pairs of a list: two paths a line, in quotes where they hold blanks or ``#``, which begins a comment.

    Relative paths start at the folder of the list. Raises InputError for a list that cannot be read or is empty, for a
    line that does not name two clips, and for two pairs that would share a folder of results.
    """
    try:
        lines = read_limited(file, TEXT_BYTES).decode("utf-8-sig").splitlines()
    except OSError as error:
        what = f"the list of pairs cannot be read: {error.strerror}"
        raise InputError(what, where=file, fix="Check the path.") from None
    except UnicodeDecodeError:
        fix = "Write a text file with two paths a line."
        raise InputError("the list of pairs is no text in UTF-8", where=file, fix=fix) from None
    pairs: dict[str, ListedPair] = {}
    for number, line in enumerate(lines, 1):
        place = f"{file}, line {number}"
        try:
            words = shlex.split(line, comments=True)
        except ValueError:  # a quote that is not closed
            fix = 'Put paths with blanks, apostrophes or # in double quotes, like "my cat.mp4".'
            raise InputError("a quote is opened and not closed", where=place, fix=fix) from None
        if words:
            pair = _pair(words, file.parent, number, place)
            _check_free(pair, pairs.get(pair.name), place)
            pairs[pair.name] = pair
    if not pairs:
        raise InputError("the list names no pairs", where=file, fix="Write the paths of two clips on each line.")
    return list(pairs.values())


def _pair(words: list[str], folder: Path, number: int, place: str) -> ListedPair:
    if len(words) != 2:
        what = f"{len(words)} path{'' if len(words) == 1 else 's'} instead of two"
        fix = 'Name A and B; paths with blanks or # go in quotes, like "my cat.mp4".'
        raise InputError(what, where=place, fix=fix)
    a, b = (folder / word for word in words)
    for clip in (a, b):
        if not _is_there(clip):
            fix = "Check the path; a relative one starts at the folder of the list."
            raise InputError(f"there is no clip {clip}", where=place, fix=fix)
    if a.resolve() == b.resolve():
        raise InputError("both clips of the pair are the same", where=place, fix="Name two different clips.")
    return ListedPair(a, b, number)


def _is_there(path: Path) -> bool:
    """Tell whether there is such a file or folder; no name that the system refuses has one."""
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, links in a circle, a zero byte
        return False


def _check_free(pair: ListedPair, before: ListedPair | None, place: str) -> None:
    if before is None:
        return
    if (pair.a.resolve(), pair.b.resolve()) == (before.a.resolve(), before.b.resolve()):
        raise InputError(f"the pair stands on line {before.line} already", where=place, fix="Remove one of the two.")
    what = f"results would go to {RESULTS / pair.name}, as those of line {before.line}"
    raise InputError(what, where=place, fix="Give the clips of one of the two pairs other names.")
