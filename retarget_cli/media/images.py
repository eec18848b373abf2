"""Still pictures and folders of them: reading, writing, a series of PNGs with its times."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from retarget_cli.errors import MediaError
from retarget_cli.media.decode import read_frames
from retarget_cli.media.errors import writing
from retarget_cli.media.picture import Channels
from retarget_cli.media.sequence import TIMES
from retarget_cli.media.series.folder import NewFolder
from retarget_cli.media.series.layers import LAYERS, Names, write_times
from retarget_cli.media.series.names import pictures_in
from retarget_cli.media.timing import Timing
from retarget_cli.utils.atomic import write_bytes_atomic


def png_bytes(image: np.ndarray) -> bytes:
    """(H, W), (H, W, 3) or (H, W, 4) uint8 as a PNG file."""
    layout = "gray" if image.ndim == 2 else {3: "rgb24", 4: "rgba"}[image.shape[2]]
    context = av.CodecContext.create("png", "w")
    context.width, context.height, context.pix_fmt = image.shape[1], image.shape[0], layout
    context.time_base = Fraction(1)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format=layout)
    return b"".join(bytes(packet) for part in (frame, None) for packet in context.encode(part))


def write_png(path: Path, image: np.ndarray) -> None:
    """Write (H, W), (H, W, 3) or (H, W, 4) uint8 as PNG, all at once (a temporary file is renamed).

    Raises EnvironmentProblem when the disk is full or the folder may not be written to.
    """
    path = Path(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes_atomic(path, png_bytes(image))


def read_picture(path: Path, *, channels: Channels = "rgb", size: tuple[int, int] | None = None) -> np.ndarray:
    """Read one picture as read_frames would: (H, W, 3), (H, W, 4) or (H, W) uint8. Raises MediaError."""
    frames = read_frames(Path(path), channels=channels, size=size)
    for frame in frames:
        return frame.image
    raise MediaError("The picture cannot be read.", where=path, fix="Save it again as PNG.")


def png_folder(folder: Path) -> list[Path]:
    """The pictures in `folder`, numbers in their names in counting order (2 before 10). Raises MediaError if none."""
    fix = "Give a folder of PNG files."
    files = pictures_in(Path(folder), fix)
    if not files:
        raise MediaError("There are no pictures in this folder.", where=folder, fix=fix)
    return sorted(files, key=lambda p: [t.zfill(20) if t.isdigit() else t for t in re.split(r"(\d+)", p.name)])


def read_png_folder(folder: Path, *, channels: Channels = "rgb") -> Iterator[np.ndarray]:
    """Yield the pictures of a folder in order, each as read_picture gives it. Raises MediaError."""
    for path in png_folder(folder):
        yield read_picture(path, channels=channels)


class SeriesWriter(NewFolder):
    """A context manager that writes frames in order as ``000000.png``, ``000001.png``, ... and publishes the folder.

    With them goes ``times.csv``: for each picture when it appears and how long it shows, in seconds. The folder has its
    name from a clean exit on; on an error it is removed. Raises EnvironmentProblem when the disk is full or the place
    may not be written to, MediaError when something with content is there already, ValueError for misuse.
    """

    def __init__(self, path: Path, size: tuple[int, int], timing: Timing, names: Names | None = None) -> None:
        """size: (w, h) of the images."""
        self._names = names or Names(".png")
        super().__init__(path)
        self._size, self._timing = size, timing

    def write(self, image: np.ndarray) -> None:
        """Write the next frame: (H, W, 3), (H, W, 4) with straight alpha, or (H, W); uint8."""
        if image.shape[1::-1] != self._size or self.written == self._timing.frames:
            raise ValueError(f"expected {self._timing.frames} images of {self._size}, got another of {image.shape}")
        with writing(self.path):
            (self._part / self._names(self.written)).write_bytes(png_bytes(image))
        self.written += 1

    def _finish(self) -> None:
        if self.written != self._timing.frames:
            raise ValueError(f"{self.written} of {self._timing.frames} frames were written")
        with writing(self.path):
            write_times(self._part, self._timing, self._names)
            self._part.rename(self.path)


def is_series(folder: Path) -> bool:
    """Tell whether a folder holds pictures that were written here, with their times, and nothing else."""
    try:
        named = {row["file"] for row in csv.DictReader((folder / TIMES).read_text(encoding="utf-8").splitlines())}
    except (OSError, ValueError, LookupError):
        return False
    inside = [path for path in folder.rglob("*") if path != folder / TIMES]
    layers = [path for path in inside if path.is_dir()]
    return all(path.name in LAYERS for path in layers) and all(
        path.name in named for path in inside if path not in layers
    )
