"""Image sequences, read as clips."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import av

from retarget_cli.errors import MediaError
from retarget_cli.media.errors import reading
from retarget_cli.media.footage import Footage
from retarget_cli.media.series.exr_header import read_header
from retarget_cli.media.series.names import frame_numbers, is_sequence
from retarget_cli.media.series.webp import AnimatedWebp, is_animated
from retarget_cli.media.series.whole import is_cut_off
from retarget_cli.media.source import VideoSource
from retarget_cli.media.transfer import Colour

TIMES = "times.csv"
"""The table that says when each picture of a folder shows."""
RATE = Fraction(24)
"""Frames a second where nobody says how many."""
_TICK = Fraction(1, 1_000_000)  # s; times in a table are rounded to it


def open_source(footage: Footage, rate: Fraction | None = None, raw: bool = False) -> VideoSource | ImageSequence:
    """The picture of a video file, or of a sequence of pictures at `rate` frames a second. Raises MediaError.

    raw: numbers come as they are in the file, also those of linear light.
    """
    colour = usual_colour(footage.path) if raw or footage.colour is None else footage.colour
    if is_sequence(footage.path):
        return ImageSequence(footage.path, rate, colour, raw)
    if is_animated(footage.path):
        return AnimatedWebp(footage.path)
    return VideoSource(footage.path, colour, raw)


def usual_colour(path: Path) -> Colour:
    """How the numbers of a clip stand for light unless somebody says otherwise. Raises MediaError."""
    first = frame_numbers(path)[0][1] if is_sequence(path) else path
    return "linear" if first.suffix.lower() == ".exr" else "srgb"


def colour_of(footage: Footage) -> Colour:
    """How the numbers of a clip stand for light."""
    return footage.colour or usual_colour(footage.path)


class ImageSequence:
    """The picture of a sequence, with the interface of :class:`VideoSource`. A context manager.

    number: that of its first frame, as the file's name has it.
    """

    def __init__(
        self, path: Path, rate: Fraction | None = None, colour: Colour | None = None, raw: bool = False
    ) -> None:
        """rate: frames a second; None for what ``times.csv`` beside them or the header of an EXR says, or else 24."""
        self.path = path
        self.colour = colour or usual_colour(path)
        self._raw = raw
        numbered = frame_numbers(path)
        self.number = numbered[0][0]
        self._files = [file for _, file in numbered]
        self._first = VideoSource(self._files[0], self.colour, raw)
        self.container, self.stream = self._first.container, self._first.stream
        self._ticks = None if rate else _times(self._files)
        self.time_base = _TICK if self._ticks else 1 / (rate or read_header(self._files[0]).rate or RATE)
        self.duration = (self._ticks[-1] if self._ticks else len(self._files)) * self.time_base
        self.rate = len(self._files) / self.duration
        self.claimed_frames = len(self._files)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._first.__exit__()

    def frames(self, start: int = 0) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield (ticks, frame) from frame `start` on; what is before it is not read.

        Raises MediaError, which names the file, for a damaged frame or one of another size.
        """
        size: tuple[int, int] | None = None
        for index, file in enumerate(self._files[start:], start):
            frame = self._only_frame(file)
            found = frame.width, frame.height
            if size is not None and found != size:
                what = f"This frame has {found[0]}x{found[1]} pixels, those before it {size[0]}x{size[1]}."
                raise MediaError(what, where=file, fix="Export it again at the size of the others.")
            size = found
            yield (self._ticks[index] if self._ticks else index), frame

    def last_duration(self, pts: list[int], raw_last: int | None) -> int:
        """Ticks the last frame shows."""
        return self._ticks[-1] - pts[-1] if self._ticks else 1

    def is_cut(self) -> bool:
        """Never: a frame that is cut off is refused."""
        return False

    def _only_frame(self, file: Path) -> av.VideoFrame:
        with VideoSource(file, self.colour, self._raw) as source, reading(file):
            for _, frame in source.frames():
                if not source.is_cut() and not is_cut_off(file):
                    return frame
        raise MediaError("This frame is damaged or only half written.", where=file, fix="Export it again.")


def _times(files: list[Path]) -> list[int] | None:
    """Ticks at which each frame begins, and the last one ends, by the table that goes with results; None without it."""
    try:
        rows: list[Any] = list(csv.DictReader((files[0].parent / TIMES).read_text(encoding="utf-8").splitlines()))
        ticks = [round(Fraction(row["seconds"]) / _TICK) for row in rows]
        ticks.append(ticks[-1] + round(Fraction(rows[-1]["duration"]) / _TICK))
    except (OSError, ValueError, LookupError, TypeError, ArithmeticError):
        return None
    whole = [row["file"] for row in rows] == [file.name for file in files] and ticks[0] == 0
    return ticks if whole and all(after > before for before, after in pairwise(ticks)) else None
