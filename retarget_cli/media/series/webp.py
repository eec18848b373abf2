"""Animated WebP as clips: FFmpeg writes them, but reads only still ones, so their pictures are OpenCV's.

WebP container specification, https://developers.google.com/speed/webp/docs/riff_container
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import av
import cv2
import numpy as np

from retarget_cli.errors import MediaError
from retarget_cli.media.source import VideoSource
from retarget_cli.utils.limits import FRAMES

_MILLISECOND = Fraction(1, 1000)
_ANIMATED = 0x02  # of the flags of a file
_AT_ONCE = 128_000_000  # bytes of pictures that are held
_SHORTEST = 1  # ms


def is_animated(path: Path) -> bool:
    """Tell whether a file is an animated WebP."""
    try:
        with path.open("rb") as file:
            head = file.read(21)
    except OSError:
        return False
    return head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and bool(head[20] & _ANIMATED)


class AnimatedWebp(VideoSource):
    """The picture of an animated WebP, in milliseconds. Some pictures are unpacked at a time, each with its alpha."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self._durations, (w, h) = _durations(path)
            self._check_pixels(w, h)
            FRAMES.check(len(self._durations), "the clip has", path, MediaError)
        except BaseException:
            self.container.close()
            raise
        self._at_once = max(1, _AT_ONCE // max(1, 4 * w * h))

    @property
    def time_base(self) -> Fraction:
        """Seconds per tick."""
        return _MILLISECOND

    @property
    def duration(self) -> Fraction:
        """Seconds of one round."""
        return sum(self._durations) * _MILLISECOND

    @property
    def rate(self) -> Fraction:
        """Frames a second, on average."""
        return len(self._durations) / self.duration

    @property
    def claimed_frames(self) -> int:
        """Number of frames."""
        return len(self._durations)

    def frames(self, start: int = 0) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield (milliseconds, frame) from frame `start` on. Raises MediaError for a damaged file."""
        begins = list(accumulate(self._durations, initial=0))
        for first in range(start, len(self._durations), self._at_once):
            done, animation = cv2.imreadanimation(str(self.path), first, self._at_once)
            wanted = min(self._at_once, len(self._durations) - first)
            if not done or len(animation.frames) != wanted:
                fix = "Copy or export the file again; this one is damaged."
                raise MediaError("The animation breaks off.", where=self.path, fix=fix)
            for index, image in enumerate(animation.frames, first):
                rgba = cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA if image.shape[2] == 4 else cv2.COLOR_BGR2RGBA)
                frame = av.VideoFrame.from_ndarray(rgba.astype(np.uint8, copy=False), format="rgba")
                frame.pts = begins[index]
                yield begins[index], frame

    def last_duration(self, pts: list[int], raw_last: int | None) -> int:
        """Milliseconds that the last frame shows."""
        return self._durations[-1]

    def is_cut(self) -> bool:
        """Never: a file that is cut off is refused."""
        return False


def _durations(path: Path) -> tuple[list[int], tuple[int, int]]:
    """How long each frame shows, in milliseconds, and the size (w, h) of the pictures. Raises OSError."""
    found, size = [], (0, 0)
    with path.open("rb") as file:
        file.seek(12)
        while len(head := file.read(8)) == 8:
            length = int.from_bytes(head[4:], "little")
            content = file.read(min(length, 16))
            if head[:4] == b"VP8X" and len(content) >= 10:
                size = 1 + int.from_bytes(content[4:7], "little"), 1 + int.from_bytes(content[7:10], "little")
            if head[:4] == b"ANMF" and len(content) >= 15:
                found.append(max(_SHORTEST, int.from_bytes(content[12:15], "little")))
            file.seek(length - len(content) + length % 2, 1)
    return found, size
