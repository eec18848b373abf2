"""Exact presentation times, and the repair of times that are missing or run backwards."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from retarget_cli.errors import InputError
from retarget_cli.utils.limits import FRAME_RATE, FRAME_SECONDS

T = TypeVar("T")
_HELD = 16  # frames with unusable times kept back at most while waiting for a usable one


@dataclass(frozen=True)
class Timing:
    """Exact presentation times of a clip's frames.

    time_base: seconds per tick, > 0.
    pts: strictly increasing ticks, the first is 0.
    end: the tick at which the last frame stops showing, > pts[-1].
    Raises ValueError when these do not hold.
    """

    time_base: Fraction
    pts: tuple[int, ...]
    end: int

    def __post_init__(self) -> None:
        if self.time_base <= 0:
            raise ValueError("the time base must be positive")
        if not self.pts or self.pts[0] != 0:
            raise ValueError("a clip needs at least one frame, and the first is at 0")
        if any(later <= earlier for earlier, later in pairwise((*self.pts, self.end))):
            raise ValueError("presentation times must be strictly increasing")

    @classmethod
    def constant(cls, frames: int, rate: Fraction | int) -> Timing:
        """`frames` frames at a constant `rate` per second."""
        return cls(1 / Fraction(rate), tuple(range(frames)), frames)

    @property
    def frames(self) -> int:
        """The number of frames."""
        return len(self.pts)

    @property
    def duration(self) -> Fraction:
        """Seconds from the first frame's appearance to the last one's end."""
        return self.end * self.time_base

    @property
    def rate(self) -> Fraction:
        """Average frames per second."""
        return self.frames / self.duration

    @property
    def is_constant(self) -> bool:
        """True when all frames show for the same time."""
        return len(set(self.durations)) == 1

    @property
    def durations(self) -> tuple[int, ...]:
        """For how many ticks each frame shows."""
        return tuple(later - earlier for earlier, later in pairwise((*self.pts, self.end)))

    def showing(self, tick: Fraction | int) -> int:
        """The frame that shows at a tick, the first one before it appears."""
        return max(0, bisect_right(self.pts, tick) - 1)

    def to_json(self) -> dict[str, Any]:
        """A plain dict, the inverse of from_json."""
        return {"time_base": str(self.time_base), "pts": list(self.pts), "end": self.end}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Timing:
        """Read what to_json wrote. Raises ValueError or KeyError for anything else."""
        return cls(Fraction(value["time_base"]), tuple(int(t) for t in value["pts"]), int(value["end"]))


def check_pace(timing: Timing, where: Path, error: type[InputError] = InputError) -> None:
    """Raise an `error` for frames that come absurdly fast, or show absurdly long: later steps count in both."""
    FRAME_RATE.check(float(min(timing.rate, Fraction(10**15))), "it has", where, error)
    longest = max(timing.durations) * timing.time_base
    FRAME_SECONDS.check(float(min(longest, Fraction(10**15))), "one frame shows for", where, error)


def repaired(items: Iterable[tuple[int | None, T]], step: int) -> Iterator[tuple[int, T]]:
    """Give every item a strictly increasing time, keeping each time that is usable.

    items: (time in ticks or None, anything) in presentation order. step: the nominal ticks per frame, >= 1.
    Items without a usable time (None, or not after the one before) are spread evenly up to the next usable time.
    When more than 16 in a row are unusable the clock has jumped: they follow one step apart and later times are
    shifted to continue from there. The result depends on the input alone, so two passes agree.
    """
    last: int | None = None
    offset = 0
    held: list[tuple[int | None, T]] = []
    for time, item in items:
        usable = time is not None and (last is None or time + offset > last)
        if not usable:
            held.append((time, item))
            if len(held) > _HELD:
                last, offset = yield from _stepped(held, last, offset, step)
                held = []
            continue
        assert time is not None
        now = time + offset
        if last is None:
            last = now - step * (len(held) + 1)
        before = last
        for index, (_, waiting) in enumerate(held, start=1):
            last = max(last + 1, before + (now - before) * index // (len(held) + 1))
            yield last, waiting
        held = []
        last = max(last + 1, now)
        yield last, item
    yield from _stepped(held, last, offset, step)


def _stepped(
    held: list[tuple[int | None, T]], last: int | None, offset: int, step: int
) -> Generator[tuple[int, T], None, tuple[int | None, int]]:
    """Yield the held items one step apart, or by their own clock once one of them has a time; return (last, offset)."""
    anchored = False
    for time, item in held:
        following = 0 if last is None else last + step
        if time is not None and not anchored:
            offset, anchored = following - time, True
        last = time + offset if time is not None and (last is None or time + offset > last) else following
        yield last, item
    return last, offset
