"""A motion as rows of text: its head of facts, and one row a frame and point."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import ceil, log10
from pathlib import Path
from typing import cast, get_args

import numpy as np

from retarget_cli.errors import InputError
from retarget_cli.media.timing import Timing, check_pace
from retarget_cli.motion.motion import Look, Motion, Space
from retarget_cli.motion.names import check_names, did_you_mean, listed, point_names, point_number
from retarget_cli.utils.interpolation import interpolated

VERSION = 1
EXPORT_AGAIN = "Export the motion again and change only what is in its rows."
FARTHEST = 100.0
"""No keypoint is so far outside the crop; larger numbers have lost their decimal point."""


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
    named: tuple[str, ...] = ()

    @classmethod
    def of(cls, motion: Motion) -> Head:
        """Return the head of a motion."""
        return cls(
            motion.space,
            motion.look,
            motion.networks,
            " ".join(motion.source.split()),
            motion.frame_size,
            motion.timing.time_base,
            motion.timing.end,
            motion.timing.frames,
            motion.points.shape[1],
            motion.named,
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
            **({"point_names": " ".join(self.named)} if self.named else {}),
        }

    @classmethod
    def read(cls, lines: Mapping[str, str], path: Path) -> Head:
        """Read what :meth:`lines` wrote; ignore other keys. Raises InputError, which names the key of a wrong value."""
        if lines.get("version") != str(VERSION):
            written = lines.get("version", "no")
            what = f"it is a motion of version {written}, and this program reads version {VERSION}"
            raise InputError(what, where=path, fix="Export the motion again with this program.")
        space = _take(lines, "space", "|".join(get_args(Space)), path)[0]
        look = _take({"look": "", **lines}, "look", "|".join(get_args(Look)), path)[0]
        base = _take(lines, "time_base", r"0*([1-9]\d{0,17})(?:/0*([1-9]\d{0,17}))?", path)
        time_base = Fraction(int(base[1]), int(base[2] or 1))
        size = _take(lines, "frame_size", r"([1-9]\d{0,5})x([1-9]\d{0,5})", path)
        count = int(_take(lines, "point_count", r"\d{1,4}", path)[0])
        return cls(
            cast(Space, space),
            cast(Look, look),
            _take(lines, "networks", r"[0-9a-f]+", path)[0],
            lines.get("source", ""),
            (int(size[1]), int(size[2])),
            time_base,
            nearest_tick(float(_take(lines, "duration", r"\d{1,9}(\.\d+)?", path)[0]), time_base),
            int(_take(lines, "frame_count", r"\d{1,6}", path)[0]),
            count,
            _named(lines.get("point_names", ""), count, path),
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
        what = f"cannot be '{lines[key]}'" if key in lines else "is missing"
        raise InputError(f"'{key}' at the head of the motion {what}", where=path, fix=EXPORT_AGAIN)
    return found


def _named(written: str, count: int, path: Path) -> tuple[str, ...]:
    names = tuple(re.split(r"[\s,]+", written)) if written else ()
    try:
        if names:
            check_names(names, count)
    except ValueError as error:
        what = f"'point_names' at the head of the motion cannot be right: {error}"
        raise InputError(what, where=path, fix=EXPORT_AGAIN) from error
    return names


@dataclass(frozen=True)
class Row:
    """One point on one frame. values: (x, y, confidence); where: in the file, for messages."""

    frame: int
    name: str
    values: tuple[float, float, float]
    where: str


@dataclass
class Rows:
    """Content of a file, frame by frame. seconds, places: of each frame; where: it says when a frame shows."""

    path: Path
    head: Head
    rows: list[Row] = field(default_factory=list)
    seconds: dict[int, float] = field(default_factory=dict)
    places: dict[int, tuple[float, ...]] = field(default_factory=dict)

    def motion(self) -> Motion:
        """The motion, with points that have no row on some frames interpolated between the rows that they have.

        The first and the last frame need rows of every point: what a file lost at its end is not made up.
        Raises InputError, which says where in the file.
        """
        timing = self._timing()
        names = self.head.named or point_names(self.head.points)
        found = _by_point(self.rows, names, self.head.frames, self.path)
        times = np.array(timing.pts, np.float64)
        values = np.stack([_filled(found[name], name, times, self.path) for name in names], axis=1).astype(np.float32)
        head = self.head
        with np.errstate(over="ignore"):  # noticed below
            places = np.array([self.places[frame] for frame in range(head.frames)], np.float32)
        points, confidence = np.ascontiguousarray(values[..., :2]), np.ascontiguousarray(values[..., 2])
        if not np.isfinite(places).all():
            raise InputError("a place or side of the crop is too large", where=self.path, fix=EXPORT_AGAIN)
        return Motion(
            points, confidence, timing, head.space, head.networks, places, head.frame_size, head.source, head.look,
            head.named,
        )  # fmt: skip

    def _timing(self) -> Timing:
        head, known = self.head, range(self.head.frames)
        missing = [frame for frame in known if frame not in self.seconds or frame not in self.places]
        if missing or not known or not head.points:
            lost = f"when frame {missing[0]} shows and where its crop is" if missing else "of any frame or point"
            raise InputError(f"it does not say {lost}", where=self.path, fix=EXPORT_AGAIN)
        pts = [nearest_tick(self.seconds[frame], head.time_base) for frame in known]
        if pts[0] != 0:
            fix = "Let the time of frame 0 be 0."
            raise InputError(f"frame 0 shows at {self.seconds[0]:g} s", where=self.path, fix=fix)
        for frame, (time, following) in enumerate(pairwise((*pts, head.end))):
            if following <= time:
                last = frame + 1 == head.frames
                what = f"frame {frame} shows at {self.seconds[frame]:g} s, and "
                what += "the duration is not longer" if last else f"frame {frame + 1} no later"
                fix = "Let the times of frames increase; the duration at the head of the file comes after them all."
                raise InputError(what, where=self.path, fix=fix)
        timing = Timing(head.time_base, tuple(pts), head.end)
        check_pace(timing, self.path)
        return timing


def number(value: object, what: str, where: str, path: Path, limit: float = math.inf) -> float:
    """`value` as a finite number, at most `limit` from zero. Raises InputError, which calls it `what`."""
    try:
        found = float(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        shown = "nothing" if value in ("", None) else f"'{value}'"
        fix = "Write a number like 0.25, or remove the row: points between others are interpolated."
        raise InputError(f"{what} is {shown} and not a number", where=f"{path}, {where}", fix=fix)
    if abs(found) > limit:
        fix = "Points in the crop lie from -1 to 1. Check that the program which saved the file kept decimal points."
        raise InputError(f"{what} is {found:g}, far outside", where=f"{path}, {where}", fix=fix)
    return found


def values_of(fields: Mapping[str, object], where: str, path: Path) -> tuple[float, float, float]:
    """(x, y, confidence) of a row; a confidence that is not there is 1. Raises InputError for what is no number."""
    x, y = (number(fields.get(name), name, where, path, FARTHEST) for name in ("x", "y"))
    written = fields.get("confidence")
    confidence = 1.0 if written in ("", None) else number(written, "confidence", where, path)
    if not 0 <= confidence <= 1:
        fix = "Write a number from 0 to 1, or nothing for 1."
        raise InputError(f"confidence is {confidence:g}", where=f"{path}, {where}", fix=fix)
    return x, y, confidence


def _by_point(rows: Sequence[Row], names: Sequence[str], frames: int, path: Path) -> dict[str, dict[int, Row]]:
    """Rows by point and frame. A point with a name is found by its number, ``p3``, too."""
    found: dict[str, dict[int, Row]] = {name: {} for name in names}
    for row in rows:
        where = f"{path}, {row.where}"
        number = point_number(row.name)
        name = row.name if number is None or number >= len(names) else names[number]
        if name not in found:
            fix = f"{did_you_mean(row.name, names)}The points are called {listed(names)}."
            raise InputError(f"there is no point '{row.name}'", where=where, fix=fix)
        if not 0 <= row.frame < frames:
            fix = f"Frames are numbered 0 to {frames - 1}."
            raise InputError(f"there is no frame {row.frame}", where=where, fix=fix)
        other = found[name].setdefault(row.frame, row)
        if other is not row:
            fix = f"Remove one of them; the other is at {other.where}."
            raise InputError(f"{name} has two rows on frame {row.frame}", where=where, fix=fix)
    return found


def _filled(found: Mapping[int, Row], name: str, times: np.ndarray, path: Path) -> np.ndarray:
    """(N, 3) values of one point on every frame."""
    last = len(times) - 1
    for frame in (0, last):
        if frame not in found:
            what = f"{name} has no row on frame {frame}" if found else f"{name} has no rows"
            fix = f"Keep its rows on the first and the last frame, 0 and {last}; only those between may be missing."
            raise InputError(what, where=path, fix=fix)
    frames = sorted(found)
    values = np.array([found[frame].values for frame in frames], np.float64)
    return interpolated(times[frames], values, times)
