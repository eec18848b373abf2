"""Names and places of the files made for people, and copying results to them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from retarget_cli.errors import EnvironmentProblem, UsageError
from retarget_cli.events import Artifact, Reporter, silent
from retarget_cli.media.series.names import Pattern, is_sequence, place_of
from retarget_cli.pipeline.delivered import Delivered
from retarget_cli.utils.atomic import crash_point, part_beside, replacing

RESULTS = Path("retargeted")
TRAINING = "training"  # the folder of a pair's previews and curves, in that of its results
REPORT = "report.html"
COMPARISON, TABLE = "comparison", "table.md"  # the folder of a comparison, and its table
_LONGEST = 80  # bytes of a clip's name
_CLIPS = ".clips.json"  # in the folder of a pair: which clips its results were made of


def clip_name(path: Path) -> str:
    """A short name for a clip, fit for file names, also for those of two clips together."""
    pattern = Pattern.of(path)
    plain = path.name if path.is_dir() else path.stem if pattern is None else pattern.stem
    name = re.sub(r"[^\w.+-]+", "_", plain).strip("._-") or "clip"
    if len(os.fsencode(name)) <= _LONGEST:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{os.fsencode(name)[: _LONGEST - 9].decode('utf-8', 'ignore')}-{digest}"


def clip_names(a: Path, b: Path) -> tuple[str, str]:
    """Short names that tell two clips apart: their stems, with the folder before them when the stems are the same."""
    names = [clip_name(path) for path in (a, b)]
    if names[0].lower() == names[1].lower():
        names = [f"{clip_name(path.absolute().parent)}-{clip_name(path)}" for path in (a, b)]
    if names[0].lower() == names[1].lower():
        names = [f"{names[0]}-1", f"{names[1]}-2"]
    return names[0], names[1]


def pair_name(names: tuple[str, str]) -> str:
    """``cat--fox``: the name of a pair, and of the folder with its results."""
    return f"{names[0]}--{names[1]}"


def pair_folder(names: tuple[str, str], digests: tuple[str, str], variant: str = "") -> Path:
    """The folder for the results of a pair: ``cat--fox``, or ``cat--fox-2`` where other clips of these names have that.

    digests: of both clips, see :func:`claim`. variant: follows the name, where one pair is trained in several ways.
    """
    name, number = pair_name(names) + variant, 1
    while True:
        folder = RESULTS / (name if number == 1 else f"{name}-{number}")
        owner = _owner(folder)
        if owner in (None, list(digests)):
            return folder
        number += 1


def claim(folder: Path, digests: tuple[str, str]) -> None:
    """Note the digests of both clips in the folder of their results, which is made."""
    if _owner(folder) is None:
        write(folder / _CLIPS, json.dumps(digests).encode())


def _owner(folder: Path) -> list[str] | None:
    """The digests of the clips whose results a folder holds; None when nothing tells."""
    try:
        noted = json.loads((folder / _CLIPS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return noted if isinstance(noted, list) else None


def still(video: Path) -> Path:
    """The picture of a video, beside it."""
    return video.with_name(f"{video.stem}-still.png")


def check_targets(targets: Iterable[Path], inputs: Iterable[Path | None]) -> None:
    """See before any work that results can go to `targets`, and that none of `inputs` (files or folders) is touched.

    Raises UsageError for a target that is an input or lies in an input's folder, EnvironmentProblem for one that cannot
    be written.
    """
    kept = {place_of(path).resolve() if is_sequence(path) else path.resolve() for path in inputs if path is not None}
    for target in targets:
        with _told(target):
            place = target.resolve()
            if place in kept or place.parent in kept:
                raise UsageError("the result would change what it is made from", where=target, fix="Name another file.")
            if place.is_dir():
                raise UsageError("this is a folder", where=target, fix="Name a file in it with --out.")
            _check_writable(target, place)


def check_folder(target: Path, inputs: Iterable[Path | None], ours: Callable[[Path], bool]) -> None:
    """The same for a result that is a folder itself. ours: whether a folder is such a result, to be replaced.

    Raises UsageError too where there is a file, or a folder that holds anything else: it would be lost.
    """
    kept = [path.resolve() for path in inputs if path is not None]
    with _told(target):
        place, here = target.resolve(), Path.cwd()
        if place in (here, *here.parents):
            fix = "Name a new folder with --out, for example frames."
            raise UsageError("the result would replace the folder you are in", where=target, fix=fix)
        if any(place in (path, *path.parents) or path == place.parent for path in kept):
            fix = "Name a new folder with --out."
            raise UsageError("the result would change what it is made from", where=target, fix=fix)
        if place.is_dir() and any(place.iterdir()) and not ours(place):
            fix = "Name a new folder with --out, for example one in it."
            raise UsageError("the folder holds other files, and the result would replace it", where=target, fix=fix)
        if place.exists() and not place.is_dir():
            raise UsageError("a file has this name", where=target, fix="Name a new folder with --out, or remove it.")
        _check_writable(target, place)


def _check_writable(target: Path, place: Path) -> None:
    folder = next(parent for parent in place.parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise EnvironmentProblem("the result cannot be written here", where=target, fix="Give another --out.")


def deliver(
    source: Path,
    target: Path,
    kind: str = "",
    reporter: Reporter = silent,
    delivered: Delivered | None = None,
    of: str = "",
) -> Path:
    """Copy a stage's file to `target`, all at once, and report it as an artifact of that kind, if it is named.

    delivered: where to note that this program made it, and of what.
    Not a hard link: a person's editor that writes in place would change the workspace too.
    Raises EnvironmentProblem when the folder cannot be written.
    """
    with _told(target), replacing(_with_folder(target), durable=False) as part:
        shutil.copyfile(source, part)
        if delivered is not None:
            delivered.note(target, part, of)
    if kind:
        reporter(Artifact(kind, target))
    return target


def deliver_folder(source: Path | Sequence[Path], target: Path, below: Path | None = None) -> Path:
    """Copy a stage's folder, or these files of it, to `target`, all at once; a folder that is there goes.

    below: the folder whose sub-folders are kept, where some of the files lie in such.

    Raises EnvironmentProblem when it cannot be written.
    """
    with _told(target):
        place = _with_folder(target.resolve())  # a link to a folder stays one
        part, old = part_beside(place), part_beside(place)
        try:
            part.mkdir()
            for file in source.iterdir() if isinstance(source, Path) else source:
                copy = part / (file.name if below is None else file.relative_to(below))
                copy.parent.mkdir(exist_ok=True)
                shutil.copyfile(file, copy)
            crash_point("replace-folder")
            if place.is_dir():
                place.rename(old)
            crash_point("replacing-folder")
            part.rename(place)
            crash_point("replaced-folder")
        except OSError:
            if old.is_dir():
                old.rename(place)
            raise
        finally:
            shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return target


def write_text(target: Path, text: str) -> Path:
    """Write a text for people in UTF-8, all at once. Raises EnvironmentProblem when the folder cannot be written."""
    return write(target, text.encode("utf-8", "replace"))  # names of files need not be text


def write(target: Path, content: bytes, delivered: Delivered | None = None) -> Path:
    """Write a file for people, all at once. delivered: where to note that this program made it.

    Raises EnvironmentProblem when the folder cannot be written.
    """
    with _told(target), replacing(_with_folder(target), durable=False) as part:
        part.write_bytes(content)
        if delivered is not None:
            delivered.note(target, part)
    return target


def _with_folder(target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


@contextmanager
def _told(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EnvironmentProblem(
            f"the result cannot be written: {error.strerror}",
            where=target,
            fix="Free some space or give another --out.",
        ) from error
