"""An open video file: which stream is the picture, how it is decoded, and whether the file is whole."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, Self

import av

from retarget_cli.errors import MediaError
from retarget_cli.media.boxes import is_cut, is_mp4
from retarget_cli.media.errors import check_readable, no_decoder, not_a_video, reading
from retarget_cli.media.picture import upright_size
from retarget_cli.media.png import check_png, check_stream
from retarget_cli.media.timing import repaired
from retarget_cli.media.transfer import Colour
from retarget_cli.utils.limits import FRAME_PIXELS

_COVER_ART = 0x400  # AV_DISPOSITION_ATTACHED_PIC
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # FFmpeg's own decoders drop the alpha channel
_TO_SRGB = {"apply_trc": "iec61966_2_1"}  # of the decoder of EXR: linear light to sRGB
_NOT_VIDEO = {"tty", "lavfi", "concat", "hls"}
_THREADS = 4


# a percent sign in a path is never taken for a numbered series, and a playlist cannot reach out to the network
_LOCAL = {"protocol_whitelist": "file", "pattern_type": "none"}


def open_container(path: Path) -> Any:
    """Open `path` for reading; local files only. Raises MediaError."""
    check_readable(path)
    with reading(path):
        check_png(path)
        _check_pictures(path)
        # an absolute path is never taken for a protocol ("a:b.mp4")
        container = av.open(str(path.absolute()), container_options=_LOCAL, metadata_errors="replace")
    if container.format.name.split(",")[0] in _NOT_VIDEO:
        container.close()
        raise not_a_video(path)
    return container


def _check_pictures(path: Path) -> None:
    """Look at the PNGs in a video before FFmpeg unpacks the first of them, which it does when it opens the file."""
    with suppress(av.FFmpegError):  # whoever opens it for good tells of it
        options = {**_LOCAL, "codec_whitelist": "none"}
        with av.open(str(path.absolute()), container_options=options, metadata_errors="replace") as container:
            streams = [stream for stream in container.streams.video if _is_png(stream)]
            for packet in container.demux(streams) if streams else ():
                check_stream(io.BytesIO(bytes(packet)), path)


def _is_png(stream: Any) -> bool:
    return stream.codec_context is not None and stream.codec_context.name in ("png", "apng")


class VideoSource:
    """The picture of one file. A context manager; every failure is a MediaError.

    After frames() is exhausted: `decoded` counts frames, `broken_off` tells whether reading ended in an error.
    """

    def __init__(self, path: Path, colour: Colour = "srgb", raw: bool = False) -> None:
        """colour: how the numbers stand for light; raw: EXR comes as it is, instead of in sRGB where it is linear."""
        self.path = path
        self.colour = colour
        self._raw = raw
        self.container = open_container(path)
        try:
            self.stream = self._picture_stream()
            context = self.stream.codec_context
            self._check_pixels(context.width, context.height)
            # Frames later in the file may claim other sizes. Decoders count a margin, so this is no exact bound.
            self._bounds = {"max_pixels": str(2 * FRAME_PIXELS.most + 1_000_000)}
        except BaseException:
            self.container.close()
            raise
        self.decoded = 0
        self.broken_off = False
        self._last_packet: tuple[int, int] | None = None  # pts and duration of the packet shown last

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.container.close()

    def _picture_stream(self) -> Any:
        streams = [s for s in self.container.streams.video if not s.disposition.value & _COVER_ART]
        if streams:
            if streams[0].codec_context is None:
                raise no_decoder(self.path)
            return streams[0]
        if self.container.streams.audio:
            raise MediaError(
                "The file has sound but no picture.", where=self.path, fix="Give a file with a video track."
            )
        raise not_a_video(self.path)

    def _check_pixels(self, width: int, height: int) -> None:
        FRAME_PIXELS.check(width * height, f"a frame of {width}x{height} has", self.path, MediaError)

    @property
    def time_base(self) -> Fraction:
        """Seconds per tick of the stream."""
        return self.stream.time_base or Fraction(1, 90000)

    @property
    def rate(self) -> Fraction | None:
        """The header's average frame rate, if it says one."""
        for name in ("average_rate", "guessed_rate", "base_rate"):
            rate = getattr(self.stream, name, None)
            if rate:
                return Fraction(rate)
        return None

    @property
    def step(self) -> int:
        """Nominal ticks per frame, at least 1."""
        return max(1, round(1 / ((self.rate or Fraction(25)) * self.time_base)))

    @property
    def duration(self) -> Fraction | None:
        """Seconds the header claims for the picture, if it says so."""
        if self.stream.duration:
            return self.stream.duration * self.time_base
        end = _clock(self.stream.metadata.get("DURATION", ""))
        if end is None and self.container.duration and not self.container.streams.audio:
            return Fraction(self.container.duration, av.time_base)
        return None if end is None else end - (self.stream.start_time or 0) * self.time_base

    @property
    def claimed_frames(self) -> int | None:
        """Frames that the header claims; exact for MP4 and AVI, computed from the duration elsewhere."""
        entries = getattr(self.stream, "index_entries", None)  # trimmed by the edit list, unlike the header's count
        if self.stream.frames and entries is not None and len(entries) and is_mp4(self.path):
            return len(entries)
        if self.stream.frames:
            return self.stream.frames
        if self.duration and self.rate:
            return round(self.duration * self.rate)
        return None

    def frames(self, start: int = 0) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield (ticks, frame) in presentation order; times repaired to be strictly increasing, not shifted.

        start: the first frame to yield; those before it are decoded.
        """
        yield from islice(repaired(((frame.pts, frame) for frame in self._decode()), self.step), start, None)

    def last_duration(self, pts: list[int], raw_last: int | None) -> int:
        """Ticks the last frame shows: the file's own word, else as long as the frame before it."""
        if self._last_packet and self._last_packet[0] == raw_last and self._last_packet[1] > 0:
            return self._last_packet[1]
        return pts[-1] - pts[-2] if len(pts) > 1 else self.step

    def _decoder(self) -> Callable[[Any], list[Any]]:
        name = _ALPHA_DECODERS.get(self.stream.codec_context.name)
        if name and self.stream.metadata.get("alpha_mode", self.stream.metadata.get("ALPHA_MODE")) == "1":
            context: Any = av.CodecContext.create(name, "r")
            context.extradata = self.stream.codec_context.extradata
            context.options = self._bounds
            return context.decode
        light = self.stream.codec_context.name == "exr" and self.colour == "linear" and not self._raw
        self.stream.codec_context.options = self._bounds | (_TO_SRGB if light else {})
        self.stream.codec_context.thread_type = "AUTO"
        self.stream.codec_context.thread_count = _THREADS
        return self.stream.codec_context.decode

    def _decode(self) -> Iterator[av.VideoFrame]:
        decode = self._decoder()
        for packet in self._packets():
            try:
                frames = decode(packet)
            except av.FFmpegError:
                # before the first frame: a recording that begins between key frames; later ones count when no
                # frame follows them
                self.broken_off = self.decoded > 0
                continue
            for frame in frames:
                if not self.decoded:
                    self._check_pixels(*upright_size(frame, self.stream.sample_aspect_ratio))
                self.decoded += 1
                self.broken_off = False
                yield frame

    def _packets(self) -> Iterator[Any]:
        """Yield the stream's packets and, at last, one empty packet (None) that drains the decoder."""
        demuxed = self.container.demux(self.stream)
        damaged = False
        while True:
            try:
                packet = next(demuxed)
            except StopIteration:
                break
            except (av.FFmpegError, OSError):
                damaged = True
                break
            if not packet.size:
                break
            if packet.is_corrupt and "mpegts" not in self.container.format.name:
                damaged = True
                continue
            damaged = False
            if packet.pts is not None and (self._last_packet is None or packet.pts >= self._last_packet[0]):
                self._last_packet = (packet.pts, packet.duration or 0)
            yield packet
        yield None
        self.broken_off = self.broken_off or damaged

    def is_cut(self) -> bool:
        """After frames(): whether the file ends before the video does."""
        return self.broken_off or is_cut(self.path)


def _clock(text: str) -> Fraction | None:
    """Seconds from Matroska's ``HH:MM:SS.nnnnnnnnn``."""
    try:
        hours, minutes, seconds = text.split(":")
        return (int(hours) * 60 + int(minutes)) * 60 + Fraction(seconds) or None
    except ValueError:
        return None
