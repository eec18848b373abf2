"""Names of keypoints, and the words that select some of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from retarget_cli.errors import UsageError

ALL = "all"
"""The word for every keypoint, where an option takes it; no keypoint is called so."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_NUMBER = re.compile(r"p([0-9]{1,4})")


def point_names(count: int) -> tuple[str, ...]:
    """``p0``, ``p1``, ...: what keypoints are called that networks found by themselves, without meaning."""
    return tuple(f"p{index}" for index in range(count))


def point_number(word: str) -> int | None:
    """3 for ``p3``, which every pair understands; None for any other word."""
    found = _NUMBER.fullmatch(word)
    return int(found[1]) if found else None


def check_names(names: Sequence[str], count: int) -> None:
    """ValueError unless these can be the names of `count` keypoints: as many, lower case, none twice, no ``p3``."""
    if len(names) != count or len(set(names)) != count:
        raise ValueError(f"{count} keypoints cannot have {len(set(names))} names")
    for name in names:
        if not _NAME.fullmatch(name) or name == ALL or point_number(name) is not None:
            raise ValueError(f"no keypoint can be called {name!r}")


def listed(names: Sequence[str]) -> str:
    """``nose, nape, tail``, or ``p0 to p9`` where they are nothing but numbers."""
    if len(names) > 1 and tuple(names) == point_names(len(names)):
        return f"{names[0]} to {names[-1]}"
    return ", ".join(names)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``Did you mean tail?`` with a blank behind it; nothing when no known word is like `word`."""
    near = get_close_matches(word, list(known), 1)
    return f"Did you mean {near[0]}? " if near else ""


def select_points(words: Iterable[str], names: Sequence[str], option: str, everything: bool = False) -> tuple[int, ...]:
    """The numbers of the keypoints that `words` select, in the order of the words, each once.

    A word is a name, or a number like ``p3``, or a part of names: ``foot`` selects ``hind_foot_1`` and ``fore_foot_2``,
    ``fore_foot`` only the latter. Parts are what lies between ``_``.
    names: of all keypoints; empty where they have only numbers, and how many there are is not known.
    everything: whether ``all`` selects all of them.
    Raises UsageError, with the names and the nearest one, for a word that selects nothing.
    """
    chosen: dict[int, None] = {}
    for word in (written.strip() for written in words):
        numbers = range(len(names)) if everything and word == ALL else _selected(word, names)
        if not numbers:
            raise _unknown(word, names, option, everything)
        chosen |= dict.fromkeys(numbers)
    return tuple(chosen)


def _selected(word: str, names: Sequence[str]) -> Sequence[int]:
    if word in names:
        return [names.index(word)]
    number = point_number(word)
    if number is not None:
        return [number] if not names or number < len(names) else []
    return [index for index, name in enumerate(names) if word in _runs(name)]


def _runs(name: str) -> list[str]:
    """Every run of a name's parts: ``hind``, ``hind_foot``, ``foot``."""
    parts = name.split("_")
    ends = range(len(parts) + 1)
    return ["_".join(parts[start:stop]) for start in ends for stop in ends[start + 1 :]]


def _unknown(word: str, names: Sequence[str], option: str, everything: bool) -> UsageError:
    what = f"there is no keypoint '{word}'"
    if not names:
        fix = "Those of this pair have numbers: p0,p3. `retarget keypoints export` draws them with their names."
        return UsageError(what, where=option, fix=fix)
    known = dict.fromkeys((*names, *(run for name in names for run in _runs(name) if not run.isdigit())))
    rules = ["a part of a name means all that have it"] if tuple(names) != point_names(len(names)) else []
    rules += [f"'{ALL}' means all of them"] if everything else []
    told = "; ".join([f"The keypoints are {listed(names)}", *rules])
    fix = f"{did_you_mean(word, known)}{told}. `retarget keypoints export` draws them with their names."
    return UsageError(what, where=option, fix=fix)
