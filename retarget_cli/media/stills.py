"""Single pictures: PNG files and folders of pictures (mattes drawn by hand, frames of a report)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from uuid import uuid4

import av
import numpy as np

from retarget_cli.errors import MediaError
from retarget_cli.media.decode import read_frames
from retarget_cli.media.errors import writing
from retarget_cli.media.picture import Channels

_KINDS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}


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
    data = png_bytes(image)
    path = Path(path)
    temporary = path.with_name(f"{path.stem}.part-{uuid4().hex[:12]}{path.suffix}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def read_picture(path: Path, *, channels: Channels = "rgb", size: tuple[int, int] | None = None) -> np.ndarray:
    """Read one picture as read_frames would: (H, W, 3), (H, W, 4) or (H, W) uint8. Raises MediaError."""
    frames = read_frames(Path(path), channels=channels, size=size)
    for frame in frames:
        return frame.image
    raise MediaError("The picture cannot be read.", where=path, fix="Save it again as PNG.")


def png_folder(folder: Path) -> list[Path]:
    """The pictures in `folder`, numbers in their names in counting order (2 before 10). Raises MediaError if none."""
    folder = Path(folder)
    try:
        files = [p for p in folder.iterdir() if p.suffix.lower() in _KINDS and not p.name.startswith(".")]
    except OSError as error:
        raise MediaError("This folder cannot be listed.", where=folder, fix="Give a folder of PNG files.") from error
    if not files:
        raise MediaError("There are no pictures in this folder.", where=folder, fix="Give a folder of PNG files.")
    return sorted(files, key=lambda p: [t.zfill(20) if t.isdigit() else t for t in re.split(r"(\d+)", p.name)])


def read_png_folder(
    folder: Path, *, channels: Channels = "rgb", size: tuple[int, int] | None = None
) -> Iterator[np.ndarray]:
    """Yield the pictures of a folder in order, each as read_picture gives it. Raises MediaError."""
    for path in png_folder(folder):
        yield read_picture(path, channels=channels, size=size)
