"""The interface of the backends: the clip they read, the hints they take, the report they give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Protocol

import numpy as np

from retarget_cli.errors import InputError

Sink = Callable[[np.ndarray], None]
Progress = Callable[[int, int], None]


class FrameSource(Protocol):
    """A clip that can be read from its start as often as needed."""

    @property
    def size(self) -> tuple[int, int]:
        """Native (width, height) in pixels, upright."""
        ...

    @property
    def count(self) -> int:
        """Number of frames."""
        ...

    def read(self, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        """Every frame from the first on: (H, W, 3) uint8 RGB, resized to (width, height) when `size` is given."""
        ...


def every_frame(clip: FrameSource, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
    """Give the frames of a clip as it reads them. Raises InputError when there are fewer than it counts."""
    seen = 0
    for image in islice(clip.read(size), clip.count):
        yield image
        seen += 1
    if seen < clip.count:
        raise ended(seen, clip.count)


def ended(seen: int, count: int) -> InputError:
    """The error for a clip that has fewer frames than were found before."""
    return InputError(f"The clip ended after {seen} of {count} frames.", fix="Convert the video again.")


@dataclass(frozen=True)
class Hint:
    """Place of the object on one frame, in native pixels of the upright clip.

    frame: index from 0; box: (x, y, width, height); points: (x, y, positive), positive ones on the object.
    """

    frame: int = 0
    box: tuple[float, float, float, float] | None = None
    points: tuple[tuple[float, float, bool], ...] = ()


@dataclass(frozen=True)
class MatteReport:
    """Origin and confidence of a matte; confidences in [0, 1], one a frame and one for the clip."""

    backend: str
    confidence: float
    frame_confidence: tuple[float, ...] = ()
    notices: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A plain dict ready for JSON."""
        return asdict(self)


class Segmenter(Protocol):
    """Finds the object in every frame of a clip."""

    name: str
    version: int

    def segment(self, clip: FrameSource, hints: Sequence[Hint], sink: Sink, progress: Progress) -> MatteReport:
        """Give `sink` one matte a frame, in order: (H, W) uint8 {0, 255} at native size.

        `progress` is called with (frames done, frames in all). Raises InputError when no object is found.
        """
        ...


def merge(hints: Sequence[Hint]) -> list[Hint]:
    """One hint a frame, by frame: the last box given and all points."""
    found: dict[int, Hint] = {}
    for hint in hints:
        before = found.get(hint.frame, Hint(hint.frame))
        found[hint.frame] = Hint(hint.frame, hint.box or before.box, before.points + hint.points)
    return [found[frame] for frame in sorted(found)]


def shows(hint: Hint) -> bool:
    """Tell whether it says where the object is, and not only where it is not."""
    return hint.box is not None or any(positive for _, _, positive in hint.points)


def check_hints(hints: Sequence[Hint], clip: FrameSource) -> None:
    """Raise InputError for a hint that names a frame or a place outside the clip, or says nothing."""
    width, height = clip.size
    for hint in hints:
        if not 0 <= hint.frame < clip.count:
            raise InputError(
                f"The hint names frame {hint.frame}, but the clip has frames 0 to {clip.count - 1}.",
                fix="Name a frame inside the clip.",
            )
        if hint.box is None and not hint.points:
            raise InputError(
                f"The hint on frame {hint.frame} has neither a box nor points.", fix="Give --box or --point."
            )
        x, y, w, h = hint.box or (0, 0, width, height)
        if not (w >= 2 and h >= 2 and x < width and y < height and x + w > 0 and y + h > 0):
            box = ",".join(f"{value:g}" for value in (x, y, w, h))
            raise InputError(
                f"The box {box} on frame {hint.frame} is empty or outside the {width}x{height} frame.",
                fix="Give the box as x,y,width,height in pixels of the upright video.",
            )
        for x, y, _ in hint.points:
            if not (0 <= x < width and 0 <= y < height):
                raise InputError(
                    f"The point {x:g},{y:g} on frame {hint.frame} is outside the {width}x{height} frame.",
                    fix="Give the point as x,y in pixels of the upright video.",
                )


class NoObject(InputError):
    """Nothing in the clip can be told from the background."""


def no_object(why: str) -> NoObject:
    """The error for a clip in which nothing can be told from the background."""
    fix = (
        "Say where it is with --box FRAME:X,Y,WIDTH,HEIGHT (`retarget segment CLIP --preview-frame FRAME` draws a grid "
        "with the numbers), or give a matte with --mask."
    )
    return NoObject(f"No object was found in the clip: {why}.", fix=fix)


def hints_to_json(hints: Sequence[Hint]) -> list[dict[str, Any]]:
    """Hints as plain values."""
    return [
        {"frame": hint.frame, "box": hint.box and list(hint.box), "points": [list(point) for point in hint.points]}
        for hint in hints
    ]
