"""The resolved settings of a training run: preset, TOML file, ``key=value`` changes and options, in this order.

Options win over changes, these over the file, the file over the preset. An unknown key is refused, with the nearest
known one and all others of its phase. `list_settings` says what each key means.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import operator
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retarget_cli.config import (
    BACKENDS,
    FLIPS,
    PRECISIONS,
    PRESETS,
    SMALLEST_CROP,
    TrainConfig,
    begins_with_base,
    default_preset,
    named_kind,
)
from retarget_cli.errors import InputError, UsageError
from retarget_cli.methods import METHODS, get_method
from retarget_cli.utils.fields import build, keys, leaves, nearest, set_field, shown, split, to_json, unknown_key
from retarget_cli.utils.hardware import device_class
from retarget_cli.utils.limits import TEXT_BYTES, read_limited
from retarget_cli.utils.memory import parse_size
from retarget_cli.weights import base as packaged

_APART = ("method_config", "preset", "method")
EVERY_METHOD = "every method"
LARGEST_SEED = 2**63 - 1


def load_config(
    preset: str | None = None, file: Path | None = None, changes: Sequence[str] = (), **flags: Any
) -> TrainConfig:
    """Resolve the configuration.

    preset: a name of PRESETS; the machine decides when it is None
    file: TOML with the same keys
    changes: ``key=value``; keys of a phase (``geometry.steps``) or after ``method.`` go to the method
    flags: top-level fields of TrainConfig plus `backend`, `weights`, `size` and `flip` (one of FLIPS, for methods with
        that setting); those that are None are ignored

    Raises UsageError for unknown keys and values that make no sense, also for a base that was asked for and does not
    fit, InputError when the file cannot be read.
    """
    given = _file_changes(file) if file else []
    given += [split(change) for change in changes]
    given += [_flag(name, value) for name, value in flags.items() if value is not None]
    preset = preset or dict(given).get("preset") or default_preset()
    _check_choice("preset", preset, PRESETS)
    config = dataclasses.replace(PRESETS[preset], method=_method_name(dict(given).get("method"), preset))
    config = _resolve(config, [(key, text) for key, text in given if key not in ("preset", "method")])
    return _with_start(config, named="start" in dict(given))


def to_record(config: TrainConfig) -> dict[str, Any]:
    """The configuration as a run record holds it: plain JSON values, the method by its key."""
    return {**to_json(config), "method": get_method(config.method).key}


def from_record(data: Mapping[str, Any]) -> TrainConfig:
    """The configuration that :func:`to_record` wrote; UsageError when this version does not know its keys."""
    name = _method_name(data["method"], data["preset"])
    kind = type(get_method(name).config(data["preset"], ()))
    plain = {key: value for key, value in data.items() if key != "method_config"}
    config = build(TrainConfig, {"start": None, **plain, "method": name}, "")  # older records do not name it
    return dataclasses.replace(config, method_config=build(kind, data["method_config"], "method."))


_FLAG_KEYS = {
    "backend": "matte.backend",
    "weights": "matte.weights",
    "size": "crop.size",
    "flip": "geometry.mirror",
}


def _flag(name: str, value: Any) -> tuple[str, str]:
    """A flag as key and text of a setting."""
    if name == "flip":
        if value not in FLIPS:
            what = f"'{value}' does not say whether to flip a clip"
            raise UsageError(what, where="--flip", fix=nearest(value, FLIPS))
        value = FLIPS[value]
    return _FLAG_KEYS.get(name, name), _text(value)


def _method_name(given: str | None, preset: str) -> str:
    """The method of a preset, unless another is asked for; a preset's own may also be named by its key."""
    own = PRESETS[preset].method
    return own if given is None or given == get_method(own).key else given


def _resolve(config: TrainConfig, given: Sequence[tuple[str, str]]) -> TrainConfig:
    method = get_method(config.method)
    own = keys(TrainConfig, _APART)
    for_method: list[str] = []
    for key, text in given:
        head, _, rest = key.partition(".")
        if key in own:
            config = set_field(config, key, text)
        elif head == "method" and rest:
            for_method.append(f"{rest}={text}")
        elif head in method.phase_names and rest:
            for_method.append(f"{key}={text}")
        else:
            raise unknown_key(key, known_keys(method.name, config.preset), f"{key}={text}")
    _check(config)
    return dataclasses.replace(config, method_config=method.config(config.preset, tuple(for_method)))


def known_keys(method: str, preset: str) -> list[str]:
    """The settings of every method and those of `method`, whose preset is called `preset`. Raises UsageError."""
    return [*keys(TrainConfig, _APART), *keys(type(get_method(method).config(preset, ())))]


def _with_start(config: TrainConfig, named: bool) -> TrainConfig:
    """The configuration, with fresh networks for a method that has no base. named: somebody said what to begin with."""
    if not begins_with_base(config.start):
        return config
    misfits = base_misfits(config)
    if named and misfits is None:
        fix = "Train with --init-from none, or with another preset."
        raise UsageError(f"the method {config.method} has no base to begin with", where="--init-from", fix=fix)
    if named and misfits:
        fix = f"Train with {' '.join(f'--set {change}' for change in misfits)}, or with --init-from none."
        raise UsageError("the base does not fit these settings", where="--init-from", fix=fix)
    kind = named_kind(config.start)
    if kind is not None:
        _check_kind(kind)
    return dataclasses.replace(config, start=None) if misfits is None else config


def _check_kind(kind: str) -> None:
    known = packaged.known_kinds(packaged.base_path())
    if kind not in known:
        raise UsageError(f"the base knows no kind of body '{kind}'", where="--init-from", fix=nearest(kind, known))


def base_misfits(config: TrainConfig) -> tuple[str, ...] | None:
    """What must be set otherwise for the base to fit, as ``key=value``; None for a method that has no base."""
    method = get_method(config.method)
    return method.base_misfits(config.method_config) if method.based else None


def _check_choice(what: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise UsageError(f"there is no {what} '{name}'", where=f"--{what}", fix=nearest(name, known))


def _check(config: TrainConfig) -> None:
    _check_choice("backend", config.matte.backend, BACKENDS)
    _check_choice("precision", config.precision, PRECISIONS)
    if config.max_memory is not None:
        check_limit(config.max_memory, config.device)
    if not 0 <= config.seed <= LARGEST_SEED:
        fix = f"Give a whole number from 0 to {LARGEST_SEED}."
        raise UsageError(f"random numbers cannot begin with {config.seed}", where="--seed", fix=fix)
    if config.crop.size < SMALLEST_CROP or config.crop.size % 16:
        raise UsageError(
            f"the crop cannot be {config.crop.size} pixels wide",
            where="crop.size",
            fix=f"Use a multiple of 16 that is at least {SMALLEST_CROP}.",
        )


def check_limit(max_memory: str, device: str) -> None:
    """Raise UsageError unless `max_memory` is a size and `device` a GPU, whose memory can be limited."""
    parse_size(max_memory, where="--max-memory")
    if device_class(device) == "cpu":
        fix = "Leave it out; on the CPU, training takes less with smaller batches (--set texture.batch=2)."
        raise UsageError(
            "only the memory of a GPU can be limited, and this runs on the CPU", where="--max-memory", fix=fix
        )


def _file_changes(file: Path) -> list[tuple[str, str]]:
    """The file's leaves as (dotted key, text). ``[method] name = "jokr"`` means the same as ``method = "jokr"``."""
    try:
        data = tomllib.loads(read_limited(file, TEXT_BYTES).decode("utf-8"))
        leaves = list(_leaves(data, ""))
    except OSError as error:
        raise InputError(
            f"the configuration cannot be read: {error.strerror}", where=file, fix="Check the path."
        ) from None
    except RecursionError:
        fix = "Write keys in at most two levels, as `retarget settings` lists them."
        raise InputError("the configuration is nested too deeply", where=file, fix=fix) from None
    except ValueError as error:  # no TOML, no UTF-8, a number with thousands of digits
        raise InputError(f"the configuration is not TOML: {error}", where=file, fix="Correct that line.") from None
    return [("method" if key == "method.name" else key, text) for key, text in leaves]


def _leaves(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)  # dates become texts that do not fit


@dataclass(frozen=True)
class Setting:
    """A key of ``--set``. method: whose it is, or EVERY_METHOD. defaults: by preset, as ``--set`` takes them."""

    method: str
    key: str
    meaning: str
    unit: str
    defaults: Mapping[str, str]


def list_settings(pattern: str = "") -> list[Setting]:
    """Every key that contains `pattern`: first those of every method, then those of each, with their defaults.

    Methods that are trained as another one have its settings.
    """
    found = _describe(EVERY_METHOD, PRESETS, _APART)
    for name in [name for name, method in METHODS.items() if not method.trained_as]:
        presets: dict[str, Any] = {}
        for preset in PRESETS:
            with contextlib.suppress(UsageError):  # a method need not have every preset
                presets[preset] = get_method(name).config(preset, ())
        found += _describe(name, presets)
    return [each for each in found if pattern.lower() in each.key]


def _describe(method: str, presets: Mapping[str, Any], skip: Sequence[str] = ()) -> list[Setting]:
    """The settings of configurations of one type, by preset."""
    if not presets:
        return []
    described = []
    for key, told in leaves(type(next(iter(presets.values()))), skip):
        value_of = operator.attrgetter(key)
        defaults = {preset: shown(value_of(config)) for preset, config in presets.items()}
        described.append(Setting(method, key, told.get("meaning", ""), told.get("unit", ""), defaults))
    return described
