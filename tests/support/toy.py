"""Toy clips: a disc or a bar that moves over a striped ground, with its matte. Drawn in milliseconds."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.timing import Timing

SIZE = (96, 64)
COLOURS = {"disc": (220, 60, 40), "bar": (40, 90, 220)}


def matte_frame(kind: str, moment: float, size: tuple[int, int] = SIZE) -> np.ndarray:
    """(H, W) uint8 {0, 255}. moment in [0, 1): the place in the movement."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    swing = np.sin(2 * np.pi * moment)
    if kind == "disc":
        inside = (x - width / 2 - width / 6 * swing) ** 2 + (y - height / 2) ** 2 < (height / 5) ** 2
    else:
        inside = (abs(x - width / 2) < width / 14) & (abs(y - height / 2 - height / 8 * swing) < height / 4)
    return np.where(inside, 255, 0).astype(np.uint8)


def frame(kind: str, moment: float, size: tuple[int, int] = SIZE) -> np.ndarray:
    """(H, W, 3) uint8: the object over stripes."""
    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 1] = 90 + 60 * ((np.arange(width) // 8) % 2)
    image[..., 2] = 70
    image[matte_frame(kind, moment, size) > 0] = COLOURS[kind]
    return image


def draw_clip(
    folder: Path,
    name: str,
    kind: str,
    frames: int = 10,
    timing: Timing | None = None,
    size: tuple[int, int] = SIZE,
    sound_from: Path | None = None,
) -> tuple[Path, Path]:
    """Write ``name.mp4`` and ``name_matte.mkv``; returns both paths."""
    timing = timing or Timing.constant(frames, Fraction(10))
    video, matte = folder / f"{name}.mp4", folder / f"{name}_matte.mkv"
    with VideoWriter(video, size, timing, quality=8, sound_from=sound_from) as writer:
        for index in range(timing.frames):
            writer.write(frame(kind, index / timing.frames, size))
    with VideoWriter(matte, size, timing, codec="ffv1", pixels="gray") as writer:
        for index in range(timing.frames):
            writer.write(matte_frame(kind, index / timing.frames, size))
    return video, matte
