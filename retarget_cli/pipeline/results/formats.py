"""What a result of `render` is written as: by the ending of its name, `--format`, `--layers`, `--size` and `--crop`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retarget_cli.errors import UsageError
from retarget_cli.events import Notice, Reporter
from retarget_cli.media.outputs import FOLDER, KINDS, OutputFormat, endings
from retarget_cli.media.playback import Playing
from retarget_cli.media.probe import timecode_of
from retarget_cli.media.series.layers import Names, check_layers
from retarget_cli.media.series.names import Pattern, is_sequence
from retarget_cli.media.series.timecode import Timecode
from retarget_cli.pipeline.direction import Direction
from retarget_cli.pipeline.options import RenderOptions, parse_crop, parse_picture_size
from retarget_cli.pipeline.runs import TrainedRun
from retarget_cli.stages.clip import SourceClip
from retarget_cli.stages.written import Written
from retarget_cli.utils.fields import nearest

_PICTURES = {".png": "png", ".tif": "tiff", ".tiff": "tiff", ".exr": "exr"}
"""The kind of sequence that the ending of a pattern means."""
_FILE_ENDINGS = {"tiff": ".tif", "exr": ".exr", "exr-dwaa": ".exr", "png": ".png"}
_CLEAR = "Choose webm (VP9), which is small and plays in browsers, or prores4444, which editors read"
_LIKE = 0.01  # by which share two shapes may differ and count as the same


@dataclass(frozen=True)
class Wanted:
    """The kind of result. out: where it was asked for. stem, digits: of the names of a folder's pictures."""

    form: OutputFormat
    out: Path | None = None
    stem: str = ""
    digits: int = 6

    @property
    def mark(self) -> str:
        """What the name of a result says of its kind where the ending does not, and the ending."""
        suffix, word = self.form.suffix, self.form.word
        if suffix == FOLDER:
            return f"-{word}"
        return suffix if self.form.is_usual else f".{word}{suffix}"


def wanted_kind(options: RenderOptions, reporter: Reporter) -> Wanted:
    """The kind of result that the options ask for. Raises UsageError for one that there is not, or not with alpha."""
    word = options.format
    if word is not None and word not in KINDS:
        raise UsageError(f"'{word}' is not a format", where="--format", fix=nearest(word, tuple(KINDS)))
    wanted = _of_out(options.out, word, options.alpha) if options.out is not None else _usual(options, reporter)
    form = wanted.form
    if options.alpha and not form.kind.alpha:
        able = ", ".join(name for name, each in KINDS.items() if each.alpha and name not in ("webm", "prores4444"))
        what = f"{form.word if word else form.suffix} files hold no alpha"
        where: str | Path = options.out if options.out is not None and not word else "--format"
        raise UsageError(what, where=where, fix=f"{_CLEAR}; or one of: {able}.")
    if form.suffix != FOLDER and options.layers is not None:
        fix = "Add --format exr, tiff or png."
        raise UsageError("only sequences of pictures have layers", where="--layers", fix=fix)
    if form.kind.deep or options.layers is not None:
        check_layers(form.word, options.layers)  # type: ignore[arg-type]  # those that are folders are its kinds
    return wanted


def _usual(options: RenderOptions, reporter: Reporter) -> Wanted:
    word = options.format
    if word is None and options.alpha:
        reporter(Notice("MP4 cannot hold alpha: the result is a .mov file (ProRes 4444)."))
    word = word or ("mov" if options.alpha else "mp4")
    return Wanted(OutputFormat(KINDS[word].endings[0], options.alpha, word))


def _of_out(out: Path, word: str | None, alpha: bool) -> Wanted:
    pattern = Pattern.of(out)
    if pattern is not None:
        told = _PICTURES.get(out.suffix.lower())
        if told is None or (word is not None and word.removesuffix("-dwaa") != told):
            fix = "End the pattern in .exr, .tif or .png, as --format has it."
            raise UsageError(f"sequences are not written as '{out.suffix}'", where=out, fix=fix)
        return Wanted(OutputFormat(FOLDER, alpha, word or told), pattern.folder, pattern.before, pattern.digits or 1)
    suffix = FOLDER if os.path.isdir(out) else out.suffix.lower()  # noqa: PTH112 - never raises
    if word is not None:
        if suffix in KINDS[word].endings:
            return Wanted(OutputFormat(suffix, alpha, word), out)
        usual = KINDS[word].endings[0]
        fix = f"End the name in {' or '.join(KINDS[word].endings)}." if usual else "Name a folder."
        raise UsageError(f"a '{suffix or out.name}' is not {word}", where=out, fix=fix)
    if suffix not in endings(False):
        raise _unknown(out, suffix, alpha)
    return Wanted(OutputFormat(suffix, alpha), out)


def _unknown(out: Path, suffix: str, alpha: bool) -> UsageError:
    files = f"{', '.join(filter(None, endings(alpha)))}, or in nothing for a folder of PNGs"
    what, fix = f"'{suffix}' is not a kind of video written here", f"End the name in {files}."
    if suffix in _PICTURES:
        what = "a video does not go into one picture"
        fix = f"Name a folder, or a pattern such as {out.stem}.%04d{suffix}: there is a picture for each frame."
    return UsageError(what, where=out, fix=fix)


def written_as(
    wanted: Wanted, options: RenderOptions, trained: TrainedRun, direction: Direction, playing: Playing
) -> Written:
    """All that is to be known to write the result of a direction. Raises UsageError where the kind cannot hold it."""
    form = wanted.form
    if form.word == "mxf" and not playing.timing.is_constant:
        fix = "Give the frames one rate with --fps 25, or choose --format dnxhr."
        raise UsageError("an MXF file holds frames of equal length alone", where="--format", fix=fix)
    size, shape = parse_picture_size(options.size), parse_crop(options.crop)
    if size and shape and abs(float(shape) / (size[0] / size[1]) - 1) > _LIKE:
        what = f"{options.size} has not the shape {options.crop}"
        raise UsageError(what, where="--size, --crop", fix="Leave out one of them: --size cuts to its own shape.")
    told: dict[str, Any] = {"shape": shape, "size": size}
    if form.suffix == FOLDER:
        number = _first_number(direction, playing)
        told["names"] = Names(_FILE_ENDINGS[form.word], number, wanted.stem, wanted.digits)
        told["layout"] = options.layers
    if form.word.startswith("exr"):
        told["run"] = trained.id
    if form.holds_timecode:
        told["timecode"] = _timecode(direction, playing)
    seen = direction.driver if options.background == "driver" else direction.subject
    if isinstance(seen, SourceClip) and (seen.colour == "rec709" or (seen.colour and form.word == "tiff")):
        told["back"] = seen.colour
    return Written(form, **told)


def _first_number(direction: Direction, playing: Playing) -> int:
    """The number of the first frame: that of the driver's, where its pictures have numbers."""
    driver = direction.driver
    return driver.number + playing.first if isinstance(driver, SourceClip) and is_sequence(driver.path) else 0


def _timecode(direction: Direction, playing: Playing) -> Timecode | None:
    """The driver's timecode at the first frame, in the result's rate."""
    if not isinstance(direction.driver, SourceClip):
        return None
    found = timecode_of(direction.driver.footage, playing.driver.rate)
    return found and found.later(playing.first).at(playing.timing.rate)
