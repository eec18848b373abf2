"""Timecode, ``01:00:00:00``: the address of each frame of a shot (SMPTE ST 12-1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

_WRITTEN = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})([:;.])(\d{2,3})")
_DAY = 24 * 3600


@dataclass(frozen=True)
class Timecode:
    """frames: since midnight; rate: whole frames a second that it counts in; drop: it leaves out numbers, so that 29.97
    frames a second keep up with the clock.
    """

    frames: int
    rate: int
    drop: bool = False

    @classmethod
    def parse(cls, text: str, rate: Fraction) -> Timecode | None:
        """What is written in a file with that many frames a second, None when that is no timecode."""
        found = _WRITTEN.fullmatch(text.strip())
        whole = max(1, round(rate))
        if found is None or int(found[5]) >= whole or int(found[2]) > 59 or int(found[3]) > 59:
            return None
        hours, minutes, seconds, frames = (int(found[index]) for index in (1, 2, 3, 5))
        drop = found[4] != ":" and whole % 30 == 0
        count = ((hours * 60 + minutes) * 60 + seconds) * whole + frames
        if drop:
            passed = hours * 60 + minutes
            count -= _left_out(whole) * (passed - passed // 10)
        return cls(count, whole, drop)

    def later(self, frames: int) -> Timecode:
        """The timecode of a frame so much later."""
        return Timecode(self.frames + frames, self.rate, self.drop)

    def at(self, rate: Fraction) -> Timecode:
        """The same moment, counted in another number of frames a second."""
        whole = max(1, round(rate))
        if whole == self.rate:
            return self
        return Timecode(self.frames * whole // self.rate, whole, self.drop and whole % 30 == 0)

    @property
    def parts(self) -> tuple[int, int, int, int]:
        """Hours, minutes, seconds and frames."""
        count = self.frames
        if self.drop:
            out = _left_out(self.rate)
            ten, one = 600 * self.rate - 9 * out, 60 * self.rate - out
            tens, rest = divmod(count, ten)
            count += 9 * out * tens + (out * ((rest - out) // one) if rest >= 60 * self.rate else 0)
        seconds, frames = divmod(count, self.rate)
        seconds %= _DAY
        return seconds // 3600, seconds // 60 % 60, seconds % 60, frames

    def __str__(self) -> str:
        hours, minutes, seconds, frames = self.parts
        return f"{hours:02d}:{minutes:02d}:{seconds:02d}{';' if self.drop else ':'}{frames:02d}"


def _left_out(rate: int) -> int:
    """Numbers that are left out in each minute but every tenth."""
    return rate // 15
