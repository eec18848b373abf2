"""The clips that are trained on while measuring: the drawn sample pair, cropped in memory."""

from __future__ import annotations

from itertools import starmap

import numpy as np

from retarget_cli.samples import Role, frames, roles
from retarget_cli.training.clips import ClipArray
from retarget_cli.vision.framing import cut, frame_object
from retarget_cli.vision.regions import box_of

_FRAMES = 24  # of each clip; a step takes as long on longer ones
_RATE = 25.0


def sample_clips(size: int) -> tuple[ClipArray, ClipArray]:
    """Both clips of the sample pair, (24, size, size, 4)."""
    a, b = starmap(_cropped, ((role, size) for role in roles()))
    return a, b


def repeated(clip: ClipArray, frames: int) -> ClipArray:
    """The clip again and again, to that many frames."""
    return ClipArray(clip.frames[np.arange(frames) % clip.count], clip.heading)


def _cropped(role: Role, size: int) -> ClipArray:
    drawn = list(frames(role.actor, role.motion, _FRAMES))
    boxes = np.array([box_of(matte > 127) for _, matte in drawn], np.float64)
    path = frame_object(boxes, _RATE)
    both = (np.dstack([image, matte]) for image, matte in drawn)
    return ClipArray(np.stack([cut(frame, path, index, size) for index, frame in enumerate(both)]))
