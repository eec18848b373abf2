"""The sound of another clip, cut to the picture's span and kept in step with it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np

from retarget_cli.errors import MediaError
from retarget_cli.media.errors import reading
from retarget_cli.media.series.names import is_sequence
from retarget_cli.media.source import VideoSource, open_container

Coding = Literal["aac", "pcm"]

_COPIED = {"aac", "mp3", "ac3", "eac3", "alac"}  # what MP4 holds and players commonly play
_AAC_RATES = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000}
_BLOCK = 1024  # samples; a frame of AAC
_JITTER = Fraction(3, 2000)  # s; containers that count in milliseconds place packets no better than this
_GAP = Fraction(1, 25)  # s; a larger step in the sound's own clock is a real gap


class SoundTrack:
    """One sound track on its way from a clip into an MP4 or MOV file.

    how: ``copied`` (the packets as they are) or ``transcoded``. Time 0 is `start` seconds after the clip's first
    video frame.
    """

    def __init__(self, path: Path, output: Any, span: Fraction, start: Fraction, coding: Coding) -> None:
        """output: the container being written. span: seconds of picture. Raises MediaError.

        coding: ``aac`` copies what players commonly play and makes AAC of the rest, ``pcm`` makes 24-bit PCM of all.
        """
        self._path = path
        self._span = span
        self._origin = _picture_start(path) + start
        self._container = open_container(path)
        try:
            self._source = next(s for s in self._container.streams.audio if s.codec_context is not None)
            codec = self._source.codec_context.codec.canonical_name
            self.how = "copied" if coding == "aac" and codec in _COPIED else "transcoded"
            if self.how == "copied":
                self._rate = self._source.codec_context.sample_rate
                self._stream = output.add_stream_from_template(self._source)
                packets = self._copied()
            else:
                self._rate, self._layout = _shape(self._source.codec_context, coding)
                self._stream = _encoder(output, coding, self._rate, self._layout)
                packets = self._transcoded()
            self._stream.time_base = Fraction(1, self._rate)
            self._packets = self._trimmed(packets)
            self._next: tuple[Fraction, Any] | None = None
            self._done = False
        except BaseException:
            self._container.close()
            raise

    def close(self) -> None:
        """Close the clip the sound is read from."""
        self._packets.close()
        self._container.close()

    def until(self, time: Fraction) -> Iterator[Any]:
        """Yield the packets, ready to be muxed, that begin before `time` seconds."""
        while not self._done:
            if self._next is None:
                with reading(self._path):
                    self._next = next(self._packets, None)
                if self._next is None:
                    self._done = True
                    return
            start, packet = self._next
            if start >= time:
                return
            self._next = None
            yield packet

    def _trimmed(self, packets: Iterator[tuple[int, int, Any]]) -> Generator[tuple[Fraction, Any], None, None]:
        """Keep what sounds within the span, and the one packet before it that decoders need to start from.

        packets: (start, duration, packet) in samples. What lies before 0 is hidden by the file's edit list; the last
        packet's duration ends with the span.
        """
        end = int(self._span * self._rate)
        before: tuple[int, int, Any] | None = None
        for start, duration, packet in packets:
            if start + duration <= 0:
                before = (start, duration, packet)
                continue
            if start >= end:
                return
            if before is not None:
                yield self._stamped(*before)
                before = None
            yield self._stamped(start, min(duration, end - start), packet)

    def _stamped(self, start: int, duration: int, packet: Any) -> tuple[Fraction, Any]:
        packet.stream = self._stream
        packet.time_base = Fraction(1, self._rate)
        packet.pts = packet.dts = start
        packet.duration = duration
        return Fraction(start, self._rate), packet

    def _copied(self) -> Iterator[tuple[int, int, Any]]:
        base = self._source.time_base
        usual = self._source.codec_context.frame_size
        expected: int | None = None
        for packet in _demuxed(self._container, self._source):
            duration = round((packet.duration or 0) * base * self._rate)
            if usual and abs(duration - usual) <= _JITTER * self._rate:
                duration = usual
            duration = duration or usual or 1
            if packet.pts is None:
                start = expected or 0
            else:
                start = round((packet.pts * base - self._origin) * self._rate)
                if expected is not None and (abs(start - expected) <= _JITTER * self._rate or start < expected):
                    start = expected
            expected = start + duration
            yield start, duration, packet

    def _transcoded(self) -> Iterator[tuple[int, int, Any]]:
        context = self._stream.codec_context
        position = 0
        for samples in self._blocks():
            frame = _sound_frame(samples, context.format.name, self._layout)
            frame.sample_rate, frame.time_base, frame.pts = self._rate, Fraction(1, self._rate), position
            position += samples.shape[1]
            yield from ((packet.pts, packet.duration or _BLOCK, packet) for packet in context.encode(frame))
        yield from ((packet.pts, packet.duration or _BLOCK, packet) for packet in context.encode(None))

    def _blocks(self) -> Iterator[np.ndarray]:
        """Yield (channels, 1024) float32 from time 0 on; the last one may be shorter."""
        waiting = np.zeros((0, 0), np.float32)
        for samples in self._samples():
            waiting = samples if not waiting.size else np.concatenate([waiting, samples], axis=1)
            while waiting.shape[1] >= _BLOCK:
                yield np.ascontiguousarray(waiting[:, :_BLOCK])
                waiting = waiting[:, _BLOCK:]
        if waiting.shape[1]:
            yield np.ascontiguousarray(waiting)

    def _samples(self) -> Iterator[np.ndarray]:
        """Yield the decoded sound from time 0 to the span's end without holes: silence where there is none."""
        resampler = av.AudioResampler(format="fltp", layout=self._layout, rate=self._rate)
        end = int(self._span * self._rate)
        head: int | None = None  # where the next samples belong by the sound's own clock
        cursor = 0  # where the output stands
        for frame in _decoded(self._container, self._source):
            if frame.pts is not None and frame.time_base is not None:
                own = round((frame.pts * frame.time_base - self._origin) * self._rate)
                if head is None or abs(own - head) > _GAP * self._rate:
                    head = own
            head = head or 0
            for part in resampler.resample(frame):
                samples = part.to_ndarray()
                late = head - cursor
                head += samples.shape[1]
                if late > 0:
                    silence = np.zeros((samples.shape[0], min(late, end - cursor)), np.float32)
                    yield from np.array_split(silence, max(1, silence.shape[1] // self._rate), axis=1)
                    cursor += silence.shape[1]
                kept = samples[:, max(0, -late) :][:, : end - cursor]
                if kept.shape[1]:
                    yield kept
                    cursor += kept.shape[1]
                if cursor >= end:
                    return


def open_sound(
    path: Path, output: Any, span: Fraction, start: Fraction = Fraction(0), coding: Coding = "aac"
) -> SoundTrack | None:
    """The sound track of `path` from `start` seconds of its picture on, added as a stream to `output`.

    None when the clip is silent, as a sequence of pictures is. Raises MediaError.
    """
    if is_sequence(path):
        return None
    container = open_container(path)
    try:
        silent = not any(s.codec_context is not None for s in container.streams.audio)
    finally:
        container.close()
    return None if silent else SoundTrack(path, output, span, start, coding)


def _picture_start(path: Path) -> Fraction:
    """Seconds, on the clip's own clock, at which its first video frame appears; 0 for sound alone."""
    try:
        with VideoSource(path) as source, reading(path):
            for time, _ in source.frames():
                return time * source.time_base
    except MediaError:
        pass
    return Fraction(0)


def _demuxed(container: Any, stream: Any) -> Iterator[Any]:
    """Yield the packets up to the end or to the point where the file is damaged."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError:
            return
        if packet is None or not packet.size:
            return
        if not packet.is_corrupt:
            yield packet


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    for packet in chain(_demuxed(container, stream), [None]):
        try:
            yield from stream.codec_context.decode(packet)
        except av.FFmpegError:
            continue


def _shape(context: Any, coding: Coding) -> tuple[int, str]:
    """The sample rate and channel layout to encode with."""
    rate = context.sample_rate if coding == "pcm" or context.sample_rate in _AAC_RATES else 48000
    channels = context.layout.nb_channels
    return rate, {1: "mono", 6: "5.1"}.get(channels, "stereo")


def _encoder(output: Any, coding: Coding, rate: int, layout: str) -> Any:
    if coding == "aac":
        return output.add_stream("aac", rate=rate, layout=layout, bit_rate=192_000)
    stream = output.add_stream("pcm_s24le", rate=rate, layout=layout)
    stream.format = "s32"
    return stream


def _sound_frame(samples: np.ndarray, sample_format: str, layout: str) -> av.AudioFrame:
    """(channels, n) float32 in [-1, 1] as a frame in the encoder's format, ``fltp`` or ``s32``."""
    if sample_format == "s32":
        whole = np.clip(np.rint(samples.T.astype(np.float64) * 2**31), -(2**31), 2**31 - 1).astype(np.int32)
        return av.AudioFrame.from_ndarray(whole.reshape(1, -1), format="s32", layout=layout)
    return av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
