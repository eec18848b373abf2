"""The exact times at which a result shows, and the moments of the driver that it shows then."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil

from retarget_cli.errors import UsageError
from retarget_cli.media.tempo import Moment, Tempo
from retarget_cli.media.timing import Timing

MOST_FRAMES = 100_000


@dataclass(frozen=True)
class Playing:
    """A driver being played.

    timing: when the frames of the result show. moments: for each of them, the moment of the driver that it shows, in
    ticks of the driver's clock, not always a whole one. first, stop: the driver's frames that play, stop excluded.
    """

    driver: Timing
    tempo: Tempo
    timing: Timing
    moments: tuple[Fraction, ...]
    first: int
    stop: int

    @property
    def shown(self) -> list[int]:
        """Which of its frames the driver shows at each moment."""
        return [self.driver.showing(moment) for moment in self.moments]

    @property
    def between(self) -> list[float]:
        """How far each moment is on the way from the frame that shows to the next, [0, 1); 0 on the last that plays."""
        pts = self.driver.pts
        return [
            float((moment - pts[index]) / (pts[index + 1] - pts[index])) if index + 1 < self.stop else 0.0
            for index, moment in zip(self.shown, self.moments, strict=True)
        ]

    @property
    def begin(self) -> int:
        """The tick of the driver's clock at which the part that plays begins."""
        return self.driver.pts[self.first]

    @property
    def end(self) -> int:
        """The tick at which it ends."""
        return _tick(self.driver, self.stop)

    @property
    def real_time(self) -> Timing:
        """The times of the result, were it not slowed down: what else is in the scene goes by these."""
        return Timing(self.timing.time_base / self.tempo.slow, self.timing.pts, self.timing.end)

    @property
    def is_plain(self) -> bool:
        """Whether every frame of the driver shows once, at its own time."""
        return self.timing == self.driver and self.moments == self.driver.pts


def play(tempo: Tempo, driver: Timing, name: str) -> Playing:
    """What follows from a tempo for a driver, which is called `name` in messages.

    A part begins with the frame that shows at its start. Without a frame rate every frame of the driver shows, at its
    own time, and in slow motion as many new ones between it and the next as keep the frames as dense as they were. A
    frame rate gives frames of equal length, as many as come nearest to the length of the part.
    Raises UsageError when the part lies outside the clip, is empty, or would give too many frames.
    """
    first, stop = _part(tempo, driver, name)
    begin, end = driver.pts[first], _tick(driver, stop)
    length = end - begin
    if tempo.rounds > 1 and stop - first < 2:
        raise UsageError("a single frame cannot be looped", where="--loop", fix="Choose a longer part.")
    seconds = length * driver.time_base * tempo.rounds * tempo.slow
    between = max(1, ceil(tempo.slow))
    count = (stop - first) * tempo.rounds * between if tempo.fps is None else max(1, round(seconds * tempo.fps))
    if count > MOST_FRAMES:
        fix = f"Choose a shorter part, fewer frames a second or fewer rounds: at most {MOST_FRAMES} frames."
        raise UsageError(f"the result would have {count} frames", where="--fps, --slow, --loop", fix=fix)
    if tempo.fps is None:
        timing, passed = _own_frames(tempo, driver, first, stop, between)
    else:
        timing = Timing.constant(count, tempo.fps)
        passed = [index / tempo.fps / tempo.slow / driver.time_base for index in range(count)]
    return Playing(driver, tempo, timing, tuple(begin + ticks % length for ticks in passed), first, stop)


def _own_frames(tempo: Tempo, driver: Timing, first: int, stop: int, between: int) -> tuple[Timing, list[Fraction]]:
    """The times of the driver's frames and `between` - 1 new ones after each, and the ticks passed until each."""
    ends = [_tick(driver, index) - driver.pts[first] for index in range(first, stop + 1)]
    pts = [
        between * (around * ends[-1] + start) + part * (end - start)
        for around in range(tempo.rounds)
        for start, end in pairwise(ends)
        for part in range(between)
    ]
    timing = Timing(driver.time_base * tempo.slow / between, tuple(pts), between * tempo.rounds * ends[-1])
    return timing, [Fraction(tick, between) for tick in pts]


def _part(tempo: Tempo, driver: Timing, name: str) -> tuple[int, int]:
    """The first frame that plays and the one after the last."""
    first = 0 if tempo.start is None else frame_at(tempo.start, driver, name, "--from")
    if tempo.stop is None:
        return first, driver.frames
    stop = _first_from(tempo.stop, driver, name)
    if _seconds(tempo.stop, driver) <= (0 if tempo.start is None else _seconds(tempo.start, driver)):
        fix = "Let --to be later than --from."
        raise UsageError(f"{name} would end at {tempo.stop.text}, before it begins", where="--to", fix=fix)
    return first, stop


def frame_at(moment: Moment, driver: Timing, name: str, option: str) -> int:
    """The frame that shows at a moment."""
    seconds = _seconds(moment, driver)
    if seconds >= driver.duration:
        raise _outside(moment, driver, name, option)
    return driver.showing(seconds / driver.time_base)


def _first_from(moment: Moment, driver: Timing, name: str) -> int:
    """The first frame that appears at a moment or after it; the number of frames at the clip's very end."""
    seconds = _seconds(moment, driver)
    if seconds > driver.duration:
        raise _outside(moment, driver, name, "--to")
    return next((i for i, pts in enumerate(driver.pts) if pts * driver.time_base >= seconds), driver.frames)


def _seconds(moment: Moment, driver: Timing) -> Fraction:
    """Seconds from the driver's first frame; those of frames beyond its end lie beyond its end."""
    if not moment.is_frame:
        return moment.value
    beyond = max(0, int(moment.value) - driver.frames)
    return _tick(driver, min(int(moment.value), driver.frames)) * driver.time_base + beyond


def _tick(driver: Timing, index: int) -> int:
    """When frame `index` appears; the clip's end for the one after the last."""
    return (*driver.pts[index : index + 1], driver.end)[0]


def _outside(moment: Moment, driver: Timing, name: str, option: str) -> UsageError:
    fix = f"{name} lasts {float(driver.duration):.3f} s and has {driver.frames} frames, 0f to {driver.frames - 1}f."
    return UsageError(f"{name} has ended before {moment.text}", where=option, fix=fix)
