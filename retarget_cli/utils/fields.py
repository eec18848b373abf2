"""Frozen dataclasses by dotted keys: list the keys, set one from text, turn a tree of them into JSON and back."""

from __future__ import annotations

import dataclasses
import difflib
import json
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from retarget_cli.errors import UsageError

# Metadata of a field that is younger than stored results: at its default JSON leaves it out, so that their keys stay.
LATER = {"later": True}


def to_json(config: Any) -> dict[str, Any]:
    """The configuration (or any dataclass) as plain JSON values."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return _without_silent(config, plain)


def _without_silent(config: Any, plain: dict[str, Any]) -> dict[str, Any]:
    """`plain`, the values of `config`, without fields marked LATER that have their default."""
    kept = {}
    for item in dataclasses.fields(config):
        value = getattr(config, item.name)
        if item.metadata.get("later") and value == _default(item):
            continue
        inner = dataclasses.is_dataclass(value)
        kept[item.name] = _without_silent(value, plain[item.name]) if inner else plain[item.name]
    return kept


def _default(item: dataclasses.Field[Any]) -> Any:
    return item.default if item.default_factory is dataclasses.MISSING else item.default_factory()


def build(kind: Any, data: Any, where: str) -> Any:
    """A dataclass from JSON values; lists become tuples, as frozen dataclasses hold them.

    where: what to put before a key that the dataclass does not have, in the UsageError that tells of it.
    """
    if not dataclasses.is_dataclass(kind) or not isinstance(data, Mapping):
        return tuple(build(None, item, where) for item in data) if isinstance(data, list) else data
    hints = typing.get_type_hints(kind)
    unknown = sorted(set(data) - {item.name for item in dataclasses.fields(kind)})
    if unknown:
        raise UsageError(
            f"this version has no setting '{where}{unknown[0]}'",
            where="the stored configuration",
            fix="Run `retarget train` again with this version.",
        )
    make: Any = kind
    return make(**{key: build(hints[key], value, f"{where}{key}.") for key, value in data.items()})


def change_fields(config: Any, changes: Sequence[str]) -> Any:
    """A frozen dataclass with ``key=value`` changes applied; dotted keys reach into nested ones.

    Raises UsageError for keys it does not have and values that do not fit.
    """
    known = keys(type(config))
    for change in changes:
        key, text = split(change)
        if key not in known:
            raise UsageError(f"there is no setting '{key}'", where=change, fix=nearest(key, known))
        config = set_field(config, key, text)
    return config


def split(change: str) -> tuple[str, str]:
    """Key and text of ``key=value``; UsageError for anything else."""
    key, equals, text = change.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"'{change}' is not a setting", where="--set", fix="Write it as key=value, e.g. crop.size=96.")
    return key.strip(), text.strip()


def keys(kind: type, skip: Sequence[str] = ()) -> list[str]:
    """Dotted names of every leaf of a dataclass."""
    found: list[str] = []
    hints = typing.get_type_hints(kind)
    for item in dataclasses.fields(kind):
        if item.name in skip:
            continue
        inner = hints[item.name]
        if isinstance(inner, type) and dataclasses.is_dataclass(inner):
            found += [f"{item.name}.{key}" for key in keys(inner)]
        else:
            found.append(item.name)
    return found


def set_field(config: Any, key: str, text: str) -> Any:
    """A dataclass with the field at a dotted key set from text; UsageError when the text does not fit."""
    head, _, rest = key.partition(".")
    if rest:
        return dataclasses.replace(config, **{head: set_field(getattr(config, head), rest, text)})
    return dataclasses.replace(config, **{head: _parse(typing.get_type_hints(type(config))[head], text, key)})


def nearest(word: str, known: Iterable[str]) -> str:
    """A fix line: the known words nearest to `word`, and all of them."""
    names = list(known)
    near = difflib.get_close_matches(word, names, n=3, cutoff=0.5)
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    return f"{meant}Known are: {', '.join(names)}."


def _parse(kind: Any, text: str, key: str) -> Any:
    """`text` as a value of the field's type: int, float, str, an optional str, or numbers with commas between."""
    if isinstance(kind, types.UnionType):
        return None if text in ("", "none", "null") else text
    if kind is bool and text not in ("true", "false"):
        raise UsageError(f"'{text}' is not a value for {key}", where=key, fix="Give true or false.")
    try:
        if kind is bool:
            return text == "true"
        if typing.get_origin(kind) is tuple:
            return tuple(typing.get_args(kind)[0](part) for part in text.strip("[]()").split(","))
        return kind(text)
    except ValueError:
        wanted = "numbers like 32,64" if typing.get_origin(kind) is tuple else kind.__name__
        raise UsageError(f"'{text}' is not a value for {key}", where=key, fix=f"Give {wanted}.") from None


def shown(value: Any) -> str:
    """A setting's value as ``--set`` takes it."""
    if isinstance(value, (list, tuple)):
        return ",".join(map(shown, value))
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)
