"""Edits as people write them on a command line."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from retarget_cli.errors import UsageError
from retarget_cli.media.playback import Moment, Tempo, frame_at, play
from retarget_cli.motion import edits
from retarget_cli.motion.files import read_motion
from retarget_cli.motion.motion import Motion
from retarget_cli.motion.names import select_points

Edit = Callable[[Motion], Motion]
"""Raises UsageError for points, frames or motions that do not fit the motion it is given."""

MOST = 10.0
"""The largest factor of an exaggeration, and the farthest that a point is moved."""


def parse_edits(
    written: Iterable[tuple[str, str]], start: str | float | None = None, stop: str | float | None = None
) -> list[Edit]:
    """Edits in their order, from (option, value): ``("--move", "tail,p4=0.1,-0.05")``.

    --move POINTS=DX,DY; --freeze POINTS or POINTS@TIME; --exaggerate FACTOR or POINTS=FACTOR; --blend FILE or
    FILE:SHARE; --between TIME,TIME; --backwards. POINTS: words with commas between them as
    :func:`~retarget_cli.motion.names.select_points` takes them, or ``all``. start, stop: the part of the motion that
    --move, --freeze and --exaggerate change, as for a :class:`Tempo`.
    Raises UsageError for what makes no sense whatever the motion; InputError when the motion to blend cannot be read.
    """
    tempo = Tempo.parse(start, stop)
    return [_PARSERS[option](value, tempo) for option, value in written]


def edited(motion: Motion, changes: Iterable[Edit]) -> Motion:
    """The motion after all changes, one after the other. UsageError when one of them leads out of all bounds."""
    with np.errstate(over="ignore", invalid="ignore"):
        for change in changes:
            try:
                motion = change(motion)
            except ValueError as error:
                fix = "Give smaller numbers to the options that edit."
                raise UsageError(f"after this edit, {error}", where="keypoints apply", fix=fix) from None
    return motion


def point_numbers(text: str, motion: Motion, option: str) -> tuple[int, ...]:
    """The keypoints that ``tail,p4`` or ``all`` selects. Raises UsageError, which names those that there are."""
    return select_points(text.split(","), motion.names, option, everything=True)


def _move(value: str, tempo: Tempo) -> Edit:
    names, _, written = value.rpartition("=")
    by = [_number(word) for word in written.split(",")]
    if not names or len(by) != 2 or not all(abs(number) <= MOST for number in by):
        raise _unclear(
            value, "--move", "tail=0.1,-0.05 or p3,p4=0.1,-0.05: points, to the right, down, in half sides of the crop"
        )
    return lambda motion: edits.move(
        motion, (by[0], by[1]), point_numbers(names, motion, "--move"), _part(motion, tempo)
    )


def _freeze(value: str, tempo: Tempo) -> Edit:
    names, _, time = value.partition("@")
    moment = Moment.parse(time, "--freeze") if "@" in value else None

    def change(motion: Motion) -> Motion:
        frame = None if moment is None else frame_at(moment, motion.timing, _name(motion), "--freeze")
        return edits.freeze(motion, point_numbers(names, motion, "--freeze"), _part(motion, tempo), frame)

    return change


def _exaggerate(value: str, tempo: Tempo) -> Edit:
    names, _, written = value.rpartition("=")
    factor = _number(written)
    if not 0 <= factor <= MOST:
        raise _unclear(value, "--exaggerate", f"1.5 or tail=1.5: a factor from 0 to {MOST:g}")
    return lambda motion: edits.exaggerate(
        motion, factor, point_numbers(names or "all", motion, "--exaggerate"), _part(motion, tempo)
    )


def _blend(value: str, _tempo: Tempo) -> Edit:
    file, _, written = value.rpartition(":")
    share = _number(written) if file else math.nan
    if math.isnan(share):
        file, share = value, 0.5
    if not 0 <= share <= 1:
        raise _unclear(value, "--blend", "other.csv or other.csv:0.3: a share from 0 to 1")
    other = read_motion(Path(file))

    def change(motion: Motion) -> Motion:
        try:
            return edits.blend(motion, other, share)
        except ValueError as error:
            fix = "Export both from the same trained pair, with the same --look, and both with --raw or neither."
            raise UsageError(f"{error}: {file}", where="--blend", fix=fix) from error

    return change


def _between(value: str, _tempo: Tempo) -> Edit:
    times = value.split(",")
    if len(times) != 2:
        raise _unclear(value, "--between", "10f,40f or 0.4,1.6: two frames or times")
    moments = [Moment.parse(time, "--between") for time in times]

    def change(motion: Motion) -> Motion:
        first, last = (frame_at(moment, motion.timing, _name(motion), "--between") for moment in moments)
        if last <= first:
            what = f"{moments[1].text} is not after {moments[0].text}"
            raise UsageError(what, where="--between", fix="Give the earlier one first.")
        return edits.between(motion, first, last)

    return change


_PARSERS: dict[str, Callable[[str, Tempo], Edit]] = {
    "--move": _move,
    "--freeze": _freeze,
    "--exaggerate": _exaggerate,
    "--blend": _blend,
    "--between": _between,
    "--backwards": lambda _value, _tempo: edits.backwards,
}


def _part(motion: Motion, tempo: Tempo) -> range:
    playing = play(tempo, motion.timing, _name(motion))
    return range(playing.first, playing.stop)


def _name(motion: Motion) -> str:
    return f"the motion of {motion.source}" if motion.source else "the motion"


def _number(text: str) -> float:
    """The number that is written, NaN if there is none."""
    return float(text) if re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)\s*", text) else math.nan


def _unclear(value: str, option: str, example: str) -> UsageError:
    return UsageError(f"'{value}' cannot be understood", where=option, fix=f"Write it like {example}.")
