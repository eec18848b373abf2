"""Streaming frames out of a video file, and reading it through once to learn its exact timing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np
from av.video.reformatter import VideoReformatter

from retarget_cli.errors import MediaError
from retarget_cli.media.errors import reading
from retarget_cli.media.footage import Clip, Footage, footage_of
from retarget_cli.media.picture import Channels, Converter, geometry_of, to_array
from retarget_cli.media.probe import VideoInfo, info_of
from retarget_cli.media.sequence import ImageSequence, open_source
from retarget_cli.media.shots.cuts import SIZE, CutFinder
from retarget_cli.media.shots.transitions import Cut
from retarget_cli.media.source import VideoSource
from retarget_cli.media.timing import Timing, check_pace
from retarget_cli.utils.limits import FRAMES

_AGAIN = "Copy or export the file again; to use only the part that can be read, convert that part to a new MP4 first."


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame. index from 0.

    image: (H, W, 3), (H, W, 4) with straight alpha, or (H, W); uint8, upright, square pixels.
    """

    index: int
    image: np.ndarray


@dataclass(frozen=True)
class Scan:
    """Facts from reading a whole clip.

    cuts: from shot to shot. offset: seconds from the beginning of the file to the first frame.
    """

    info: VideoInfo
    timing: Timing
    cuts: tuple[Cut, ...] = ()
    offset: Fraction = Fraction(0)


def read_frames(
    clip: Clip, *, size: tuple[int, int] | None = None, channels: Channels = "rgb", start: int = 0
) -> Iterator[Frame]:
    """Yield the frames one by one; memory does not grow with the length of the clip.

    size: (w, h) to resize every frame to; None keeps the native one.
    channels: transparent parts are black in ``rgb`` and ``gray``; ``rgba`` has straight alpha, 255 where the file
    has none.
    start: the first frame to yield; those before it are decoded, which is quick, and not converted; those of a
    sequence of pictures are not even read.
    The file is closed when the iterator is exhausted, closed or forgotten. Raises MediaError, at the first frame.
    """
    footage = footage_of(clip)
    with open_source(footage) as source, reading(footage.path):
        convert: Converter | None = None
        for index, frame in enumerate(_part(source, footage, start), start):
            if convert is None:
                aspect, associated = source.stream.sample_aspect_ratio, source.stream.codec_context.name == "exr"
                colour = "srgb" if associated and source.colour == "linear" else source.colour  # seen to by the decoder
                convert = Converter(geometry_of(frame, aspect), size, channels, colour, associated)
            yield Frame(index, convert(frame))


def _part(source: VideoSource | ImageSequence, footage: Footage, start: int = 0) -> Iterator[Any]:
    """The frames of an open source that belong to the footage, from its frame `start` on."""
    count = None if footage.count is None else max(0, footage.count - start)
    return (frame for _, frame in islice(source.frames(footage.first + start), count))


def count_frames(clip: Clip, at_most: int) -> int:
    """Count the frames that can be decoded, no further than `at_most`. Raises MediaError."""
    footage = footage_of(clip)
    with open_source(footage) as source, reading(footage.path):
        return sum(1 for _ in islice(_part(source, footage), at_most))


def scan(clip: Clip, progress: Callable[[int, int], None] | None = None, rate: Fraction | None = None) -> Scan:
    """Decode the whole clip and return its information, exact timing, and cuts.

    rate: frames a second of a folder of pictures.
    progress(done, total) is called for every frame; `total` is an estimate until the end.
    Raises MediaError when the clip breaks off before its end or has fewer than two frames.
    """
    footage = footage_of(clip)
    path, stop = footage.path, footage.stop
    with open_source(footage, rate) as source, reading(path):
        estimate = footage.count or source.claimed_frames or 0
        info: VideoInfo | None = None
        times: list[int] = []
        before: int | None = None  # when the clip's first frame appears
        raw_last: int | None = None
        end: int | None = None
        finder = _Cuts()
        for index, (time, frame) in enumerate(source.frames()):
            before = time if before is None else before
            if index == stop:
                end = time
                break
            if index < footage.first:
                continue
            raw_last = frame.pts
            if info is None:
                info = info_of(source, frame)
            finder.add(frame)
            times.append(time)
            FRAMES.check(len(times), "the clip has", path, MediaError)
            if progress:
                progress(len(times), max(estimate, len(times)))
        if end is None and source.is_cut():
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
        end = times[-1] + source.last_duration(times, raw_last) if end is None else end
        timing = Timing(source.time_base, tuple(t - times[0] for t in times), end - times[0])
        check_pace(timing, path, MediaError)
        return Scan(info, timing, finder.finish(), (times[0] - (before or 0)) * source.time_base)


class _Cuts(CutFinder):
    """Finds cuts in decoded frames."""

    def __init__(self) -> None:
        super().__init__()
        self._scaler = VideoReformatter()

    def add(self, frame: Any) -> None:
        """Take the next frame as it was decoded."""
        super().add(to_array(self._scaler, frame, "rgb24", SIZE))


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
