"""Names and places of the files made for people."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from retarget_cli.errors import EnvironmentProblem, UsageError

RESULTS = Path("retargeted")
TRAINING = "training"  # the folder of a pair's previews and curves, in that of its results
REPORT = "report.html"


def clip_name(path: Path) -> str:
    """A short name for a clip, fit for file names."""
    return re.sub(r"[^\w.+-]+", "_", path.stem).strip("._-") or "clip"


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


def check_targets(targets: Iterable[Path], inputs: Iterable[Path | None]) -> None:
    """See before any work that results can go to `targets`, and that none of `inputs` (files or folders) is touched.

    Raises UsageError for a target that is an input or lies in an input's folder, EnvironmentProblem for one that cannot
    be written.
    """
    kept = {path.resolve() for path in inputs if path is not None}
    for target in targets:
        place = target.resolve()
        if place in kept or place.parent in kept:
            raise UsageError(
                "the result would change what it is made from", where=target, fix="Name another file with --out."
            )
        folder = next(parent for parent in place.parents if parent.exists())
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            raise EnvironmentProblem("the result cannot be written here", where=target, fix="Give another --out.")


def deliver(source: Path, target: Path) -> Path:
    """Copy a stage's file to `target`, all at once.

    Not a hard link: a person's editor that writes in place would change the workspace too.
    Raises EnvironmentProblem when the folder cannot be written.
    """
    with _replacing(target) as part:
        shutil.copyfile(source, part)
    return target


def write_text(target: Path, text: str) -> Path:
    """Write a text for people in UTF-8, all at once. Raises EnvironmentProblem when the folder cannot be written."""
    return write(target, text.encode("utf-8", "replace"))  # names of files need not be text


def write(target: Path, content: bytes) -> Path:
    """Write a file for people, all at once. Raises EnvironmentProblem when the folder cannot be written."""
    with _replacing(target) as part:
        part.write_bytes(content)
    return target


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """A path to write to, which becomes `target` when the context ends well."""
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield part
        os.replace(part, target)  # noqa: PTH105 - the reader should see that this replaces
    except OSError as error:
        raise EnvironmentProblem(
            f"the result cannot be written: {error.strerror}",
            where=target,
            fix="Free some space or give another --out.",
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()
