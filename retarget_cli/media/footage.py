"""What is read of a clip: where its pictures are, which of them, and how their numbers stand for light."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from retarget_cli.media.transfer import Colour


@dataclass(frozen=True)
class Footage:
    """A video, a folder of numbered pictures, or a pattern of their names such as ``shot.%04d.exr``.

    first: the frame, counted from 0, that it begins with; count: how many frames it has, None up to the end.
    colour: how its numbers stand for light, None for what is usual in files of its kind.
    """

    path: Path
    first: int = 0
    count: int | None = None
    colour: Colour | None = None

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    @property
    def stop(self) -> int | None:
        """The frame after its last one, None for the end of the clip."""
        return None if self.count is None else self.first + self.count


Clip = Path | Footage
"""A whole clip by its path, or what is read of one."""


def footage_of(clip: Clip | str) -> Footage:
    """A clip as footage: all of it, where only a path is given."""
    return clip if isinstance(clip, Footage) else Footage(Path(clip))
