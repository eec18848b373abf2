"""Jobs of a list: a pair with its settings, and what is to be made of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from retarget_cli.config import TrainConfig
from retarget_cli.errors import InputError, RetargetError
from retarget_cli.media.series.names import is_there
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.options import RenderOptions
from retarget_cli.pipeline.outputs import RESULTS, clip_names, pair_name

_LONGEST = 60  # characters of a variant


@dataclass(frozen=True)
class Job:
    """A pair to train, and what to make of it.

    variant: tells apart the trainings of one pair, ``.standard.seed2``; empty where there is one
    renders: the videos to make of it, without pair and file
    scored: whether both looks are scored
    place: where in the list it stands, for errors
    """

    a: ClipInput
    b: ClipInput
    config: TrainConfig
    variant: str = ""
    renders: tuple[RenderOptions, ...] = ()
    scored: bool = False
    place: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """``cat--fox.seed2``, as the folder of its results is called."""
        return pair_name(clip_names(self.a.path, self.b.path)) + self.variant


def variant_of(parts: Sequence[str]) -> str:
    """``.standard.seed2.texture-steps600`` for the words that tell a training from the others of its pair."""
    marks = [re.sub(r"[^\w+-]+", "-", part).strip("-") for part in parts]
    shown = "".join(f".{mark}" for mark in marks)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 9]}-{_short(shown)}"


def _short(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def check_names(jobs: Sequence[Job]) -> None:
    """Raise InputError for two jobs whose results would go to one folder."""
    seen: dict[str, Job] = {}
    for job in jobs:
        before = seen.setdefault(job.name.lower(), job)
        if before is job:
            continue
        if (before.a.path.resolve(), before.b.path.resolve()) == (job.a.path.resolve(), job.b.path.resolve()):
            what = f"the pair stands in {before.place} already"
            raise InputError(what, where=job.place, fix="Remove one of the two.")
        what = f"results would go to {RESULTS / job.name}, as those of {before.place}"
        raise InputError(what, where=job.place, fix="Give the clips of one of the two pairs other names.")


def check_two(a: Path, b: Path, place: str) -> None:
    """Raise InputError unless these are two clips that are there."""
    for clip in (a, b):
        if not is_there(clip):
            fix = "Check the path; a relative one starts at the folder of the list."
            raise InputError(f"there is no clip {clip}", where=place, fix=fix)
    if a.resolve() == b.resolve():
        raise InputError("both clips of the pair are the same", where=place, fix="Name two different clips.")


class placed:  # noqa: N801 - reads like a function
    """Within it, errors about an option name the place in the list instead."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RetargetError) and not (error.where or "").startswith(self._where):
            raise InputError(error.what, where=f"{self._where}, {error.where or ''}".rstrip(", "), fix=error.fix)
