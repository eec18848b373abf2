"""How large what a user hands in may be: absurd files are refused before they fill the memory.

Every limit is far above what people film and write. Whoever needs more sets the limit's environment variable.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from retarget_cli.errors import InputError, UsageError


@dataclass(frozen=True)
class Limit:
    """The largest `unit` that are taken. variable: the environment variable that sets another number."""

    variable: str
    usual: int
    unit: str

    @property
    def most(self) -> int:
        """The number in force. Raises UsageError when the environment variable is no whole number."""
        written = os.environ.get(self.variable, "").strip()
        if not written:
            return self.usual
        if not (written.isascii() and written.isdecimal() and len(written) <= 18):
            fix = f"Set {self.variable} to a whole number, or unset it."
            raise UsageError(f"'{written}' is no limit", where=self.variable, fix=fix)
        return int(written)

    def check(self, count: float, what: str, where: str | Path, error: type[InputError] = InputError) -> None:
        """Raise an `error` when there are more. what: how the sentence begins, up to the number: ``a frame has``."""
        if count > self.most:
            number = f"{count:.0f}" if count < 1e15 else f"{count:.3g}"
            told = f"{what} {number} {self.unit}, and at most {self.most} are taken"
            fix = f"Give another file; if this one is meant so, set the environment variable {self.variable}={number}."
            raise error(told, where=where, fix=fix)


FRAME_PIXELS = Limit("RETARGET_MAX_FRAME_PIXELS", 100_000_000, "pixels")
FRAMES = Limit("RETARGET_MAX_FRAMES", 200_000, "frames")
FRAME_RATE = Limit("RETARGET_MAX_FRAME_RATE", 1_000, "frames a second")
FRAME_SECONDS = Limit("RETARGET_MAX_FRAME_SECONDS", 3_600, "seconds")
PICTURE_TEXT = Limit("RETARGET_MAX_PICTURE_TEXT", 16_000_000, "bytes of text")
TEXT_BYTES = Limit("RETARGET_MAX_TEXT_BYTES", 1_000_000, "bytes")
MOTION_BYTES = Limit("RETARGET_MAX_MOTION_BYTES", 200_000_000, "bytes")
INFLATION = Limit("RETARGET_MAX_INFLATION", 10, "times as much")


def read_limited(path: Path, limit: Limit) -> bytes:
    """The content of a file. Raises OSError, and InputError for a file that is larger than a limit in bytes.

    A device or pipe that has no size is read no further than the limit.
    """
    with path.open("rb") as file:
        content = file.read(limit.most + 1)
        if len(content) > limit.most:
            limit.check(max(len(content), path.stat().st_size), "the file has", path)
    return content
