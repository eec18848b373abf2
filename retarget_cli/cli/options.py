"""The options that several commands take, and the pair they are about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retarget_cli.cli.parsing import parse_hints
from retarget_cli.errors import UsageError
from retarget_cli.pipeline.options import AFFINES, BACKENDS

if TYPE_CHECKING:
    from retarget_cli.pipeline.clips import ClipInput


DEFAULT_WORKSPACE = Path(".retarget")
OBJECT = "What is filmed"
TIME = "Time"
DRIVER = "What drives"
TUNING = "Tuning"
MANY = "Many pairs"
GENERAL = "General"

Workspace = Annotated[
    Path,
    typer.Option(
        "--workspace",
        envvar="RETARGET_WORKSPACE",
        help="Folder of the cache.",
        rich_help_panel=GENERAL,
        metavar="FOLDER",
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print exactly one JSON document on stdout.", rich_help_panel=GENERAL)
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only warnings.", rich_help_panel=GENERAL)]
Backend = Annotated[
    str | None,
    typer.Option(
        "--backend", help=f"How to find the object: {', '.join(BACKENDS)}.", show_default="auto", rich_help_panel=OBJECT
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        "--weights",
        help="Checkpoint of the segmenter: a file, a folder, or a name of `retarget weights list`.",
        metavar="FILE",
        rich_help_panel=OBJECT,
    ),
]


def _clip_options(letter: str, name: str, panel: str) -> tuple[Any, Any, Any]:
    """The options that say what is filmed in a clip, which is called `name`."""
    mask = typer.Option(
        f"--mask-{letter}", metavar="M", help=f"Matte of {name}: a video or a folder of PNGs.",
        rich_help_panel=panel,
    )  # fmt: skip
    box = typer.Option(
        f"--box-{letter}", metavar="[FRAME:]X,Y,W,H", rich_help_panel=panel,
        help=f"Where the object is in {name}; may be repeated for several frames.",
    )  # fmt: skip
    frame = typer.Option(
        f"--frame-{letter}", min=0, rich_help_panel=panel,
        help=f"The frame, from 0, that a --box-{letter} without FRAME: speaks of.",
    )  # fmt: skip
    return mask, box, frame


_mask_a, _box_a, _frame_a = _clip_options("a", "A", OBJECT)
_mask_b, _box_b, _frame_b = _clip_options("b", "B", OBJECT)
_mask_driver, _box_driver, _frame_driver = _clip_options("driver", "the driver", DRIVER)
MaskA = Annotated[Path | None, _mask_a]
MaskB = Annotated[Path | None, _mask_b]
BoxA = Annotated[list[str] | None, _box_a]
BoxB = Annotated[list[str] | None, _box_b]
FrameA = Annotated[int, _frame_a]
FrameB = Annotated[int, _frame_b]
MaskDriver = Annotated[Path | None, _mask_driver]
BoxDriver = Annotated[list[str] | None, _box_driver]
FrameDriver = Annotated[int, _frame_driver]
Device = Annotated[
    str | None,
    typer.Option("--device", help="auto, cpu, cuda or cuda:N.", show_default="auto", rich_help_panel=TUNING),
]
MaxMemory = Annotated[
    str | None,
    typer.Option(
        "--max-memory",
        metavar="SIZE",
        help="The most memory to take of a GPU, e.g. 4GB.",
        rich_help_panel=TUNING,
        show_default="all of it",
    ),
]
Pairs = Annotated[
    Path | None,
    typer.Option(
        "--pairs", metavar="FILE", help="A list with the paths of A and B on each line.", rich_help_panel=MANY
    ),
]
Devices = Annotated[
    str | None,
    typer.Option(
        "--devices", metavar="LIST", help="Train the list side by side, one pair a device: 0,1.", rich_help_panel=MANY
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        "--preset",
        "-p",
        help="draft, standard or best: how large and how long; paper or paper-no-affine: the published recipe.",
        show_default="draft; standard where there is a GPU",
        rich_help_panel=TUNING,
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one, e.g. geometry.steps=3000.", rich_help_panel=TUNING),
]
PairA = Annotated[
    Path | None, typer.Argument(metavar="A", help="First clip of the pair; the last trained pair if left out.")
]
PairB = Annotated[Path | None, typer.Argument(metavar="B", help="Second clip of the pair.")]


def parse_pair(a: Path | None, b: Path | None) -> tuple[Path, Path] | None:
    """Both clips or neither."""
    if a is None:
        return None
    if b is None:
        raise UsageError(
            "one clip was given", where=str(a), fix="Name both clips of the pair, A first, or none at all."
        )
    return a, b


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
    from retarget_cli.pipeline.clips import ClipInput

    if driver is not None:
        return ClipInput(driver, mask, parse_hints(frame, boxes, None, "--box-driver"))
    if mask or boxes:
        fix = "Name the clip with --driver; those of the pair have their mattes from training."
        raise UsageError("the matte of which driver?", where="--mask-driver, --box-driver", fix=fix)
    return None
