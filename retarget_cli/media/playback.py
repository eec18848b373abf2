"""Playing a driver at another speed, in part, in a loop: the exact times of a result, and its background's."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Literal

from retarget_cli.errors import UsageError
from retarget_cli.media.timing import Timing

FASTEST, SLOWEST = Fraction(1, 16), 64
HIGHEST_RATE = 240
MOST_ROUNDS = 1000
MOST_FRAMES = 100_000
SLOWEST_BACKGROUND = 2  # a background may run at half its speed before it has to run back and forth
_ROUNDED_RATES = {  # as people write what is exactly n * 1000 / 1001
    "23.976": Fraction(24000, 1001),
    "29.97": Fraction(30000, 1001),
    "59.94": Fraction(60000, 1001),
    "119.88": Fraction(120000, 1001),
}
_DECIMAL = r"\d+(?:\.\d*)?|\.\d+"


@dataclass(frozen=True)
class Moment:
    """A place in a clip. value: seconds from its first frame, or the number of a frame. text: as written.

    base: the number of the clip's first frame.
    """

    value: Fraction
    is_frame: bool
    text: str
    base: int = 0

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
    """Playback of a driver, as asked for.

    start, stop: the part that plays, None for the clip's ends; stop itself does not play.
    fps: frames a second of the result, None for the driver's own frames.
    slow: how many times longer it takes.
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
        rate = None if fps is None else parse_rate(fps)
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

    def counted_from(self, number: int) -> Tempo:
        """The same for a driver whose first frame has that number."""
        start, stop = (moment and replace(moment, base=number) for moment in (self.start, self.stop))
        return replace(self, start=start, stop=stop)

    @property
    def keeps_sound(self) -> bool:
        """True when the driver's sound still fits the picture."""
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


@dataclass(frozen=True)
class Playing:
    """A driver being played.

    timing: when the frames of the result show.
    moments: for each of them, the moment of the driver that it shows, in ticks of the driver's clock, not always a
    whole one.
    first, stop: the driver's frames that play, stop excluded.
    offset: seconds of the driver's file before its first frame.
    """

    driver: Timing
    tempo: Tempo
    timing: Timing
    moments: tuple[Fraction, ...]
    first: int
    stop: int
    offset: Fraction = Fraction(0)

    @property
    def shown(self) -> list[int]:
        """Frames of the driver that show at each moment."""
        return [self.driver.showing(moment) for moment in self.moments]

    @property
    def between(self) -> list[float]:
        """Share of the time from the frame that shows to the next at each moment, [0, 1); 0 on the last that plays."""
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
    def sound_start(self) -> Fraction:
        """Seconds of the driver's file before what is heard first."""
        return self.offset + self.begin * self.driver.time_base

    @property
    def real_time(self) -> Timing:
        """The times of the result, were it not slowed down: what else is in the scene goes by these."""
        return Timing(self.timing.time_base / self.tempo.slow, self.timing.pts, self.timing.end)

    @property
    def is_plain(self) -> bool:
        """True when every frame of the driver shows once, at its own time."""
        return self.timing == self.driver and self.moments == self.driver.pts


def play(tempo: Tempo, driver: Timing, name: str, offset: Fraction = Fraction(0)) -> Playing:
    """Play a driver, which is called `name` in messages, at a tempo. offset: see :class:`Playing`.

    A part begins with the frame that shows at its start. Without a frame rate every frame of the driver shows, at its
    own time, and in slow motion as many new ones between it and the next as keep the frames as dense as they were. A
    frame rate gives frames of equal length, as many as come nearest to the length of the part.
    Raises UsageError when the part lies outside the clip, is empty, or would give too many frames.
    """
    first, stop = part_of(tempo, driver, name)
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
    return Playing(driver, tempo, timing, tuple(begin + ticks % length for ticks in passed), first, stop, offset)


def frame_at(moment: Moment, driver: Timing, name: str, option: str) -> int:
    """The frame that shows at a moment."""
    seconds = _seconds(moment, driver)
    if seconds >= driver.duration:
        raise _outside(moment, driver, name, option)
    return driver.showing(seconds / driver.time_base)


def background_moments(driver: Timing, subject: Timing) -> list[Fraction]:
    """The tick of the subject's clip that shows when each frame of the driver does.

    The subject plays from its start. When the driver lasts longer, the subject is slowed down to fit, at most
    SLOWEST_BACKGROUND times; what is still missing is filled by running back and forth.
    """
    slow = min(max(driver.duration / subject.duration, Fraction(1)), Fraction(SLOWEST_BACKGROUND))
    there_and_back = 2 * subject.duration
    moments = []
    for pts in driver.pts:
        moment = (pts * driver.time_base / slow) % there_and_back
        moments.append(min(moment, there_and_back - moment) / subject.time_base)
    return moments


def background_frames(driver: Timing, subject: Timing) -> list[int]:
    """Index of the subject's frame that shows when each frame of the driver does, see :func:`background_moments`."""
    return [subject.showing(moment) for moment in background_moments(driver, subject)]


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


def part_of(tempo: Tempo, driver: Timing, name: str) -> tuple[int, int]:
    """The first frame that plays and the one after the last. Raises UsageError as :func:`play` does."""
    first = 0 if tempo.start is None else frame_at(tempo.start, driver, name, "--from")
    if tempo.stop is None:
        return first, driver.frames
    stop = _first_from(tempo.stop, driver, name)
    if _seconds(tempo.stop, driver) <= (0 if tempo.start is None else _seconds(tempo.start, driver)):
        fix = "Let --to be later than --from."
        raise UsageError(f"{name} would end at {tempo.stop.text}, before it begins", where="--to", fix=fix)
    return first, stop


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
    index = int(moment.value) - moment.base
    if index < 0:
        return driver.duration + 1  # outside
    return _tick(driver, min(index, driver.frames)) * driver.time_base + max(0, index - driver.frames)


def _tick(driver: Timing, index: int) -> int:
    """Return when frame `index` appears; the clip's end for the one after the last."""
    return (*driver.pts[index : index + 1], driver.end)[0]


def _outside(moment: Moment, driver: Timing, name: str, option: str) -> UsageError:
    ends = f"{moment.base}f to {moment.base + driver.frames - 1}f"
    fix = f"{name} lasts {float(driver.duration):.3f} s and has {driver.frames} frames, {ends}."
    before = moment.is_frame and moment.value < moment.base
    what = f"{name} begins after {moment.text}" if before else f"{name} has ended before {moment.text}"
    return UsageError(what, where=option, fix=fix)


def parse_rate(text: str | float, option: str = "--fps") -> Fraction:
    """Frames a second, more than 0 and at most 240. Raises UsageError for anything else."""
    written = str(text).strip()
    rate = _ROUNDED_RATES.get(written) or _number(written, option, "a frame rate", "60 or 30000/1001")
    if not 0 < rate <= HIGHEST_RATE:
        fix = f"Give frames a second, more than 0 and at most {HIGHEST_RATE}."
        raise UsageError(f"{text} frames a second make no video", where=option, fix=fix)
    return rate


def _number(text: str | float, option: str, what: str, example: str) -> Fraction:
    written = str(text).strip()
    if not re.fullmatch(rf"-?(?:{_DECIMAL}|\d+/0*[1-9]\d*)", written):
        raise UsageError(f"'{text}' is not {what}", where=option, fix=f"Write it like {example}.")
    return Fraction(written)
