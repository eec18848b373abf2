"""Cropped clips as the training engine reads them: one memory-mapped array a clip."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retarget_cli.errors import InputError


@dataclass(frozen=True)
class ClipArray:
    """A cropped clip. frames: (N, S, S, 4) uint8, RGB and matte {0, 255}, usually memory-mapped."""

    frames: np.ndarray

    @classmethod
    def open(cls, path: Path) -> ClipArray:
        """Map the ``.npy`` file at `path` read-only; InputError when it does not hold a clip."""
        frames = np.load(path, mmap_mode="r", allow_pickle=False)
        if frames.ndim != 4 or frames.shape[3] != 4 or frames.dtype != np.uint8:
            raise InputError("a cropped clip has the wrong shape", where=path, fix="Run `retarget cache verify`.")
        return cls(frames)

    @property
    def count(self) -> int:
        """Number of frames."""
        return int(self.frames.shape[0])

    @property
    def size(self) -> int:
        """Width and height in pixels."""
        return int(self.frames.shape[1])
