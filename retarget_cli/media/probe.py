"""Facts about a video file, from its header and its first frame."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av

from retarget_cli.errors import MediaError
from retarget_cli.media.errors import reading
from retarget_cli.media.footage import Clip, footage_of
from retarget_cli.media.picture import Geometry, geometry_of, has_alpha
from retarget_cli.media.sequence import ImageSequence, open_source
from retarget_cli.media.series.exr_header import first_timecode
from retarget_cli.media.series.names import frame_numbers, is_sequence
from retarget_cli.media.series.timecode import Timecode
from retarget_cli.media.source import VideoSource

# the values of ISO/IEC 23091-2 (coding-independent code points)
_PRIMARIES = {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020",
              10: "smpte428", 11: "smpte431", 12: "smpte432", 22: "ebu3213"}  # fmt: skip
_TRANSFERS = {1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear", 11: "xvycc",
              13: "srgb", 14: "bt2020-10", 15: "bt2020-12", 16: "pq", 17: "smpte428", 18: "hlg"}  # fmt: skip
_MATRICES = {0: "rgb", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco", 9: "bt2020nc",
             10: "bt2020c"}  # fmt: skip
_RANGES = {1: "limited", 2: "full"}


class Colour(NamedTuple):
    """The colour tags of the stream; ``unspecified`` where it has none."""

    primaries: str
    transfer: str
    matrix: str
    range: str


@dataclass(frozen=True)
class AudioInfo:
    """The first sound track. sample_rate in Hz; duration in seconds, None when unknown."""

    codec: str
    sample_rate: int
    channels: int
    duration: Fraction | None


@dataclass(frozen=True)
class VideoInfo:
    """Facts about the picture of a file.

    coded_width, coded_height: the stored picture. width, height: upright with square pixels, as read_frames gives it.
    rotation: degrees clockwise (0, 90, 180, 270) from stored to upright, after mirroring left and right if `mirrored`.
    average_rate (frames per second), frames and duration (seconds) are the header's claims, None where it makes none.
    """

    path: Path
    container: str
    codec: str
    pixel_format: str
    bit_depth: int
    has_alpha: bool
    coded_width: int
    coded_height: int
    width: int
    height: int
    rotation: int
    mirrored: bool
    sample_aspect: Fraction
    average_rate: Fraction | None
    frames: int | None
    duration: Fraction | None
    colour: Colour
    audio: AudioInfo | None

    def to_json(self) -> dict[str, Any]:
        """A plain dict; exact numbers as text such as ``30000/1001``."""
        plain = asdict(self) | {"path": str(self.path), "colour": self.colour._asdict()}
        return _texts(plain)

    def rows(self) -> list[tuple[str, str]]:
        """(label, value) pairs for people."""
        rate = f"{float(self.average_rate):.3f} frames per second" if self.average_rate else "unknown frame rate"
        frames = "unknown number of frames" if self.frames is None else f"{self.frames} frames"
        seconds = "" if self.duration is None else f", {float(self.duration):.3f} s"
        turned = f", turned {self.rotation}°" if self.rotation else ""
        shape = f", pixels {self.sample_aspect.numerator}:{self.sample_aspect.denominator}"
        stored = f"{self.coded_width}x{self.coded_height}{turned}{', mirrored' if self.mirrored else ''}"
        sound = "none"
        if self.audio:
            sound = f"{self.audio.codec}, {self.audio.sample_rate} Hz, {self.audio.channels} channels"
        return [
            ("file", str(self.path)),
            ("container", self.container),
            ("size", f"{self.width}x{self.height} (stored {stored}{shape if self.sample_aspect != 1 else ''})"),
            (
                "codec",
                f"{self.codec}, {self.pixel_format}, {self.bit_depth} bit{', with alpha' if self.has_alpha else ''}",
            ),
            ("time", f"{frames}, {rate}{seconds}"),
            ("colour", f"matrix {self.colour.matrix}, range {self.colour.range}, transfer {self.colour.transfer}"),
            ("sound", sound),
        ]


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _texts(item) for key, item in value.items()}
    return str(value) if isinstance(value, Fraction) else value


def probe(clip: Clip) -> VideoInfo:
    """Read the header and the first frame. Raises MediaError when there is no picture to be had."""
    footage = footage_of(clip)
    path = footage.path
    with open_source(footage) as source, reading(path):
        for _, frame in source.frames(footage.first):
            return info_of(source, frame)
    raise MediaError(
        "Not one frame of the video can be read.", where=path, fix="Copy or export the file again; this one is damaged."
    )


def info_of(source: VideoSource | ImageSequence, frame: Any) -> VideoInfo:
    """The information of an open source, given its first frame."""
    geometry: Geometry = geometry_of(frame, source.stream.sample_aspect_ratio)
    width, height = geometry.upright
    return VideoInfo(
        path=source.path,
        container=source.container.format.name,
        codec=source.stream.codec_context.codec.canonical_name,
        pixel_format=frame.format.name,
        bit_depth=max((part.bits for part in frame.format.components), default=8),
        has_alpha=has_alpha(frame.format),
        coded_width=frame.width,
        coded_height=frame.height,
        width=width,
        height=height,
        rotation=geometry.orientation.rotation,
        mirrored=geometry.orientation.mirrored,
        sample_aspect=geometry.aspect,
        average_rate=source.rate,
        frames=source.claimed_frames,
        duration=source.duration,
        colour=_colour(source, frame),
        audio=_audio(source),
    )


def _colour(source: VideoSource | ImageSequence, frame: Any) -> Colour:
    context = source.stream.codec_context
    return Colour(
        _PRIMARIES.get(int(context.color_primaries), "unspecified"),
        _TRANSFERS.get(int(context.color_trc), "unspecified"),
        _MATRICES.get(int(frame.colorspace), "unspecified"),
        _RANGES.get(int(frame.color_range), "unspecified"),
    )


def _audio(source: VideoSource | ImageSequence) -> AudioInfo | None:
    for stream in source.container.streams.audio:
        if stream.codec_context is None:
            continue
        context = stream.codec_context
        seconds = stream.duration * stream.time_base if stream.duration and stream.time_base else None
        return AudioInfo(context.codec.canonical_name, context.sample_rate, context.layout.nb_channels, seconds)
    return None


def timecode_of(clip: Clip, rate: Fraction) -> Timecode | None:
    """The timecode of a clip's first frame, which has that many frames a second; None where none is written."""
    footage = footage_of(clip)
    try:
        if is_sequence(footage.path):
            found = first_timecode(frame_numbers(footage.path)[0][1], rate)
        else:
            found = _written_timecode(footage.path, rate)
    except (MediaError, av.FFmpegError):
        return None
    return found and found.later(footage.first)


def _written_timecode(path: Path, rate: Fraction) -> Timecode | None:
    with VideoSource(path) as source:
        container: Any = source.container
        texts = [container.metadata, *(stream.metadata for stream in (source.stream, *container.streams))]
        written = next((text["timecode"] for text in texts if "timecode" in text), None)
    return None if written is None else Timecode.parse(written, rate)
