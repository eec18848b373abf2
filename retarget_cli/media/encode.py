"""Writing a video with exact times, published only when it is whole."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from retarget_cli.media.codecs import CODECS, CodecName
from retarget_cli.media.errors import writing
from retarget_cli.media.picture import Channels, encodable
from retarget_cli.media.series.timecode import Timecode
from retarget_cli.media.sound import SoundTrack, open_sound
from retarget_cli.media.timing import Timing
from retarget_cli.utils.atomic import move_into_place, part_beside

_THREADS = 2
_CHANNELS = {"gray": (), "rgb": (3,), "rgba": (4,)}


class VideoWriter:
    """A context manager that writes frames in order and publishes `path` on a clean exit.

    It writes a hidden file beside `path`, flushes it to the disk and renames it; on an error the part is removed and an
    older file at `path` stays. Raises EnvironmentProblem when the disk is full or the folder may not
    be written to, MediaError when the sound cannot be read or the video cannot be written, ValueError for misuse.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        timing: Timing,
        *,
        codec: CodecName = "h264",
        pixels: Channels = "rgb",
        quality: int = 18,
        sound_from: Path | None = None,
        sound_start: Fraction = Fraction(0),
        timecode: Timecode | None = None,
    ) -> None:
        """size: (w, h) of the images; H.264 repeats the last row or column where one is odd.

        codec: ``h264`` makes an MP4 (BT.709, 4:2:0), ``ffv1`` a lossless MKV, which keeps times to the
        millisecond, ``prores`` a MOV of ProRes 4444 (BT.709, 10 bits), whose alpha is straight, ``vp9`` a WebM
        (BT.709, 4:2:0, to the millisecond), ``webp`` an animated WebP (to the millisecond), ``hevc`` and ``av1`` an MP4
        of 10 bits, ``dnxhr`` and ``mxf`` DNxHR HQX (4:2:2, 10 bits) in a MOV or an MXF.
        pixels: ``rgba`` is for all but ``h264``.
        quality: constant rate factor of H.264, 0 (lossless) to 51, and of VP9.
        sound_from: a clip whose sound to add to an ``h264`` (AAC, or as it is) or ``prores`` (PCM) file.
        sound_start: seconds from that clip's first frame to what is heard with the first one here.
        timecode: of the first frame, where the container has a place for it.
        """
        kind = CODECS[codec]
        if pixels not in kind.formats:
            raise ValueError(f"{codec} takes no {pixels} (no transparency in h264, grey only in h264 and ffv1)")
        if kind.sound is None and sound_from is not None:
            raise ValueError(f"sound does not go into {codec} files")
        self.path = Path(path)
        self.sound: str | None = None  # "copied" or "transcoded" once entered, None when there is none
        self.written = self._muxed = 0
        self._size, self._timing, self._kind, self._pixels = size, timing, kind, pixels
        self._quality, self._sound_from, self._sound_start = quality, sound_from, sound_start
        self._part = part_beside(self.path)
        self._scaler = VideoReformatter()
        self._container: Any = None
        self._stream: Any = None
        self._track: SoundTrack | None = None
        self._base = kind.time_base(timing)
        self._timecode = timecode if kind.coded else None

    def __enter__(self) -> Self:
        try:
            self._kind.check_size(self._size, self.path)
            with writing(self.path):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._open()
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            if self.written != self._timing.frames:
                raise ValueError(f"{self.written} of {self._timing.frames} frames were written")
            with writing(self.path):
                self._finish()
        except BaseException:
            self._discard()
            raise

    def write(self, image: np.ndarray) -> None:
        """Write the next frame: (H, W, 3), (H, W, 4) or (H, W) uint8, as `pixels` says."""
        w, h = self._size
        if image.shape != (h, w, *_CHANNELS[self._pixels]) or image.dtype != np.uint8:
            raise ValueError(f"expected {self._pixels} images of {w}x{h}, got {image.dtype} {image.shape}")
        if self.written == self._timing.frames:
            raise ValueError(f"the timing has only {self.written} frames")
        frame = encodable(self._scaler, self._kind.padded(image), self._kind.formats[self._pixels])
        frame.time_base, frame.pts = self._base, self._ticks(self._timing.pts[self.written])
        with writing(self.path):
            self._mux(self._stream.encode(frame))
            if self._track:
                self._container.mux(list(self._track.until(self._timing.pts[self.written] * self._timing.time_base)))
        self.written += 1

    def _ticks(self, pts: int) -> int:
        return round(pts * self._timing.time_base / self._base)

    def _open(self) -> None:
        kind = self._kind
        self._container = av.open(
            str(self._part.absolute()),
            "w",
            format=kind.container,
            container_options=kind.container_options(self._timing),
        )
        self._stream = stream = self._container.add_stream(
            kind.encoder, rate=self._timing.rate.limit_denominator(100_000)
        )
        stream.width, stream.height = kind.size(self._size)
        stream.pix_fmt = kind.formats[self._pixels]
        stream.time_base = stream.codec_context.time_base = self._base
        stream.codec_context.thread_count = _THREADS
        if self._timecode is not None:
            stream.metadata["timecode"] = str(self._timecode)
        stream.options = kind.set_up(stream.codec_context, self._quality)
        if self._sound_from is not None and kind.sound is not None:
            span = self._timing.duration
            self._track = open_sound(Path(self._sound_from), self._container, span, self._sound_start, kind.sound)
            self.sound = self._track.how if self._track else None
        self._container.start_encoding()  # creates the file, so that a folder that refuses it says so now

    def _mux(self, packets: list[Any]) -> None:
        durations = self._timing.durations
        for packet in packets:
            if self._kind.at_once:
                self._container.mux(packet)
                continue
            end = self._timing.pts[self._muxed] + durations[self._muxed]
            packet.duration = self._ticks(end) - packet.pts
            self._muxed += 1
            self._container.mux(packet)

    def _finish(self) -> None:
        self._mux(self._stream.encode(None))
        if self._track:
            self._container.mux(list(self._track.until(self._timing.duration)))
            self._track.close()
        container, self._container = self._container, None
        container.close()
        move_into_place(self._part, self.path)

    def _discard(self) -> None:
        with suppress(Exception):
            if self._track:
                self._track.close()
        with suppress(Exception):
            if self._container is not None:
                self._container.close()
        self._container = None
        with suppress(OSError):
            self._part.unlink()
