"""What the commands that draw take: whose look, how poses are fitted, what drives and how it is played."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retarget_cli.choices import AFFINES
from retarget_cli.cli.hints import parse_hints
from retarget_cli.cli.options import DRIVER, TIME
from retarget_cli.errors import UsageError

if TYPE_CHECKING:
    from retarget_cli.pipeline import ClipInput

Affine = Annotated[
    str,
    typer.Option(
        "--affine",
        metavar="MODE",
        help="How the driver's pose is fitted: "
        + "; ".join(f"{name}, {meaning}" for name, meaning in AFFINES.items())
        + "; another name from the table that auto prints; or six numbers, or a JSON file with them.",
    ),
]
Background = Annotated[
    str, typer.Option("--background", metavar="WHAT", help="subject, driver, black, alpha, or a colour: '#808080'.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE|FOLDER",
        help="Where to write it: .mp4, .mov (ProRes 4444 with alpha), .mkv (lossless), or a folder of PNGs.",
        show_default=False,
    ),
]
Start = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help="Where the driver begins: 1:02.5, 12.5 or 12f.", rich_help_panel=TIME),
]
Stop = Annotated[
    str | None,
    typer.Option("--to", metavar="TIME", help="Where it ends; what shows then is left out.", rich_help_panel=TIME),
]
Fps = Annotated[
    str | None,
    typer.Option(
        "--fps",
        metavar="RATE",
        help="Frames a second; poses between the driver's are interpolated.",
        show_default="the driver's own frames",
        rich_help_panel=TIME,
    ),
]
Slow = Annotated[
    str | None,
    typer.Option(
        "--slow",
        metavar="FACTOR",
        help="Take so many times longer, smoothly.",
        show_default="1",
        rich_help_panel=TIME,
    ),
]
Loop = Annotated[
    int, typer.Option("--loop", metavar="N", help="Play the driver N times without a seam.", rich_help_panel=TIME)
]
Smooth = Annotated[
    str,
    typer.Option(
        "--smooth",
        metavar="auto|0..1",
        help="Steady the driver's poses; auto: as far as they tremble.",
        rich_help_panel=TIME,
    ),
]
Driver = Annotated[
    Path | None,
    typer.Option(
        "--driver",
        metavar="FILE",
        help="Another clip like the driver, or a motion file (.csv, .json, .motion.safetensors).",
        show_default="the pair's other clip",
        rich_help_panel=DRIVER,
    ),
]
Flip = Annotated[
    str,
    typer.Option(
        "--flip",
        metavar="auto|yes|no",
        help="Mirror the other clip, so that it faces the way the driver does in training.",
        rich_help_panel=DRIVER,
    ),
]
Follow = Annotated[
    str,
    typer.Option(
        "--follow",
        metavar="NAMES",
        help="Only these keypoints follow, e.g. p3,p4; the others do as in the subject's own clip.",
        show_default="all",
        rich_help_panel=DRIVER,
    ),
]


def parse_driver(driver: Path | None, mask: Path | None, boxes: Sequence[str] | None, frame: int) -> ClipInput | None:
    """The clip that drives instead of the pair's other one. Raises UsageError for a matte of none."""
    from retarget_cli.pipeline import ClipInput

    if driver is not None:
        return ClipInput(driver, mask, parse_hints(frame, boxes, None, "--box-driver"))
    if mask or boxes:
        fix = "Name the clip with --driver; those of the pair have their mattes from training."
        raise UsageError("the matte of which driver?", where="--mask-driver, --box-driver", fix=fix)
    return None
