"""Image sequences: folders of numbered pictures, read as clips."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import av

from retarget_cli.errors import MediaError
from retarget_cli.media.picture import geometry_of
from retarget_cli.media.source import VideoSource

PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".exr"}
TIMES = "times.csv"
"""The table that says when each picture of a folder shows."""
RATE = Fraction(24)
"""Frames a second where nobody says how many."""
_TICK = Fraction(1, 1_000_000)  # s; times in a table are rounded to it
_NUMBER = re.compile(r"\d+(?=\.\w+$)")
_FIX = "Give a folder that holds the pictures of one clip and nothing else, all numbered, as PNG, JPEG, TIFF or EXR."


def open_source(path: Path, rate: Fraction | None = None) -> VideoSource | ImageSequence:
    """The picture of a video file, or of a folder of pictures at `rate` frames a second. Raises MediaError."""
    return ImageSequence(path, rate) if Path(path).is_dir() else VideoSource(path)


def pictures_in(folder: Path, fix: str) -> list[Path]:
    """The pictures of a folder, in no order. Raises MediaError, with this fix, when it cannot be listed."""
    try:
        return [file for file in folder.iterdir() if file.suffix.lower() in PICTURES and not file.name.startswith(".")]
    except OSError as error:
        raise MediaError("This folder cannot be listed.", where=folder, fix=fix) from error


def frame_numbers(folder: Path) -> list[tuple[int, Path]]:
    """The pictures of a folder with the numbers in their names, in order.

    Raises MediaError when there are none, when they are of several kinds, or when a number is missing or twice there.
    """
    files = pictures_in(folder, _FIX)
    kinds = Counter(file.suffix.lower() for file in files)
    if len(kinds) != 1:
        found = f"pictures of {len(kinds)} kinds ({', '.join(sorted(kinds))})" if kinds else "no pictures"
        raise MediaError(f"This folder holds {found}.", where=folder, fix=_FIX)
    numbered = []
    for file in files:
        number = _NUMBER.search(file.name)
        if number is None:
            raise MediaError("This picture has no frame number at the end of its name.", where=file, fix=_FIX)
        numbered.append((int(number[0]), file))
    numbered.sort()
    for (before, _), (after, file) in pairwise(numbered):
        if after == before:
            raise MediaError(f"Frame {after} is there twice.", where=file, fix=_FIX)
        if after > before + 1:
            what = f"Frame {before + 1} is missing" + (f", up to frame {after - 1}." if after > before + 2 else ".")
            raise MediaError(what, where=folder, fix="Export the missing frames again, or split the sequence there.")
    return numbered


class ImageSequence:
    """The picture of a folder, with the interface of :class:`VideoSource`. A context manager."""

    def __init__(self, path: Path, rate: Fraction | None = None) -> None:
        """rate: frames a second; None for what ``times.csv`` in the folder says, or else 24."""
        self.path = path
        self._files = [file for _, file in frame_numbers(path)]
        self._first = VideoSource(self._files[0])
        self.container, self.stream = self._first.container, self._first.stream
        self._ticks = None if rate else _times(path, self._files)
        self.time_base = _TICK if self._ticks else 1 / (rate or RATE)
        self.duration = (self._ticks[-1] if self._ticks else len(self._files)) * self.time_base
        self.rate = len(self._files) / self.duration
        self.claimed_frames = len(self._files)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._first.__exit__()

    def frames(self) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield (ticks, frame). Raises MediaError, which names the file, for a damaged frame or one of another size."""
        size: tuple[int, int] | None = None
        for index, file in enumerate(self._files):
            frame = _only_frame(file)
            upright = geometry_of(frame, self.stream.sample_aspect_ratio).upright
            if size is not None and upright != size:
                what = f"This frame has {upright[0]}x{upright[1]} pixels, those before it {size[0]}x{size[1]}."
                raise MediaError(what, where=file, fix="Export it again at the size of the others.")
            size = upright
            yield (self._ticks[index] if self._ticks else index), frame

    def last_duration(self, pts: list[int], raw_last: int | None) -> int:
        """Ticks the last frame shows."""
        return self._ticks[-1] - pts[-1] if self._ticks else 1

    def is_cut(self) -> bool:
        """Never: a frame that is cut off is refused."""
        return False


def _only_frame(file: Path) -> av.VideoFrame:
    with VideoSource(file) as source:
        for _, frame in source.frames():
            if not source.is_cut():
                return frame
    raise MediaError("This frame is damaged or only half written.", where=file, fix="Export it again.")


def _times(folder: Path, files: list[Path]) -> list[int] | None:
    """Ticks at which each frame begins, and the last one ends, by the table that goes with results; None without it."""
    try:
        rows: list[Any] = list(csv.DictReader((folder / TIMES).read_text(encoding="utf-8").splitlines()))
        ticks = [round(Fraction(row["seconds"]) / _TICK) for row in rows]
        ticks.append(ticks[-1] + round(Fraction(rows[-1]["duration"]) / _TICK))
    except (OSError, ValueError, LookupError, TypeError, ArithmeticError):
        return None
    whole = [row["file"] for row in rows] == [file.name for file in files] and ticks[0] == 0
    return ticks if whole and all(after > before for before, after in pairwise(ticks)) else None
