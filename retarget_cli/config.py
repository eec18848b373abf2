"""What a training run is told: frozen dataclasses, presets, a TOML file, `key=value` changes.

Precedence: flags over changes over file over preset. Every key that nobody knows is refused with the nearest known one.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retarget_cli.errors import InputError, UsageError
from retarget_cli.hardware import cuda_devices

BACKENDS = ("auto", "given", "embedded", "sam")
PRECISIONS = ("auto", "fp32", "fp16", "bf16")
SMALLEST_CROP = 32


@dataclass(frozen=True)
class MatteConfig:
    """How the object is found. backend: one of BACKENDS; weights: file of the segmentation network, if not the usual one."""

    backend: str = "auto"
    weights: str | None = None


@dataclass(frozen=True)
class CropConfig:
    """The square the networks see. size: pixels, a multiple of 16."""

    size: int = 128


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a training run, except the clips themselves."""

    preset: str = "draft"
    method: str = "jokr"
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    matte: MatteConfig = field(default_factory=MatteConfig)
    crop: CropConfig = field(default_factory=CropConfig)
    method_config: Any = None


# The size of the crop is all that differs here; what a preset means to a method is the method's own matter.
PRESETS: dict[str, CropConfig] = {
    "draft": CropConfig(size=128),
    "standard": CropConfig(size=256),
    "best": CropConfig(size=512),
    "paper": CropConfig(size=256),
}


def default_preset() -> str:
    """``standard`` where there is a GPU, ``draft`` elsewhere."""
    return "standard" if cuda_devices() else "draft"


def load_config(
    preset: str | None = None, file: Path | None = None, changes: Sequence[str] = (), **flags: Any
) -> TrainConfig:
    """The resolved configuration.

    preset: a name of PRESETS (the machine decides when it is None). file: TOML with the same keys.
    changes: ``key=value``; keys of a phase (``geometry.steps``) or after ``method.`` go to the method.
    flags: top-level fields of TrainConfig plus `backend`, `weights` and `size`; those that are None are ignored.
    Raises UsageError for unknown keys and values that make no sense, InputError when the file cannot be read.
    """
    given = [change for change in _file_changes(file)] if file else []
    given += [_split(change) for change in changes]
    given += [(_FLAG_KEYS.get(name, name), _text(value)) for name, value in flags.items() if value is not None]
    preset = preset or dict(given).get("preset") or default_preset()
    if preset not in PRESETS:
        raise UsageError(f"there is no preset '{preset}'", where="--preset", fix=_nearest(preset, PRESETS))
    config = TrainConfig(preset=preset, crop=PRESETS[preset], method=dict(given).get("method") or TrainConfig.method)
    return _resolve(config, [(key, text) for key, text in given if key not in ("preset", "method")])


def to_json(config: Any) -> dict[str, Any]:
    """The configuration (or any dataclass) as plain JSON values."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return plain


def from_json(data: Mapping[str, Any]) -> TrainConfig:
    """The configuration that :func:`to_json` wrote; UsageError when this version does not know its keys."""
    method = _method(data["method"])
    kind = type(method.config(data["preset"], ()))
    plain = {key: value for key, value in data.items() if key != "method_config"}
    config = _build(TrainConfig, plain, "")
    return dataclasses.replace(config, method_config=_build(kind, data["method_config"], "method."))


def change_fields(config: Any, changes: Sequence[str]) -> Any:
    """A frozen dataclass with ``key=value`` changes applied (dotted keys reach into nested ones); UsageError if unknown."""
    known = _keys(type(config))
    for change in changes:
        key, text = _split(change)
        if key not in known:
            raise UsageError(f"there is no setting '{key}'", where=change, fix=_nearest(key, known))
        config = _set(config, key, text)
    return config


_FLAG_KEYS = {"backend": "matte.backend", "weights": "matte.weights", "size": "crop.size"}


def _method(name: str) -> Any:
    # Imported here: everything may import this module, also the methods themselves.
    from retarget_cli.methods import get_method

    return get_method(name)


def _resolve(config: TrainConfig, given: Sequence[tuple[str, str]]) -> TrainConfig:
    method = _method(config.method)
    own = _keys(TrainConfig, skip=("method_config", "preset", "method"))
    for_method: list[str] = []
    for key, text in given:
        head, _, rest = key.partition(".")
        if key in own:
            config = _set(config, key, text)
        elif head == "method" and rest:
            for_method.append(f"{rest}={text}")
        elif head in method.phase_names and rest:
            for_method.append(f"{key}={text}")
        else:
            known = [*own, *(f"{phase}.{rest or 'steps'}" for phase in method.phase_names)]
            raise UsageError(f"there is no setting '{key}'", where=f"{key}={text}", fix=_nearest(key, known))
    _check(config)
    return dataclasses.replace(config, method_config=method.config(config.preset, tuple(for_method)))


def _check(config: TrainConfig) -> None:
    if config.matte.backend not in BACKENDS:
        raise UsageError(
            f"there is no backend '{config.matte.backend}'",
            where="--backend",
            fix=_nearest(config.matte.backend, BACKENDS),
        )
    if config.precision not in PRECISIONS:
        raise UsageError(
            f"there is no precision '{config.precision}'",
            where="--precision",
            fix=_nearest(config.precision, PRECISIONS),
        )
    if config.crop.size < SMALLEST_CROP or config.crop.size % 16:
        raise UsageError(
            f"the crop cannot be {config.crop.size} pixels wide",
            where="crop.size",
            fix=f"Use a multiple of 16 that is at least {SMALLEST_CROP}.",
        )


def _file_changes(file: Path) -> list[tuple[str, str]]:
    """The file's leaves as (dotted key, text). ``[method] name = "jokr"`` means the same as ``method = "jokr"``."""
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"the configuration cannot be read: {error.strerror}", where=file, fix="Check the path."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"the configuration is not TOML: {error}", where=file, fix="Correct that line.") from None
    leaves = list(_leaves(data, ""))
    return [("method" if key == "method.name" else key, text) for key, text in leaves]


def _leaves(table: Mapping[str, Any], prefix: str) -> typing.Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _split(change: str) -> tuple[str, str]:
    key, equals, text = change.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"'{change}' is not a setting", where="--set", fix="Write it as key=value, e.g. crop.size=96.")
    return key.strip(), text.strip()


def _keys(kind: type, skip: Sequence[str] = ()) -> list[str]:
    """Dotted names of every leaf of a dataclass."""
    keys: list[str] = []
    hints = typing.get_type_hints(kind)
    for item in dataclasses.fields(kind):
        if item.name in skip:
            continue
        inner = hints[item.name]
        keys += [f"{item.name}.{key}" for key in _keys(inner)] if dataclasses.is_dataclass(inner) else [item.name]
    return keys


def _set(config: Any, key: str, text: str) -> Any:
    head, _, rest = key.partition(".")
    if rest:
        return dataclasses.replace(config, **{head: _set(getattr(config, head), rest, text)})
    return dataclasses.replace(config, **{head: _parse(typing.get_type_hints(type(config))[head], text, key)})


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


def _build(kind: Any, data: Any, where: str) -> Any:
    """A dataclass from JSON values; lists become tuples, as frozen dataclasses hold them."""
    if not dataclasses.is_dataclass(kind) or not isinstance(data, Mapping):
        return tuple(_build(None, item, where) for item in data) if isinstance(data, list) else data
    hints = typing.get_type_hints(kind)
    unknown = sorted(set(data) - {item.name for item in dataclasses.fields(kind)})
    if unknown:
        raise UsageError(
            f"this version has no setting '{where}{unknown[0]}'",
            where="the stored configuration",
            fix="Run `retarget train` again with this version.",
        )
    return kind(**{key: _build(hints[key], value, f"{where}{key}.") for key, value in data.items()})  # type: ignore[operator]


def _nearest(word: str, known: typing.Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(word, names, n=3, cutoff=0.5)
    return f"Did you mean {' or '.join(near)}?" if near else f"Known are: {', '.join(names)}."
