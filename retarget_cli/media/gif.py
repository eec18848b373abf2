"""Animated GIFs with a palette made of the clip's own colours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np

from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.errors import writing
from retarget_cli.media.timing import Timing
from retarget_cli.utils.atomic import move_into_place, part_beside

_TICK = Fraction(1, 100)  # s; what a GIF counts in
_SHORTEST = 2  # ticks; players show frames that are shorter than that for longer
_DITHER = "dither=bayer:bayer_scale=4"  # a pattern that stands still, where an error diffused would crawl
_OPAQUE_FROM = 128  # alpha; a GIF's pixels are seen or not


class GifWriter:
    """A context manager that writes frames in order and publishes `path` on a clean exit.

    The frames wait in a lossless video beside `path` until the colours of all of them are known. Times are rounded to
    hundredths of a second. Errors are those of :class:`VideoWriter`.
    """

    sound = None

    def __init__(self, path: Path, size: tuple[int, int], timing: Timing, *, alpha: bool = False) -> None:
        """size: (w, h). alpha: images have straight alpha, of which half and more counts as opaque."""
        self.path = Path(path)
        self._timing, self._size = timing, size
        self._part = part_beside(self.path)
        self._waiting = self._part.with_name(f"{self._part.name}.frames.mkv")
        self._frames = VideoWriter(self._waiting, size, timing, codec="ffv1", pixels="rgba" if alpha else "rgb")

    @property
    def written(self) -> int:
        """The frames so far."""
        return self._frames.written

    def __enter__(self) -> Self:
        self._frames.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._frames.__exit__(kind, error, trace)
            if kind is None:
                with writing(self.path):
                    self._encode(_palette(self._read()))
                    move_into_place(self._part, self.path)
        finally:
            for left in (self._waiting, self._part):
                with suppress(OSError):
                    left.unlink(missing_ok=True)

    def write(self, image: np.ndarray) -> None:
        """Write the next frame: (H, W, 3), or (H, W, 4) with alpha; uint8."""
        self._frames.write(image)

    def _read(self) -> Iterator[av.VideoFrame]:
        with av.open(str(self._waiting.absolute())) as container:
            yield from container.decode(video=0)

    def _ticks(self) -> list[int]:
        """When each frame appears, in hundredths of a second, and when the last one ends."""
        times = [round(tick * self._timing.time_base / _TICK) for tick in (*self._timing.pts, self._timing.end)]
        for index in range(1, len(times)):
            times[index] = max(times[index], times[index - 1] + _SHORTEST)
        return times

    def _encode(self, palette: av.VideoFrame) -> None:
        ticks = self._ticks()
        ends = dict(pairwise(ticks))
        with av.open(str(self._part.absolute()), "w", format="gif", options={"loop": "0"}) as output:
            stream: Any = output.add_stream("gif", rate=100)
            stream.width, stream.height, stream.pix_fmt = *self._size, "pal8"
            stream.time_base = stream.codec_context.time_base = _TICK
            for tick, frame in zip([*ticks[:-1], None], chain(_mapped(self._read(), palette), [None]), strict=True):
                if frame is not None:
                    frame.pts, frame.time_base = tick, _TICK
                for packet in stream.encode(frame):
                    packet.duration = ends[packet.pts] - packet.pts
                    output.mux(packet)


def _palette(frames: Iterator[av.VideoFrame]) -> av.VideoFrame:
    """The 256 colours that stand best for those of all frames; one of them is nothing."""
    first = next(frames)
    graph: Any = av.filter.Graph()
    source, sink = graph.add_buffer(**_shape(first)), graph.add("buffersink")
    chosen = graph.add("palettegen", "stats_mode=full:reserve_transparent=1")
    source.link_to(chosen)
    chosen.link_to(sink)
    graph.configure()
    for frame in chain([first], frames, [None]):
        source.push(frame)
    return sink.pull()


def _mapped(frames: Iterator[av.VideoFrame], palette: av.VideoFrame) -> Iterator[av.VideoFrame]:
    """Every frame in the colours of the palette."""
    first = next(frames)
    graph: Any = av.filter.Graph()
    source, colours = graph.add_buffer(**_shape(first)), graph.add_buffer(**_shape(palette))
    used, sink = graph.add("paletteuse", f"{_DITHER}:alpha_threshold={_OPAQUE_FROM}"), graph.add("buffersink")
    source.link_to(used, 0, 0)
    colours.link_to(used, 0, 1)
    used.link_to(sink)
    graph.configure()
    for part in (palette, None):
        colours.push(part)
    for frame in chain([first], frames, [None]):
        source.push(frame)
        yield from _pulled(sink)


def _pulled(sink: Any) -> Iterator[av.VideoFrame]:
    with suppress(av.error.BlockingIOError, av.error.EOFError):
        while True:
            yield sink.pull()


def _shape(frame: av.VideoFrame) -> dict[str, Any]:
    return {
        "width": frame.width,
        "height": frame.height,
        "format": frame.format,
        "time_base": frame.time_base or _TICK,
    }
