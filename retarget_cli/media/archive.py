"""A series of pictures in one file, each of which can be read by itself: a ZIP archive of PNGs."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from retarget_cli.errors import MediaError

_FACTS = "frames.json"
_TO_FILE = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
_FROM_FILE = {3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGBA}
_QUICK = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_FILTERED)
_SEEN = 8
"""Pixels round what is not transparent that keep their colour: pictures are made smaller, and neighbours mix."""


class ArchiveWriter:
    """A context manager that writes pictures of one shape into a file; it is whole once the context ended well.

    Colours that are far from everything visible are made black: they cannot be seen and would take most of the room.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._shape: tuple[int, ...] | None = None
        self._count = 0

    def __enter__(self) -> Self:
        self._file = zipfile.ZipFile(self._path, "w", zipfile.ZIP_STORED)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                facts = json.dumps({"shape": [self._count, *(self._shape or ())]})
                self._file.writestr(zipfile.ZipInfo(_FACTS), facts)
        finally:
            self._file.close()

    def write(self, picture: np.ndarray) -> None:
        """Add a picture: (H, W), (H, W, 3) or (H, W, 4) uint8, with straight alpha."""
        self._shape = self._shape or picture.shape
        if picture.shape != self._shape or picture.dtype != np.uint8:
            raise ValueError(f"expected pictures of {self._shape}, got {picture.dtype} {picture.shape}")
        if picture.ndim == 3:
            picture = cv2.cvtColor(_visible(picture), _TO_FILE[picture.shape[2]])
        done, packed = cv2.imencode(".png", picture, _QUICK)
        if not done:
            raise ValueError(f"a picture of {self._shape} cannot be packed")
        self._file.writestr(zipfile.ZipInfo(_name(self._count)), packed.tobytes())
        self._count += 1


class Archive:
    """The pictures of such a file, read one at a time; used like an array of them. shape: of that array.

    Raises MediaError when the file is none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = zipfile.ZipFile(path)
            self.shape: tuple[int, ...] = tuple(json.loads(self._file.read(_FACTS))["shape"])
        except (zipfile.BadZipFile, KeyError, ValueError) as error:
            raise MediaError("This is no archive of frames.", where=path, fix="Run `retarget cache verify`.") from error

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int) -> np.ndarray:
        """The picture at `index`, as it was written."""
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        packed = np.frombuffer(self._file.read(_name(int(index) % len(self))), np.uint8)
        picture = cv2.imdecode(packed, cv2.IMREAD_UNCHANGED)
        if picture is None or picture.shape != self.shape[1:]:
            raise MediaError("A stored picture is damaged.", where=self._path, fix="Run `retarget cache verify`.")
        return cv2.cvtColor(picture, _FROM_FILE[picture.shape[2]]) if picture.ndim == 3 else picture

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[index] for index in range(len(self)))


Pictures = np.ndarray | Archive
"""Pictures of one shape that are indexed one by one: in memory, mapped, or in an archive."""


def _name(index: int) -> str:
    return f"{index:06d}.png"


def _visible(picture: np.ndarray) -> np.ndarray:
    """The picture with what is far from anything visible in black."""
    if picture.shape[2] != 4:
        return picture
    near = cv2.dilate(picture[..., 3], np.ones((2 * _SEEN + 1,) * 2, np.uint8))
    return np.where(near[..., None] > 0, picture, 0).astype(np.uint8)
