"""Options of a render, and the words they take: affines, backgrounds, colours, looks."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retarget_cli.errors import InputError, UsageError
from retarget_cli.utils.fields import nearest

if TYPE_CHECKING:
    from retarget_cli.media.series.layers import Layout
    from retarget_cli.pipeline.clips import ClipInput

AFFINES = {
    "auto": "judges the others and takes the best",
    "balanced": "between relative and matched, around a mean pose that is partly the driver's",
    "proportions": "the driver's pose in the subject's proportions",
    "relative": "the driver's motion around the subject's mean pose",
    "matched": "the same, each keypoint moving as the subject's does",
    "learned": "the map found in training",
    "moments": "mean and spread of the keypoints made equal",
    "aligner": "what the base has learned of this kind of body, where it has",
    "none": "as it is",
    "trajectory": "auto, and the object moves through the picture like the driver's",
}
"""Modes of fitting the driver's pose, with what each does."""
AFFINE_VARIANTS = ("balanced-relative", "balanced-matched", "proportions-matched")
"""Further candidates of `auto`: the same poses, moving wholly as `relative` or `matched` does."""
BACKGROUNDS = ("subject", "driver", "black", "alpha")
LOOKS = ("a", "b", "both")
NOTHING = "none"
SMALLEST, LARGEST = 16, 16384
"""Pixels of a side of a result."""
FORMATS = ("mp4", "mov", "mkv", "webm", "webp", "gif", "mxf", "prores4444", "dnxhr", "h264-10", "hevc", "av1", "png",
           "tiff", "exr", "exr-dwaa")  # fmt: skip
"""Words of `--format`; media/outputs has what each means."""
LAYOUTS = ("parts", "folders")
DRAWS = (*LOOKS, NOTHING)
"""Looks that a training may end with videos of."""


def choose(value: str, allowed: Sequence[str], option: str) -> str:
    """Return `value` when it is one of `allowed`; otherwise a UsageError with all of them and the nearest."""
    if value in allowed:
        return value
    raise UsageError(f"'{value}' is not a choice", where=option, fix=nearest(value, allowed))


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


def parse_affine(value: str | Sequence[float]) -> str | tuple[float, ...]:
    """A mode, six numbers (row by row), or a JSON file that holds six numbers or two rows of three."""
    if not isinstance(value, str):
        return numbers(",".join(str(number) for number in value), 6, "--affine", "(1, 0, 0, 0, 1, 0)")
    if value.endswith(".json"):
        return _affine_file(Path(value))
    if re.search(r"\d", value):
        return numbers(value, 6, "--affine", "'1,0,0,0,1,0'")
    return choose(value, (*AFFINES, *AFFINE_VARIANTS), "--affine")


def _affine_file(path: Path) -> tuple[float, ...]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise InputError(
            f"the affine file cannot be read: {why}", where=path, fix="Check the path and the file."
        ) from error
    if isinstance(content, dict):
        content = content.get("affine")
    rows = content if isinstance(content, list) else []
    flat = [number for row in rows for number in (row if isinstance(row, list) else [row])]
    if len(flat) != 6 or not all(isinstance(number, (int, float)) for number in flat):
        raise InputError("the affine file does not hold six numbers", where=path, fix="Write [a, b, tx, c, d, ty].")
    return tuple(float(number) for number in flat)


def parse_picture_size(value: str | None) -> tuple[int, int] | None:
    """``1080x1920``, width before height, as two numbers. UsageError for anything else."""
    if value is None:
        return None
    sides = re.fullmatch(r"(\d{2,5})[x×](\d{2,5})", value.strip().lower())
    found = (int(sides[1]), int(sides[2])) if sides else (0, 0)
    if min(found) < SMALLEST or max(found) > LARGEST:
        fix = f"Write width and height in pixels, like 1080x1920: each from {SMALLEST} to {LARGEST}."
        raise UsageError(f"'{value}' is no size of a picture", where="--size", fix=fix)
    return found


def parse_crop(value: str | None) -> Fraction | None:
    """``square``, or a shape like ``9:16``, as width over height. UsageError for anything else."""
    if value is None:
        return None
    sides = re.fullmatch(r"(\d{1,4}):(\d{1,4})", "1:1" if value == "square" else value.strip())
    shape = Fraction(int(sides[1]), int(sides[2])) if sides and int(sides[1]) and int(sides[2]) else None
    if shape is None or not Fraction(1, 10) <= shape <= 10:
        raise UsageError(f"'{value}' is no shape", where="--crop", fix="Write square, or width:height like 9:16.")
    return shape


def choose_layers(word: str) -> Layout:
    """How layers are written. UsageError for anything else."""
    return "parts" if choose(word, LAYOUTS, "--layers") == "parts" else "folders"


def parse_names(value: str | Sequence[str]) -> tuple[str, ...]:
    """The words in ``tail, p4``, or in a list."""
    names = value.split(",") if isinstance(value, str) else value
    return tuple(name.strip() for name in names if name.strip())


def parse_background(value: str) -> str:
    """A named background or a colour ``#rrggbb``."""
    if re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        return value.lower()
    if value.startswith("#"):
        raise UsageError(f"'{value}' is not a colour", where="--background", fix="Write it like '#808080', in quotes.")
    if value in BACKGROUNDS:
        return value
    fix = f"{nearest(value, BACKGROUNDS).removesuffix('.')}, or a colour like '#808080'."
    raise UsageError(f"'{value}' is not a background", where="--background", fix=fix)


Affine = str | tuple[float, ...]


@dataclass(frozen=True)
class RenderOptions:
    """Everything that is told about a render.

    pair: clips A and B; None for the pair trained last
    look: whose look, ``a``, ``b`` or ``both``
    affine: a mode, ``trajectory`` or six numbers
    background: ``subject``, ``driver``, ``black``, ``#rrggbb`` or ``alpha``
    out: what to write (one look only): ``.mp4``, ``.mov``, ``.webm``, ``.gif``, ``.webp``, ``.mkv`` or,
        without ending, a folder of PNGs
    compare: also write driver and result side by side
    device: None for that of the training
    max_memory: the most to take of a GPU, like ``4GB``; None for the limit of the training
    start, stop: the part of the driver that plays, ``1:02.5``, seconds or ``12f``
    fps: frames a second of the result
    slow: how many times longer it takes
    loop: how often it plays
    smooth: how much its poses are steadied, 0 to 1 or ``auto``
    driver: another clip, or a motion file, instead of the pair's other clip
    flip: ``auto``, ``yes`` or ``no``, whether such a clip is mirrored
    follow: the keypoints that follow the driver, all when empty: names, parts of names as ``tail``, or numbers as
        ``p3``; the others do as in the subject's clip
    force: replace files of these names that this program did not make
    format: what it is written as, a word of `KINDS` in media/outputs; None for what the ending of `out` means
    layers: of a sequence of pictures, ``parts`` of one EXR file a frame, or ``folders``
    size: of the result in pixels, like ``1080x1920``
    crop: shape that it is cut to around the object, ``square`` or like ``9:16``
    run: the id of an older training of the pair; None for the newest
    """

    pair: tuple[Path, Path] | None = None
    look: str = "a"
    affine: Affine = "auto"
    background: str = "subject"
    out: Path | None = None
    compare: bool = False
    device: str | None = None
    max_memory: str | None = None
    start: str | float | None = None
    stop: str | float | None = None
    fps: str | float | None = None
    slow: str | float | None = None
    loop: int = 1
    smooth: str | float = "0"
    driver: ClipInput | None = None
    flip: str = "auto"
    follow: tuple[str, ...] = ()
    force: bool = False
    format: str | None = None
    layers: Layout | None = None
    size: str | None = None
    crop: str | None = None
    run: str | None = None

    @property
    def alpha(self) -> bool:
        """True when the result is transparent."""
        return self.background == "alpha"

    @property
    def pose(self) -> Affine:
        """The affine that the method fits the pose with; ``trajectory`` says where the object is, not how it stands."""
        return "auto" if self.affine == "trajectory" else self.affine

    @property
    def trajectory(self) -> bool:
        """True when the driver's trajectory has to be brought into the subject's picture."""
        return self.affine == "trajectory" and self.background != "driver"

    @property
    def unusual(self) -> dict[str, Any]:
        """Options that decide the video and differ from their defaults."""
        decides = (item for item in fields(self) if item.name not in _DECIDES_NO_PICTURE)
        found = {item.name: getattr(self, item.name) for item in decides if getattr(self, item.name) != item.default}
        return found if self.driver is None else {**found, "driver": self.driver.to_json()}

    @property
    def variant(self) -> str:
        """What follows the names of its files, ``.trajectory.on-driver.from10f-to40f``; nothing where all is usual."""
        odd = self.unusual
        marks = [_mark("affine", self.affine)] if "affine" in odd else []
        marks += ["-".join(self.follow)] if self.follow else []
        marks += [f"on-{self.background.lstrip('#')}"] if "background" in odd and not self.alpha else []
        part = [f"{word}{odd[name]}" for word, name in (("from", "start"), ("to", "stop")) if name in odd]
        marks += ["-".join(part)] if part else []
        marks += [self.size] if self.size else []
        marks += [self.crop.replace(":", "x")] if self.crop else []
        marks += ["layers"] if self.layers == "folders" else [self.layers] if self.layers else []
        marks += [_mark(name, odd[name]) for name in ("fps", "slow", "loop", "smooth", "flip") if name in odd]
        shown = "".join(f".{re.sub(r'[^a-zA-Z0-9.+-]+', '-', mark)}" for mark in marks)
        return shown if len(shown) <= _LONGEST else f".{_short(shown)}"


_LONGEST = 60  # characters of a variant


def _mark(name: str, value: Any) -> str:
    """``slow2``, ``smooth-auto``, ``trajectory``."""
    if name == "affine":
        return value if isinstance(value, str) else f"affine-{_short(value)}"
    return f"{name}{'' if str(value)[:1].isdigit() else '-'}{value}"


def _short(value: Any) -> str:
    return hashlib.sha256(str(value).encode("utf-8", "surrogateescape")).hexdigest()[:8]


_DECIDES_NO_PICTURE = ("pair", "look", "out", "compare", "device", "max_memory", "force", "run")
