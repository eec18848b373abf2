"""What several commands take: option types, and the small grammars of colours and affines."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer

from retarget_cli.errors import InputError, UsageError

DEFAULT_WORKSPACE = Path(".retarget")
AFFINES = {
    "auto": "judges the others and takes the best",
    "balanced": "between relative and matched, around a mean pose that is partly the driver's",
    "proportions": "the driver's pose in the subject's proportions",
    "relative": "the driver's motion around the subject's mean pose",
    "matched": "the same, each keypoint moving as the subject's does",
    "learned": "the map found in training",
    "moments": "mean and spread of the keypoints made equal",
    "none": "as it is",
    "trajectory": "auto, and the object takes the driver's way through the picture",
}
BACKGROUNDS = ("subject", "driver", "black", "alpha")
BACKENDS = ("auto", "given", "embedded", "sam", "sam2")
LOOKS = ("a", "b", "both")

OBJECT = "What is filmed"
TIME = "Time"
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


def _clip_options(letter: str) -> tuple[Any, Any, Any]:
    """The options that say what is filmed in clip A or B."""
    mask = typer.Option(
        f"--mask-{letter}", metavar="M", help=f"Matte of {letter.upper()}: a video or a folder of PNGs.",
        rich_help_panel=OBJECT,
    )  # fmt: skip
    box = typer.Option(
        f"--box-{letter}", metavar="[FRAME:]X,Y,W,H", rich_help_panel=OBJECT,
        help=f"Where the object is in {letter.upper()}; may be repeated for several frames.",
    )  # fmt: skip
    frame = typer.Option(
        f"--frame-{letter}", min=0, rich_help_panel=OBJECT,
        help=f"The frame, from 0, that a --box-{letter} without FRAME: speaks of.",
    )  # fmt: skip
    return mask, box, frame


_mask_a, _box_a, _frame_a = _clip_options("a")
_mask_b, _box_b, _frame_b = _clip_options("b")
MaskA = Annotated[Path | None, _mask_a]
MaskB = Annotated[Path | None, _mask_b]
BoxA = Annotated[list[str] | None, _box_a]
BoxB = Annotated[list[str] | None, _box_b]
FrameA = Annotated[int, _frame_a]
FrameB = Annotated[int, _frame_b]
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


def choose(value: str, allowed: Sequence[str], option: str) -> str:
    """Return `value` when it is one of `allowed`; otherwise a UsageError that names the nearest."""
    if value in allowed:
        return value
    near = get_close_matches(value, allowed, 1)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise UsageError(f"'{value}' is not a choice", where=option, fix=f"{hint}Choose one of: {', '.join(allowed)}.")


def numbers(value: str, count: int, option: str, example: str) -> tuple[float, ...]:
    """Parse `count` finite numbers separated by commas or blanks."""
    parts = [part for part in re.split(r"[,\s]+", value.strip()) if part]
    try:
        found = tuple(float(part) for part in parts)
    except ValueError:
        found = ()
    if len(found) != count or not all(math.isfinite(number) for number in found):
        raise UsageError(f"'{value}' is not {count} numbers", where=option, fix=f"Write it like {example}.")
    return found


def parse_affine(value: str) -> str | tuple[float, ...]:
    """A mode, six numbers (row by row), or a JSON file that holds six numbers or two rows of three."""
    if value in AFFINES:
        return value
    if value.endswith(".json"):
        return _affine_file(Path(value))
    if re.search(r"\d", value):
        return numbers(value, 6, "--affine", "'1,0,0,0,1,0'")
    choose(value, tuple(AFFINES), "--affine")
    return value


def _affine_file(path: Path) -> tuple[float, ...]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError("the affine file cannot be read", where=path, fix=f"Check the file: {error}.") from error
    if isinstance(content, dict):
        content = content.get("affine")
    rows = content if isinstance(content, list) else []
    flat = [number for row in rows for number in (row if isinstance(row, list) else [row])]
    if len(flat) != 6 or not all(isinstance(number, (int, float)) for number in flat):
        raise InputError("the affine file does not hold six numbers", where=path, fix="Write [a, b, tx, c, d, ty].")
    return tuple(float(number) for number in flat)


def parse_background(value: str) -> str:
    """A named background or a colour ``#rrggbb``."""
    if re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        return value.lower()
    if value.startswith("#"):
        raise UsageError(f"'{value}' is not a colour", where="--background", fix="Write it like '#808080', in quotes.")
    return choose(value, BACKGROUNDS, "--background")


def parse_pair(a: Path | None, b: Path | None) -> tuple[Path, Path] | None:
    """Both clips or neither."""
    if a is None:
        return None
    if b is None:
        raise UsageError(
            "one clip was given", where=str(a), fix="Name both clips of the pair, A first, or none at all."
        )
    return a, b
