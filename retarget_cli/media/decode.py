"""Streaming frames out of a video file, and reading it through once to learn its exact timing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np

from retarget_cli.errors import MediaError
from retarget_cli.media.errors import reading
from retarget_cli.media.picture import Channels, Converter, geometry_of
from retarget_cli.media.probe import VideoInfo, info_of
from retarget_cli.media.sequence import open_source
from retarget_cli.media.timing import Timing, check_pace
from retarget_cli.utils.limits import FRAMES

_AGAIN = "Copy or export the file again; to use only the part that can be read, convert that part to a new MP4 first."


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame. index from 0; pts in ticks of the clip's time base, the first frame's is 0.

    image: (H, W, 3), (H, W, 4) with straight alpha, or (H, W); uint8, upright, square pixels.
    """

    index: int
    pts: int
    image: np.ndarray


@dataclass(frozen=True)
class Scan:
    """Facts from reading a whole clip."""

    info: VideoInfo
    timing: Timing


def read_frames(
    path: Path, *, size: tuple[int, int] | None = None, channels: Channels = "rgb", start: int = 0
) -> Iterator[Frame]:
    """Yield the frames one by one; memory does not grow with the length of the clip.

    size: (w, h) to resize every frame to; None keeps the native one.
    channels: transparent parts are black in ``rgb`` and ``gray``; ``rgba`` has straight alpha, 255 where the file
    has none.
    start: the first frame to yield; those before it are decoded, which is quick, and not converted.
    The file is closed when the iterator is exhausted, closed or forgotten. Raises MediaError, at the first frame.
    """
    path = Path(path)
    with open_source(path) as source, reading(path):
        convert: Converter | None = None
        first = 0
        for index, (time, frame) in enumerate(source.frames()):
            if convert is None:
                first = time
                convert = Converter(geometry_of(frame, source.stream.sample_aspect_ratio), size, channels)
            if index < start:
                continue
            yield Frame(index, time - first, convert(frame))


def count_frames(path: Path, at_most: int) -> int:
    """Count the frames that can be decoded, no further than `at_most`. Raises MediaError."""
    path = Path(path)
    with open_source(path) as source, reading(path):
        return sum(1 for _ in islice(source.frames(), at_most))


def scan(path: Path, progress: Callable[[int, int], None] | None = None, rate: Fraction | None = None) -> Scan:
    """Decode the whole clip and return its information and exact timing.

    rate: frames a second of a folder of pictures.
    progress(done, total) is called for every frame; `total` is an estimate until the end.
    Raises MediaError when the clip breaks off before its end or has fewer than two frames.
    """
    path = Path(path)
    with open_source(path, rate) as source, reading(path):
        estimate = source.claimed_frames or 0
        info: VideoInfo | None = None
        times: list[int] = []
        raw_last: int | None = None
        for time, frame in source.frames():
            raw_last = frame.pts
            if info is None:
                info = info_of(source, frame)
            times.append(time)
            FRAMES.check(len(times), "the clip has", path, MediaError)
            if progress:
                progress(len(times), max(estimate, len(times)))
        if source.is_cut():
            claimed = source.claimed_frames
            of = f" of {claimed}" if claimed and claimed > len(times) else ""
            raise MediaError(f"The video breaks off: only {len(times)}{of} frames can be read.", where=path, fix=_AGAIN)
        if info is None or len(times) < 2:
            count = "only one frame" if times else "no frame that can be read"
            raise MediaError(
                f"The clip has {count}, so it shows no motion.", where=path, fix="Give a clip of two frames or more."
            )
        if progress:
            progress(len(times), len(times))
        end = times[-1] + source.last_duration(times, raw_last)
        timing = Timing(source.time_base, tuple(t - times[0] for t in times), end - times[0])
        check_pace(timing, path, MediaError)
        return Scan(info, timing)


class FrameWindow:
    """Frames by index from a source that can only be read forwards. Neighbouring requests cost one frame each."""

    def __init__(self, read: Callable[[], Iterator[np.ndarray]], kept: int = 16) -> None:
        """read: gives all frames, afresh at every call. kept: how many are held: memory against reading again."""
        self._read = read
        self._kept: deque[tuple[int, np.ndarray]] = deque(maxlen=kept)
        self._rewind()

    def __getitem__(self, index: int) -> np.ndarray:
        """Frame `index`; IndexError beyond the end."""
        for number, kept in self._kept:
            if number == index:
                return kept
        if index < self._next:
            self._rewind()
        while self._next <= index:
            frame: np.ndarray | None = next(self._frames, None)
            if frame is None:
                raise IndexError(f"frame {index} of {self._next}")
            self._kept.append((self._next, frame))
            self._next += 1
        return self._kept[-1][1]

    def _rewind(self) -> None:
        self._frames = self._read()
        self._next = 0
        self._kept.clear()
