"""A video as a folder of numbered pictures, with a list of their times."""

from __future__ import annotations

import csv
import shutil
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

import numpy as np

from retarget_cli.media.errors import writing
from retarget_cli.media.stills import png_bytes
from retarget_cli.media.timing import Timing

TIMES = "times.csv"
_COLUMNS = ("file", "seconds", "duration")


class SeriesWriter:
    """A context manager that writes frames in order as ``000000.png``, ``000001.png``, ... and publishes the folder.

    With them goes ``times.csv``: for each picture when it appears and how long it shows, in seconds. The folder has its
    name from a clean exit on; on an error it is removed. Raises EnvironmentProblem when the disk is full or the place
    may not be written to, MediaError when something with content is there already, ValueError for misuse.
    """

    def __init__(self, path: Path, size: tuple[int, int], timing: Timing) -> None:
        """size: (w, h) of the images."""
        self.path = Path(path)
        self.written = 0
        self._size, self._timing = size, timing
        self._part = self.path.with_name(f".{uuid4().hex}.part")

    def __enter__(self) -> Self:
        with writing(self.path):
            self._part.mkdir(parents=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            shutil.rmtree(self._part, ignore_errors=True)

    def write(self, image: np.ndarray) -> None:
        """Write the next frame: (H, W, 3), (H, W, 4) with straight alpha, or (H, W); uint8."""
        if image.shape[1::-1] != self._size or self.written == self._timing.frames:
            raise ValueError(f"expected {self._timing.frames} images of {self._size}, got another of {image.shape}")
        with writing(self.path):
            (self._part / picture_name(self.written)).write_bytes(png_bytes(image))
        self.written += 1

    def _finish(self) -> None:
        if self.written != self._timing.frames:
            raise ValueError(f"{self.written} of {self._timing.frames} frames were written")
        with writing(self.path):
            with (self._part / TIMES).open("w", newline="", encoding="utf-8") as file:
                lines = csv.writer(file)
                lines.writerow(_COLUMNS)
                lines.writerows(_times(self._timing))
            self._part.rename(self.path)


def picture_name(index: int) -> str:
    """The file of a frame, counted from 0."""
    return f"{index:06d}.png"


def is_series(folder: Path) -> bool:
    """Whether the folder holds such pictures with their times, and nothing else."""
    names = {path.name for path in folder.iterdir()}
    return TIMES in names and names == {TIMES, *(picture_name(index) for index in range(len(names) - 1))}


def _times(timing: Timing) -> list[tuple[str, str, str]]:
    return [
        (picture_name(index), _seconds(pts * timing.time_base), _seconds(shown * timing.time_base))
        for index, (pts, shown) in enumerate(zip(timing.pts, timing.durations, strict=True))
    ]


def _seconds(time: Fraction) -> str:
    return f"{float(time):.9f}"
