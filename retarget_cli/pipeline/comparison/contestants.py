"""The methods that are to be compared, as a user lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from retarget_cli.config import PRESETS, TrainConfig, default_preset
from retarget_cli.errors import UsageError
from retarget_cli.methods import METHODS
from retarget_cli.pipeline.settings import known_keys, load_config
from retarget_cli.utils.fields import nearest, split, unknown_key

OPTION = "--methods"


@dataclass(frozen=True)
class Contestant:
    """A method with its settings. label: as the user wrote it, for tables, pictures and names of folders."""

    label: str
    config: TrainConfig

    @property
    def folder(self) -> str:
        """The label as the name of a folder, ``jokr.best``: names of methods hold no dots."""
        return self.label.replace(":", ".")


class _Named(NamedTuple):
    label: str
    method: str
    preset: str


def contestants(
    methods: str | Sequence[str] | None = None, preset: str | None = None, changes: Sequence[str] = (), **flags: Any
) -> list[Contestant]:
    """The contestants in the order of the list.

    methods: with commas between them, or a list. Each is a method, ``method:preset``, or a preset that only one method
    has. None for every method that has the preset.
    preset: of those that name none.
    changes: ``key=value``, each made in every method that has that setting, or ``label:key=value``, made in that one.
    flags: what :func:`~retarget_cli.pipeline.settings.load_config` takes.

    Raises UsageError for what is not known, belongs to several methods, or is listed twice.
    """
    words = _words(methods, preset or default_preset())
    named = [_Named(word.strip(), *_method_and_preset(word.strip(), preset)) for word in words if word.strip()]
    if not named:
        raise UsageError("no method is named", where=OPTION, fix=_choices())
    _check_once(named)
    _check_changes(named, changes)
    return [
        Contestant(one.label, load_config(one.preset, None, _own(one, changes), method=one.method, **flags))
        for one in named
    ]


def _check_once(named: Sequence[_Named]) -> None:
    """UsageError when a method is listed twice with one preset."""
    seen: dict[tuple[str, str], str] = {}
    for one in named:
        key = one.method, one.preset
        if key in seen:
            fix = "Name each method once, or with several presets: METHOD:PRESET."
            raise UsageError(f"'{seen[key]}' and '{one.label}' are the same", where=OPTION, fix=fix)
        seen[key] = one.label


def _words(methods: str | Sequence[str] | None, preset: str) -> list[str]:
    if methods is None:
        return [name for name, method in METHODS.items() if preset in method.presets]
    return methods.split(",") if isinstance(methods, str) else list(methods)


def _method_and_preset(word: str, preset: str | None) -> tuple[str, str]:
    method, colon, named = word.partition(":")
    if not colon and word not in METHODS:
        return _owner(word), word
    if method not in METHODS:
        raise UsageError(f"there is no method '{method}'", where=OPTION, fix=_choices(method))
    wanted = named if colon else preset or default_preset()
    if wanted not in METHODS[method].presets or wanted not in PRESETS:
        known = [f"{method}:{each}" for each in METHODS[method].presets if each in PRESETS]
        raise UsageError(f"{method} has no preset '{wanted}'", where=OPTION, fix=nearest(f"{method}:{wanted}", known))
    return method, wanted


def _owner(preset: str) -> str:
    """The one method that has a preset of this name."""
    owners = [name for name, method in METHODS.items() if preset in method.presets and preset in PRESETS]
    if len(owners) == 1:
        return owners[0]
    if not owners:
        raise UsageError(f"there is no method or preset '{preset}'", where=OPTION, fix=_choices(preset))
    fix = f"Write {' or '.join(f'{owner}:{preset}' for owner in owners)}."
    raise UsageError(f"several methods have a preset '{preset}'", where=OPTION, fix=fix)


def _choices(word: str = "") -> str:
    """A fix line with everything that may stand in the list."""
    shared = [preset for method in METHODS.values() for preset in method.presets]
    alone = [preset for preset in PRESETS if shared.count(preset) == 1 and preset not in METHODS]
    return nearest(word, [*METHODS, *alone])


def _check_changes(named: Sequence[_Named], changes: Sequence[str]) -> None:
    """UsageError for a change of a setting that none of those it is for has."""
    for change in changes:
        label, plain = _scoped(change)
        meant = [one for one in named if label in (None, one.label)]
        if not meant:
            fix = nearest(label or "", [one.label for one in named])
            raise UsageError(f"'{label}' is not among the methods", where=change, fix=fix)
        known = list(dict.fromkeys(key for one in meant for key in known_keys(one.method, one.preset)))
        if not _is_known(plain, known):
            raise unknown_key(split(plain)[0], known, change)


def _own(one: _Named, changes: Sequence[str]) -> list[str]:
    """The changes of settings that it has."""
    known, scoped = known_keys(one.method, one.preset), [_scoped(change) for change in changes]
    return [plain for label, plain in scoped if label in (None, one.label) and _is_known(plain, known)]


def _is_known(change: str, known: Sequence[str]) -> bool:
    return split(change)[0].removeprefix("method.") in known


def _scoped(change: str) -> tuple[str | None, str]:
    """Whom a change is for, None for all, and the change itself."""
    key, equals, value = change.partition("=")
    label, colon, plain = key.rpartition(":")
    return (label.strip(), f"{plain}{equals}{value}") if colon else (None, change)
