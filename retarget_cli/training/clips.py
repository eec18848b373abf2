"""Cropped clips as the training engine reads them: one memory-mapped array a clip."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retarget_cli.errors import InputError
from retarget_cli.utils.arrays import let_go, read_npy

_LET_GO = 32  # frames


@dataclass(frozen=True)
class ClipArray:
    """A cropped clip. frames: (N, S, S, 4) uint8, RGB and matte {0, 255}, usually memory-mapped.

    heading: how far the object travels to the right over the clip, in sides of the crop; None when unknown.
    correct: (frame, index) to the frame as it is to be learned; None for frames as they are.
    """

    frames: np.ndarray
    heading: float | None = None
    correct: Callable[[np.ndarray, int], np.ndarray] | None = None

    @classmethod
    def open(cls, path: Path) -> ClipArray:
        """Map the ``.npy`` file at `path` read-only, with the facts in the ``.json`` beside it if there are any.

        Raises InputError when it does not hold a clip.
        """
        frames = read_npy(path)
        if frames.ndim != 4 or frames.shape[3] != 4 or frames.dtype != np.uint8:
            raise InputError("a cropped clip has the wrong shape", where=path, fix="Run `retarget cache verify`.")
        facts = path.with_suffix(".json")
        return cls(frames, json.loads(facts.read_text())["heading"] if facts.exists() else None)

    def pictures(self, indices: Iterable[int]) -> Iterator[np.ndarray]:
        """Some of the frames, (S, S, 4) uint8, as they are to be learned."""
        for number, index in enumerate(indices):
            frame = self.frames[index]
            yield frame if self.correct is None else self.correct(frame, index)
            if number % _LET_GO == 0:
                self.let_go()

    def let_go(self) -> None:
        """Give back the memory of frames that were looked at, where they lie in a file."""
        let_go(self.frames)

    @property
    def count(self) -> int:
        """Number of frames."""
        return int(self.frames.shape[0])

    @property
    def size(self) -> int:
        """Width and height in pixels."""
        return int(self.frames.shape[1])
