"""Keys of cached results: one canonical text for each set of parameters, and its sha256."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import PurePath
from typing import Any

from retarget_cli.utils.text import dump_json

_SHA256 = re.compile(r"[0-9a-f]{64}")


def canonical_json(value: Any) -> bytes:
    """One byte string for each value: sorted keys, no white space, ASCII.

    Takes None, booleans, integers, strings, finite floats, Fractions, lists, tuples, mappings with string keys and
    dataclasses. The type of a number is part of the value: 1 and 1.0 differ, while -0.0 is 0.0 and a tuple is a list.

    Raises ValueError for NaN and infinity, TypeError for everything else. A path is refused on purpose: a result
    depends on what a file holds (its digest), never on where it lies.
    """
    return dump_json(_canonical(value))


def stage_key(stage: str, version: int, params: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """Sha256 (64 hex digits) of a stage, its version, the parameters that matter and the digests of its inputs.

    inputs: role → sha256 of a file or of an upstream entry. Raises ValueError when one is not a sha256,
    and what `canonical_json` raises.
    """
    for role, digest in inputs.items():
        if not is_sha256(digest):
            raise ValueError(f"input {role!r} of stage {stage!r} must be a sha256 in hex, not {digest!r}")
    parts = {"stage": stage, "version": version, "params": params, "inputs": inputs}
    return hashlib.sha256(canonical_json(parts)).hexdigest()


def is_sha256(value: object) -> bool:
    """Tell whether `value` is a sha256 written as 64 lower-case hex digits."""
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def lenient_json(value: Any) -> Any:
    """Plain JSON values for records that people read: NaN and infinity become null, what JSON lacks becomes its text.

    Never fails, because a note that JSON cannot hold must not cost hours of work. Unfit for keys.
    """
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = _fields(value)
    if isinstance(value, Mapping):
        return {str(name): lenient_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [lenient_json(item) for item in value]
    return str(value)


def _canonical(value: Any) -> Any:
    # Subclasses (numpy's float64, string enumerations) are reduced to the plain type, so that they give the same text.
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} cannot be part of a key")
        return float(value) + 0.0  # turns -0.0 into 0.0
    if isinstance(value, Fraction):
        return {"$fraction": f"{value.numerator}/{value.denominator}"}
    if isinstance(value, PurePath):
        raise TypeError(f"the path {value} cannot be part of a key: use the digest of what it holds")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = _fields(value)
    if isinstance(value, Mapping):
        return {_name(name): _canonical(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    raise TypeError(f"a {type(value).__name__} cannot be part of a key")


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"names in a key must be strings, not {name!r}")
    if name.startswith("$"):
        raise ValueError(f"{name!r}: names that begin with $ stand for types here")
    return str.__str__(name)
