"""Settings: frozen dataclasses by dotted keys. Lists the keys and their meanings, sets one from text, and turns a tree
of them into JSON and back."""

from __future__ import annotations

import dataclasses
import difflib
import json
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from retarget_cli.errors import UsageError

# Metadata of a field that is younger than stored results. At the value that these were made with, its default unless
# `before` names another, JSON leaves it out: so their keys stay.
LATER = {"later": True}
_T = TypeVar("_T")


def setting(
    default: _T,
    meaning: str,
    unit: str = "",
    *,
    later: bool = False,
    before: _T | None = None,
    least: float = 0,
    most: float = 10**9,
    multiple: int = 1,
) -> _T:
    """A field of a settings dataclass, with what `retarget settings` says of it.

    later: mark it LATER
    before: the value that results were made with when there was no such setting, where that is not `default`
    least, most, multiple: what numbers it takes; each of them where it holds several
    """
    metadata: dict[str, Any] = {"meaning": meaning, "unit": unit, "least": least, "most": most, "multiple": multiple}
    if later or before is not None:
        metadata |= LATER if before is None else {**LATER, "before": before}
    return dataclasses.field(default=default, metadata=metadata)


def to_json(config: Any) -> dict[str, Any]:
    """The configuration (or any dataclass) as plain JSON values."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return _without_silent(config, plain)


def _without_silent(config: Any, plain: dict[str, Any]) -> dict[str, Any]:
    """`plain`, the values of `config`, without fields marked LATER that have the value of before."""
    kept = {}
    for item in dataclasses.fields(config):
        value = getattr(config, item.name)
        if item.metadata.get("later") and value == _before(item):
            continue
        inner = dataclasses.is_dataclass(value)
        kept[item.name] = _without_silent(value, plain[item.name]) if inner else plain[item.name]
    return kept


def _before(item: dataclasses.Field[Any]) -> Any:
    """The value that results were made with before there was a setting marked LATER."""
    if "before" in item.metadata:
        return item.metadata["before"]
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
    absent = {item.name: _before(item) for item in dataclasses.fields(kind) if "before" in item.metadata}
    return make(**absent | {key: build(hints[key], value, f"{where}{key}.") for key, value in data.items()})


def change_fields(config: Any, changes: Sequence[str]) -> Any:
    """A frozen dataclass with ``key=value`` changes applied; dotted keys reach into nested ones.

    Raises UsageError for keys it does not have and values that do not fit.
    """
    known = keys(type(config))
    for change in changes:
        key, text = split(change)
        if key not in known:
            raise unknown_key(key, known, change)
        config = set_field(config, key, text)
    return config


def unknown_key(key: str, known: Sequence[str], where: str) -> UsageError:
    """The error for a key that is not among `known`. It lists the keys of its phase, or which phases there are."""
    phase, _, name = key.rpartition(".")
    siblings = [each.removeprefix(f"{phase}.") for each in known if phase and each.startswith(f"{phase}.")]
    if siblings:
        near = [f"{phase}.{each}" for each in difflib.get_close_matches(name, siblings, cutoff=0.5)]
        listed = f"Settings of {phase}: {', '.join(siblings)}."
    else:
        near = [each for each in known if each.endswith(f".{name}")] or difflib.get_close_matches(key, known)
        listed = (
            f"Settings: {', '.join(dict.fromkeys(each.partition('.')[0] + '.*' * ('.' in each) for each in known))}."
        )
    help_with = f"`retarget settings{f' {phase}' if siblings else ''}`"
    fix = f"{_meant(near)}{listed} {help_with} says what each means."
    return UsageError(f"there is no setting '{key}'", where=where, fix=fix)


def split(change: str) -> tuple[str, str]:
    """Key and text of ``key=value``; UsageError for anything else."""
    key, equals, text = change.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"'{change}' is not a setting", where="--set", fix="Write it as key=value, e.g. crop.size=96.")
    return key.strip(), text.strip()


def keys(kind: type, skip: Sequence[str] = ()) -> list[str]:
    """Dotted names of every leaf of a dataclass."""
    return [key for key, _ in leaves(kind, skip)]


def leaves(kind: type, skip: Sequence[str] = ()) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Dotted name and metadata (see :func:`setting`) of every leaf of a dataclass."""
    hints = typing.get_type_hints(kind)
    for item in dataclasses.fields(kind):
        inner = hints[item.name]
        if item.name in skip:
            continue
        if isinstance(inner, type) and dataclasses.is_dataclass(inner):
            yield from ((f"{item.name}.{key}", metadata) for key, metadata in leaves(inner))
        else:
            yield item.name, item.metadata


def set_field(config: Any, key: str, text: str) -> Any:
    """A dataclass with the field at a dotted key set from text; UsageError when the text does not fit."""

    def replaced(part: Any, names: list[str]) -> Any:
        head, *rest = names
        kind = typing.get_type_hints(type(part))[head]
        if rest:
            return dataclasses.replace(part, **{head: replaced(getattr(part, head), rest)})
        value = _parse(kind, text, key)
        _check_range(value, next(each.metadata for each in dataclasses.fields(part) if each.name == head), key)
        return dataclasses.replace(part, **{head: value})

    return replaced(config, key.split("."))


def nearest(word: str, known: Iterable[str]) -> str:
    """A fix line: the known words nearest to `word`, and all of them."""
    names = list(known)
    return f"{_meant(difflib.get_close_matches(word, names, cutoff=0.5))}Choose one of: {', '.join(names)}."


def _meant(near: Sequence[str]) -> str:
    *others, last = near or [""]
    return f"Did you mean {', '.join(others)}{' or ' if others else ''}{last}? " if near else ""


def _check_range(value: Any, told: Mapping[str, Any], key: str) -> None:
    """UsageError for numbers that a field does not take. told: its metadata, see :func:`setting`."""
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, bool) or not isinstance(number, (int, float)) or "least" not in told:
            continue
        least, most, multiple = told["least"], told["most"], told["multiple"]
        if not least <= number <= most or (multiple > 1 and number % multiple):
            of = f"a multiple of {multiple}" if multiple > 1 else "numbers" if isinstance(value, tuple) else "a number"
            fix = f"Give {of} from {least:g} to {most:.10g}."
            raise UsageError(f"{shown(number)} is not possible", where=key, fix=fix)


_NUMBERS = {int: "a whole number", float: "a number"}


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
            return tuple(_finite(typing.get_args(kind)[0](part)) for part in text.strip("[]()").split(","))
        return _finite(kind(text))
    except (ValueError, OverflowError):
        wanted = "numbers like 32,64" if typing.get_origin(kind) is tuple else _NUMBERS[kind]
        raise UsageError(f"'{text}' is not a value for {key}", where=key, fix=f"Give {wanted}.") from None


def _finite(value: Any) -> Any:
    """`value`, unless it is a number that no calculation takes: ValueError."""
    if isinstance(value, (int, float)) and not abs(value) < 2**63:
        raise ValueError("not a number that can be used")
    return value


def shown(value: Any) -> str:
    """A setting's value as ``--set`` takes it."""
    if isinstance(value, (list, tuple)):
        return ",".join(map(shown, value))
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)
