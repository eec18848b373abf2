"""The kinds of video this program writes: which encoder, which container, and what they need to be told."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import reduce
from math import gcd
from pathlib import Path
from typing import Any, Literal

import numpy as np

from retarget_cli.errors import MediaError
from retarget_cli.media.picture import Channels
from retarget_cli.media.sound import Coding
from retarget_cli.media.timing import Timing

os.environ.setdefault("SVT_LOG", "1")  # else the encoder of AV1 tells the terminal about itself

CodecName = Literal["h264", "h264-10", "hevc", "av1", "ffv1", "prores", "dnxhr", "mxf", "vp9", "webp"]

_LARGEST_SCALE = 2**31 - 1  # MP4 counts ticks per second in 32 bits, and FFmpeg in signed ones
_BT709, _LIMITED = 1, 1


@dataclass(frozen=True)
class Codec:
    """One kind of video.

    encoder, container: FFmpeg's names.
    formats: the pixel format for each kind of image it takes.
    block: sizes are made multiples of it.
    tagged: colours are BT.709 in limited range and say so.
    scaled: the container counts time in a scale that can be chosen (MP4, MOV).
    sound: how sound goes beside it, None: not at all.
    options: for the encoder.
    quality: the one of them that says how good, if there is one.
    context: settings of the codec context.
    at_once: an animation that plays for ever, which the encoder gives in one packet at the end.
    coded: there is a place for timecode. counted: the container counts frames and not time: all are equally long.
    tag: what the container calls the codec, where players look at that.
    least: (w, h) of the smallest pictures it takes.
    """

    encoder: str
    container: str
    formats: Mapping[Channels, str]
    block: int = 1
    tagged: bool = False
    scaled: bool = False
    sound: Coding | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    quality: str | None = None
    context: Mapping[str, int] = field(default_factory=dict)
    at_once: bool = False
    coded: bool = False
    counted: bool = False
    tag: str | None = None
    least: tuple[int, int] = (1, 1)

    def check_size(self, size: tuple[int, int], path: Path) -> None:
        """Raise MediaError when pictures (w, h) are too small."""
        if size[0] < self.least[0] or size[1] < self.least[1]:
            fix = f"Choose another --format, or --size {self.least[0]}x{self.least[1]} or more."
            what = f"{self.encoder} takes no pictures below {self.least[0]}x{self.least[1]}, and these have"
            raise MediaError(f"{what} {size[0]}x{size[1]}", where=path, fix=fix)

    def time_base(self, timing: Timing) -> Fraction:
        """Seconds per tick of the stream. Raises ValueError when it counts frames and these are not equally long."""
        if self.counted:
            if not timing.is_constant:
                raise ValueError(f"{self.container} holds frames of equal length alone")
            return 1 / timing.rate
        return Fraction(1, timescale(timing)) if self.scaled else timing.time_base

    def container_options(self, timing: Timing) -> dict[str, str]:
        """Return the options of the muxer."""
        if self.at_once:
            return {"loop": "0"}  # for ever
        if not self.scaled:
            return {"fflags": "+bitexact"}  # else it draws random identifiers
        scale = str(timescale(timing))
        # edit lists are counted in the movie's ticks: with the picture's own scale nothing is rounded
        return {"movflags": "+faststart", "video_track_timescale": scale, "movie_timescale": scale, **self._coded()}

    def _coded(self) -> dict[str, str]:
        return {"write_tmcd": "1"} if self.coded else {}

    def size(self, size: tuple[int, int]) -> tuple[int, int]:
        """The (w, h) that is stored for images of `size`."""
        w, h = (side + -side % self.block for side in size)
        return w, h

    def padded(self, image: np.ndarray) -> np.ndarray:
        """The image at the stored size: its last row and column repeated."""
        across, down = (-side % self.block for side in image.shape[1::-1])
        return np.pad(image, ((0, down), (0, across), *((0, 0),) * (image.ndim - 2)), mode="edge")

    def set_up(self, context: Any, quality: int) -> dict[str, str]:
        """Prepare the codec context; returns the options of the encoder."""
        if self.tagged:
            context.color_primaries = context.color_trc = context.colorspace = _BT709
            context.color_range = _LIMITED
        for name, value in self.context.items():
            setattr(context, name, value)
        if self.tag is not None:
            context.codec_tag = self.tag
        return {**self.options, **({self.quality: str(quality)} if self.quality else {})}


_H264 = Codec(
    "libx264",
    "mp4",
    {"gray": "yuv420p", "rgb": "yuv420p"},
    block=2,
    tagged=True,
    scaled=True,
    sound="aac",
    # x264's macroblock tree reads memory it never wrote: the same frames would now and then give other bytes.
    options={"preset": "fast", "x264-params": "mbtree=0"},
    quality="crf",
    context={"max_b_frames": 0},  # decoding order is showing order, so every duration is stored exactly
    coded=True,
)
_DNXHR = Codec(
    "dnxhd",
    "mov",
    {"rgb": "yuv422p10le"},
    block=2,
    tagged=True,
    scaled=True,
    sound="pcm",
    options={"profile": "dnxhr_hqx"},
    coded=True,
    least=(256, 120),
)
CODECS: dict[CodecName, Codec] = {
    "h264": _H264,
    "h264-10": replace(_H264, formats={"rgb": "yuv420p10le"}),
    "hevc": Codec(
        "libx265",
        "mp4",
        {"rgb": "yuv420p10le"},
        block=2,
        tagged=True,
        scaled=True,
        sound="aac",
        options={"preset": "fast", "x265-params": "log-level=none:bframes=0:pools=2:frame-threads=1"},
        quality="crf",
        coded=True,
        tag="hvc1",  # Apple's players want the one that keeps its parameters in the header
    ),
    "av1": Codec(
        "libsvtav1",
        "mp4",
        {"rgb": "yuv420p10le"},
        block=2,
        tagged=True,
        scaled=True,
        sound="aac",
        options={"preset": "7", "svtav1-params": "pred-struct=1:lp=2"},  # low delay: in the order of showing
        quality="crf",
    ),
    "ffv1": Codec(
        "ffv1",
        "matroska",
        {"gray": "gray", "rgb": "bgr0", "rgba": "bgra"},
        options={"level": "3", "slices": "4", "slicecrc": "1"},
        context={"gop_size": 1},
    ),
    # The name that Apple's own encoder signs with: some programs look at it.
    "prores": Codec(
        "prores_ks",
        "mov",
        {"rgb": "yuv444p10le", "rgba": "yuva444p10le"},
        tagged=True,
        scaled=True,
        sound="pcm",  # what editors keep beside it; not all of them read AAC
        options={"profile": "4444", "vendor": "apl0", "alpha_bits": "16"},
        coded=True,
    ),
    "dnxhr": _DNXHR,
    "mxf": replace(_DNXHR, container="mxf", scaled=False, sound=None, counted=True),
    "vp9": Codec(
        "libvpx-vp9",
        "webm",
        {"rgb": "yuv420p", "rgba": "yuva420p"},
        block=2,
        tagged=True,
        # Frames that are only referred to (alternate references) and alpha do not go together.
        options={"b": "0", "deadline": "good", "cpu-used": "3", "auto-alt-ref": "0", "lag-in-frames": "0"},
        quality="crf",
    ),
    # Its encoder turns colours into YUV by itself, and keeps alpha exactly.
    "webp": Codec("libwebp_anim", "webp", {"rgb": "bgra", "rgba": "bgra"}, options={"quality": "88"}, at_once=True),
}


def timescale(timing: Timing) -> int:
    """Ticks per second with which MP4 holds every time of the clip exactly (nearest microsecond if none can)."""
    if timing.time_base.denominator <= _LARGEST_SCALE:
        return timing.time_base.denominator
    common = reduce(gcd, (*timing.pts, timing.end))
    coarsest = (timing.time_base * common).denominator
    return coarsest if coarsest <= _LARGEST_SCALE else 1_000_000
