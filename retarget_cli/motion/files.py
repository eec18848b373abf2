"""Motion files of every kind, chosen by the ending of the name."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, get_args

import numpy as np

from retarget_cli.errors import InputError, UsageError
from retarget_cli.media.timing import Timing, check_pace
from retarget_cli.motion.motion import Look, Motion, Space
from retarget_cli.motion.rows import EXPORT_AGAIN, VERSION
from retarget_cli.motion.text_files import from_csv, from_json, to_csv, to_json
from retarget_cli.utils.limits import MOTION_BYTES, read_limited
from retarget_cli.utils.text import dump_json

MOTION_ENDINGS = {"csv": ".csv", "json": ".json", "motion": ".motion.safetensors"}
"""The endings of motion files, by the words for them."""
_ARRAYS, _WORDS = ("points", "confidence", "places"), ("source", "space", "look", "networks")
_KEY = "motion"
"""The one entry of the metadata: with more than one, their order and so the bytes would differ from run to run."""
_BOM16 = (b"\xff\xfe", b"\xfe\xff")


def is_motion_file(path: Path) -> bool:
    """Tell whether a file is called like a motion (and not like a clip)."""
    return path.suffix.lower() in _WRITERS


def motion_stem(path: Path) -> str:
    """The name of a motion file without its ending: ``cat.v2`` for ``cat.v2.motion.safetensors``."""
    return path.stem.removesuffix(".motion")


def motion_bytes(motion: Motion, path: Path) -> bytes:
    """The content of a motion file called `path`; all of a motion is in it, to the bit.

    Raises UsageError when the name has none of the known endings.
    """
    check_motion_name(path)
    return _WRITERS[path.suffix.lower()](motion)


def read_motion(path: Path) -> Motion:
    """Read a motion file by its suffix. Raises InputError (what is wrong, and where), UsageError for other suffixes."""
    check_motion_name(path)
    try:
        content = read_limited(path, MOTION_BYTES)
    except FileNotFoundError as error:
        raise InputError("there is no such file", where=path, fix="Check the path.") from error
    except OSError as error:
        what = f"the motion cannot be read: {error.strerror}"
        raise InputError(what, where=path, fix="Name a file that you may read.") from error
    read = _TEXTS.get(path.suffix.lower())
    return from_tensors(path) if read is None else read(_text(content, path), path)


def check_motion_name(path: Path) -> None:
    """UsageError for a name that has none of the known endings."""
    if not is_motion_file(path):
        what = f"'{path.suffix}' is not a kind of motion file"
        raise UsageError(what, where=path, fix="End the name in .csv, .json or .motion.safetensors.")


def to_tensors(motion: Motion) -> bytes:
    """Write a motion as safetensors: three float32 arrays, and all else as one canonical JSON text in its metadata."""
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(getattr(motion, name), np.float32) for name in _ARRAYS}
    words = {name: getattr(motion, name) for name in _WORDS}
    facts = {**words, "version": VERSION, "frame_size": list(motion.frame_size), "timing": motion.timing.to_json()}
    if motion.named:
        facts["names"] = list(motion.named)
    return save(arrays, {_KEY: dump_json({**facts, "sha256": _digest(facts, arrays)}).decode()})


def from_tensors(path: Path) -> Motion:
    """Read what :func:`to_tensors` wrote. Raises InputError for a file that is none, of another version, or damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            facts: Any = json.loads((file.metadata() or {}).get(_KEY, "null"))
            arrays: dict[str, Any] = {name: file.get_tensor(name) for name in _ARRAYS if name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, TypeError, LookupError, RecursionError) as error:
        raise _damaged(path) from error
    if not isinstance(facts, dict) or len(arrays) != len(_ARRAYS):
        fix = "Give a file that `retarget keypoints export` wrote."
        raise InputError("it holds tensors, but no motion", where=path, fix=fix)
    if facts.get("version") != VERSION:
        what = f"it is a motion of version {facts.get('version')}, and this program reads version {VERSION}"
        raise InputError(what, where=path, fix="Export the motion again with this program.")
    digest = facts.pop("sha256", None)
    try:
        if digest != _digest(facts, arrays):
            raise _damaged(path)
        timing, (width, height) = Timing.from_json(facts["timing"]), facts["frame_size"]
        words = {name: facts[name] for name in _WORDS}
        check_pace(timing, path)
        _check_facts((width, height), words, arrays)
        named = _names(facts.get("names", []))
        return Motion(timing=timing, frame_size=(width, height), named=named, **arrays, **words)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise _damaged(path) from error


def _check_facts(frame_size: tuple[Any, Any], words: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """ValueError for values that no motion has: anybody can write a file with a digest that is right."""
    sizes = all(type(side) is int and 0 < side < 10**6 for side in frame_size)
    texts = all(isinstance(word, str) for word in words.values())
    known = words["space"] in get_args(Space) and words["look"] in get_args(Look)
    if not (sizes and texts and known and all(values.dtype == np.float32 for values in arrays.values())):
        raise ValueError("no motion has these values")


def _names(found: Any) -> tuple[str, ...]:
    """Names of keypoints; ValueError for anything but a list of texts."""
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise ValueError("these are no names")
    return tuple(found)


_WRITERS = {".csv": to_csv, ".json": to_json, ".safetensors": to_tensors}
_TEXTS = {".csv": from_csv, ".json": from_json}


def _text(content: bytes, path: Path) -> str:
    try:
        if content.startswith(_BOM16):
            raise UnicodeDecodeError("utf-8", content, 0, 2, "UTF-16")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        fix = "Save it as CSV UTF-8 (or in a text editor, with the encoding UTF-8)."
        raise InputError("the text is not UTF-8", where=f"{path}, line {line}", fix=fix) from error


def _digest(facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> str:
    content = hashlib.sha256(dump_json(facts))
    for name in _ARRAYS:
        content.update(arrays[name].tobytes())
    return content.hexdigest()


def _damaged(path: Path) -> InputError:
    return InputError("the motion is damaged or was cut off", where=path, fix=EXPORT_AGAIN)
