"""A motion as a safetensors file: small, exact, and with a digest that shows every flipped bit."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from retarget_cli.errors import InputError
from retarget_cli.media.timing import Timing
from retarget_cli.motion.head import EXPORT_AGAIN, VERSION
from retarget_cli.motion.motion import Motion

_ARRAYS = ("points", "confidence", "places")
_KEY = "motion"
"""The one entry of the metadata: with more than one, their order and so the bytes would differ from run to run."""


def to_tensors(motion: Motion) -> bytes:
    """The file: three float32 arrays, and all else as one canonical JSON text in its metadata."""
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(getattr(motion, name), np.float32) for name in _ARRAYS}
    facts = {
        "version": VERSION,
        "source": motion.source,
        "space": motion.space,
        "look": motion.look,
        "networks": motion.networks,
        "frame_size": list(motion.frame_size),
        "timing": motion.timing.to_json(),
    }
    return save(arrays, {_KEY: _canonical({**facts, "sha256": _digest(facts, arrays)})})


def from_tensors(path: Path) -> Motion:
    """Read what :func:`to_tensors` wrote. Raises InputError for a file that is none, of another version, or damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            facts: Any = json.loads((file.metadata() or {}).get(_KEY, "null"))
            arrays = {name: file.get_tensor(name) for name in _ARRAYS if name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
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
        return Motion(
            arrays["points"],
            arrays["confidence"],
            timing,
            facts["space"],
            facts["networks"],
            arrays["places"],
            (width, height),
            facts["source"],
            facts["look"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path) from error


def _digest(facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> str:
    content = hashlib.sha256(_canonical(facts).encode())
    for name in _ARRAYS:
        content.update(arrays[name].tobytes())
    return content.hexdigest()


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _damaged(path: Path) -> InputError:
    return InputError("the motion is damaged or was cut off", where=path, fix=EXPORT_AGAIN)
