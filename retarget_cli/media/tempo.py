"""How a driver is to be played, as people write it: which part, at which frame rate, how fast, how often."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from retarget_cli.errors import UsageError

FASTEST, SLOWEST = Fraction(1, 16), 64
HIGHEST_RATE = 240
MOST_ROUNDS = 1000
_ROUNDED_RATES = {  # as people write what is exactly n * 1000 / 1001
    "23.976": Fraction(24000, 1001),
    "29.97": Fraction(30000, 1001),
    "59.94": Fraction(60000, 1001),
    "119.88": Fraction(120000, 1001),
}
_DECIMAL = r"\d+(?:\.\d*)?|\.\d+"


@dataclass(frozen=True)
class Moment:
    """A place in a clip. value: seconds from its first frame, or the number of a frame, from 0. text: as written."""

    value: Fraction
    is_frame: bool
    text: str

    @classmethod
    def parse(cls, text: str | float, option: str) -> Moment:
        """``12.5`` and ``1:02:03.5`` are times, ``12f`` is a frame. Raises UsageError, which names `option`."""
        written = str(text).strip()
        frame = re.fullmatch(r"(\d+)f", written)
        if frame:
            return cls(Fraction(frame[1]), True, written)
        clock = re.fullmatch(rf"(?:(?:(\d+):)?(\d{{1,2}}):)?({_DECIMAL})s?", written)
        if clock is None or (clock[2] and Fraction(clock[3]) >= 60) or (clock[1] and int(clock[2]) >= 60):
            fix = "Write seconds (12.5), a time (1:02.5 or 0:01:02.5) or a frame (12f)."
            raise UsageError(f"'{text}' is not a time", where=option, fix=fix)
        return cls(3600 * int(clock[1] or 0) + 60 * int(clock[2] or 0) + Fraction(clock[3]), False, written)


@dataclass(frozen=True)
class Tempo:
    """How a driver is played. start, stop: the part that plays, None for the clip's ends; stop itself does not.

    fps: frames a second of the result, None for the driver's own frames. slow: how many times longer it takes.
    rounds: how often the part plays, its end leading into its beginning.
    """

    start: Moment | None = None
    stop: Moment | None = None
    fps: Fraction | None = None
    slow: Fraction = Fraction(1)
    rounds: int = 1

    @classmethod
    def parse(
        cls,
        start: str | float | None = None,
        stop: str | float | None = None,
        fps: str | float | None = None,
        slow: str | float | None = None,
        rounds: int = 1,
    ) -> Tempo:
        """From what people write. Raises UsageError for what makes no sense whatever the clip."""
        rate = None if fps is None else _rate(fps)
        factor = Fraction(1) if slow is None else _number(slow, "--slow", "a factor", "4")
        if not FASTEST <= factor <= SLOWEST:
            fix = f"Give a factor from {FASTEST} to {SLOWEST}: 4 takes four times as long, 0.5 half as long."
            raise UsageError(f"nothing can be played {slow} times as slow", where="--slow", fix=fix)
        if not 1 <= rounds <= MOST_ROUNDS:
            fix = f"Give a number from 1 to {MOST_ROUNDS}."
            raise UsageError(f"nothing can be played {rounds} times", where="--loop", fix=fix)
        return cls(
            None if start is None else Moment.parse(start, "--from"),
            None if stop is None else Moment.parse(stop, "--to"),
            rate,
            factor,
            rounds,
        )

    @property
    def keeps_sound(self) -> bool:
        """Whether the driver's sound still fits the picture."""
        return self.slow == 1 and self.rounds == 1


def parse_smooth(text: str | float) -> float | Literal["auto"]:
    """``auto`` or a number from 0 to 1. Raises UsageError for anything else."""
    if text == "auto":
        return "auto"
    strength = float(_number(text, "--smooth", "a strength", "0.2, or auto"))
    if not 0 <= strength <= 1:
        fix = "Give a number from 0 (not at all) to 1, or auto."
        raise UsageError(f"poses cannot be steadied by {text}", where="--smooth", fix=fix)
    return strength


def _rate(text: str | float) -> Fraction:
    written = str(text).strip()
    rate = _ROUNDED_RATES.get(written) or _number(written, "--fps", "a frame rate", "60 or 30000/1001")
    if not 0 < rate <= HIGHEST_RATE:
        fix = f"Give frames a second, more than 0 and at most {HIGHEST_RATE}."
        raise UsageError(f"{text} frames a second make no video", where="--fps", fix=fix)
    return rate


def _number(text: str | float, option: str, what: str, example: str) -> Fraction:
    written = str(text).strip()
    if not re.fullmatch(rf"-?(?:{_DECIMAL}|\d+/0*[1-9]\d*)", written):
        raise UsageError(f"'{text}' is not {what}", where=option, fix=f"Write it like {example}.")
    return Fraction(written)
