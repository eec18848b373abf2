"""`retarget probe`: what is in a video file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from retarget_cli.cli import options, output
from retarget_cli.cli.options import argument, grouped
from retarget_cli.utils import text

if TYPE_CHECKING:
    from retarget_cli.media.probe import VideoInfo


@grouped
def probe(
    file: Path = argument("FILE", "Any video."),
    *,
    general: options.General,
) -> None:
    """Show what a video file holds, as this program reads it."""
    from retarget_cli.media.probe import probe as read

    info = read(file)
    output.answer(general, info.to_json(), *describe(info))


def describe(info: VideoInfo) -> list[str]:
    """One line a subject: picture, pixels, time, sound."""
    size = f"{info.width}x{info.height}"
    if (info.width, info.height) != (info.coded_width, info.coded_height):
        stored = f"{info.coded_width}x{info.coded_height}"
        size += f" (stored {stored}, rotation {info.rotation}, pixel aspect {info.sample_aspect})"
    if info.mirrored:
        size += ", mirrored"
    alpha = ", with alpha" if info.has_alpha else ""
    rate = f"{float(info.average_rate):.3f} frames/s" if info.average_rate else "no steady frame rate"
    frames = f", {info.frames} frames by its header" if info.frames else ""
    length = f", {text.duration(float(info.duration))}" if info.duration else ""
    sound = "none"
    if info.audio is not None:
        sound = f"{info.audio.codec}, {info.audio.sample_rate} Hz, {info.audio.channels} channels"
    return [
        f"file    {info.path} ({info.container})",
        f"video   {info.codec}, {size}",
        f"pixels  {info.pixel_format}, {info.bit_depth} bit{alpha}, colour {', '.join(str(c) for c in info.colour)}",
        f"time    {rate}{length}{frames}",
        f"sound   {sound}",
    ]
