"""Options of what is drawn: the pose, the picture and its file, the driver's part and speed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retarget_cli.cli import completion
from retarget_cli.cli.options.declare import ADVANCED, DRIVER, Group, choice, option
from retarget_cli.pipeline import options as words


@dataclass(frozen=True)
class Pose(Group):
    """The fit of the driver's keypoints to the subject, and the ones that follow."""

    affine: str = choice(
        "auto", list(words.AFFINES), "{}, numbers, or a file.", metavar="MODE",
        parse=words.parse_affine, autocompletion=completion.affines,
    )  # fmt: skip
    follow: str = option(
        "", "NAMES", "Only these keypoints follow the driver: tail,nose or p3,p4.", ADVANCED, parse=words.parse_names
    )


def _size(word: str | None) -> str | None:
    words.parse_picture_size(word)
    return word


def _crop(word: str | None) -> str | None:
    words.parse_crop(word)
    return word


@dataclass(frozen=True)
class Picture(Group):
    """Background, file and frame of a result."""

    background: str = choice("subject", words.BACKGROUNDS, "{}, or a colour: '#808080'.", parse=words.parse_background)
    out: Path | None = option(
        None, "FILE", ".mp4 .mov .webm .gif .webp .mkv .mxf, a folder, or x.%04d.exr.", names=("--out", "-o")
    )
    format: str | None = choice(
        None, words.FORMATS, "Another kind: prores4444, hevc, av1, dnxhr, png, tiff, exr.", metavar="NAME"
    )
    layers: str | None = choice(
        None, words.LAYOUTS, "Layers of a sequence: {}.",
        parse=lambda word: word and words.choose(word, words.LAYOUTS, "--layers"),
    )  # fmt: skip
    size: str | None = option(None, "WxH", "Size of the result: 1080x1920.", parse=_size)
    crop: str | None = option(None, "SHAPE", "Cut to a shape round the object: square or 9:16.", parse=_crop)


@dataclass(frozen=True)
class Part(Group):
    """The part of the driver that plays."""

    start: str | None = option(None, "TIME", "Where the driver begins: 1:02.5, 12.5 or 12f.", DRIVER, ("--from",))
    stop: str | None = option(None, "TIME", "Where it ends.", DRIVER, ("--to",))


@dataclass(frozen=True)
class Tempo(Group):
    """Speed and rounds of the driver."""

    fps: str | None = option(None, "RATE", "Frames a second, instead of the driver's.")
    slow: str | None = option(None, "FACTOR", "Take so many times longer, smoothly.")
    loop: int = option(1, "N", "Play it N times without a jump.")
    smooth: str = option("0", "HOW", "Steady poses that tremble: auto, or 0 to 1.")


def render_options(*groups: Group, **more: Any) -> words.RenderOptions:
    """Put together what all these groups say about a render."""
    for group in groups:
        more |= group.chosen()
    return words.RenderOptions(**more)
