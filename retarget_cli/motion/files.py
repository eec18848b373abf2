"""Motion files: `.csv` for spreadsheets, `.json` for scripts, `.motion.safetensors` for programs."""

from __future__ import annotations

from pathlib import Path

from retarget_cli.errors import InputError, UsageError
from retarget_cli.motion.csv_file import from_csv, to_csv
from retarget_cli.motion.json_file import from_json, to_json
from retarget_cli.motion.motion import Motion
from retarget_cli.motion.tensor_file import from_tensors, to_tensors

_WRITERS = {".csv": to_csv, ".json": to_json, ".safetensors": to_tensors}
_TEXTS = {".csv": from_csv, ".json": from_json}
_BOM16 = (b"\xff\xfe", b"\xfe\xff")


def is_motion_file(path: Path) -> bool:
    """Whether a file is called like a motion (and not like a clip)."""
    return path.suffix.lower() in _WRITERS


def motion_stem(path: Path) -> str:
    """The name of a motion file without its ending: ``cat.v2`` for ``cat.v2.motion.safetensors``."""
    return path.stem.removesuffix(".motion")


def motion_bytes(motion: Motion, path: Path) -> bytes:
    """The content of a motion file called `path`; all of a motion is in it, to the bit.

    Raises UsageError when the name ends in none of the known ways.
    """
    check_motion_name(path)
    return _WRITERS[path.suffix.lower()](motion)


def read_motion(path: Path) -> Motion:
    """Read a motion file by its suffix. Raises InputError (what is wrong, and where), UsageError for other suffixes."""
    check_motion_name(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError("there is no such file", where=path, fix="Check the path.") from error
    except OSError as error:
        what = f"the motion cannot be read: {error.strerror}"
        raise InputError(what, where=path, fix="Name a file that you may read.") from error
    read = _TEXTS.get(path.suffix.lower())
    return from_tensors(path) if read is None else read(_text(content, path), path)


def check_motion_name(path: Path) -> None:
    """UsageError for a name that ends in none of the known ways."""
    if not is_motion_file(path):
        what = f"'{path.suffix}' is not a kind of motion file"
        raise UsageError(what, where=path, fix="End the name in .csv, .json or .motion.safetensors.")


def _text(content: bytes, path: Path) -> str:
    try:
        if content.startswith(_BOM16):
            raise UnicodeDecodeError("utf-8", content, 0, 2, "UTF-16")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        fix = "Save it as CSV UTF-8 (or in a text editor, with the encoding UTF-8)."
        raise InputError("the text is not UTF-8", where=f"{path}, line {line}", fix=fix) from error
