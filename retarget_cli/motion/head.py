"""What a motion file for people says before its rows: everything that is the same for every frame."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, log10
from pathlib import Path
from typing import cast, get_args

from retarget_cli.errors import InputError
from retarget_cli.motion.motion import Look, Motion, Space

VERSION = 1
EXPORT_AGAIN = "Export the motion again and change only what is in its rows."


@dataclass(frozen=True)
class Head:
    """frames, points: how many there are; end: the tick at which the last frame stops showing. Others as in Motion."""

    space: Space
    look: Look
    networks: str
    source: str
    frame_size: tuple[int, int]
    time_base: Fraction
    end: int
    frames: int
    points: int

    @classmethod
    def of(cls, motion: Motion) -> Head:
        """What is said of a motion."""
        return cls(
            motion.space,
            motion.look,
            motion.networks,
            " ".join(motion.source.split()),
            motion.frame_size,
            motion.timing.time_base,
            motion.timing.end,
            *motion.points.shape[:2],
        )

    def lines(self) -> dict[str, str]:
        """Key → value, as :meth:`read` takes them."""
        return {
            "version": str(VERSION),
            "source": self.source,
            "space": self.space,
            "look": self.look,
            "networks": self.networks,
            "frame_size": f"{self.frame_size[0]}x{self.frame_size[1]}",
            "time_base": str(self.time_base),
            "duration": self.seconds(self.end),
            "frame_count": str(self.frames),
            "point_count": str(self.points),
        }

    @classmethod
    def read(cls, lines: Mapping[str, str], path: Path) -> Head:
        """What :meth:`lines` wrote; other keys are let be. Raises InputError, which names the key, for other values."""
        if lines.get("version") != str(VERSION):
            written = lines.get("version", "no")
            what = f"it is a motion of version {written}, and this program reads version {VERSION}"
            raise InputError(what, where=path, fix="Export the motion again with this program.")
        space = _take(lines, "space", "|".join(get_args(Space)), path)[0]
        look = _take({"look": "", **lines}, "look", "|".join(get_args(Look)), path)[0]
        base = _take(lines, "time_base", r"0*([1-9]\d{0,17})(?:/0*([1-9]\d{0,17}))?", path)
        time_base = Fraction(int(base[1]), int(base[2] or 1))
        size = _take(lines, "frame_size", r"([1-9]\d{0,5})x([1-9]\d{0,5})", path)
        return cls(
            cast(Space, space),
            cast(Look, look),
            _take(lines, "networks", r"[0-9a-f]+", path)[0],
            lines.get("source", ""),
            (int(size[1]), int(size[2])),
            time_base,
            nearest_tick(float(_take(lines, "duration", r"\d{1,9}(\.\d+)?", path)[0]), time_base),
            int(_take(lines, "frame_count", r"\d{1,6}", path)[0]),
            int(_take(lines, "point_count", r"\d{1,4}", path)[0]),
        )

    def seconds(self, tick: int) -> str:
        """A time in seconds with as many digits as tell it from the next tick's."""
        digits = max(3, ceil(-log10(self.time_base)) + 1)
        return f"{float(tick * self.time_base):.{digits}f}"


def nearest_tick(seconds: float, time_base: Fraction) -> int:
    """The tick that is nearest to a time."""
    return round(Fraction(seconds) / time_base)


def _take(lines: Mapping[str, str], key: str, pattern: str, path: Path) -> re.Match[str]:
    found = re.fullmatch(pattern, lines.get(key, ""))
    if found is None:
        raise _wrong(path, key, f"cannot be '{lines[key]}'" if key in lines else "is missing")
    return found


def _wrong(path: Path, key: str, what: str) -> InputError:
    return InputError(f"'{key}' at the head of the motion {what}", where=path, fix=EXPORT_AGAIN)
