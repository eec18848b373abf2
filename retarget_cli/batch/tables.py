"""Tables of a TOML list: clips with what is known of them, and the renders to make of each pair."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from retarget_cli.batch.jobs import placed
from retarget_cli.config import COLOURS, CUTS
from retarget_cli.errors import InputError
from retarget_cli.media.outputs import KINDS
from retarget_cli.media.playback import Tempo, parse_rate, parse_smooth
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.hints import parse_hints
from retarget_cli.pipeline.options import RenderOptions, choose, parse_affine, parse_background, parse_names
from retarget_cli.utils.fields import nearest

T = TypeVar("T")
_CLIP = ("file", "mask", "box", "point", "fps-in", "from", "to", "cuts", "colour")
_PART = {"from": "start", "to": "stop"}
_CHOICES: Mapping[str, Sequence[str]] = {"cuts": CUTS, "colour": COLOURS}
_RENDER = (
    "look", "affine", "background", "driver", "format", "from", "to", "fps", "slow", "loop", "smooth", "flip", "follow",
    "compare",
)  # fmt: skip


class Table:
    """A table of TOML that is read with its place, so that every error names it."""

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, Mapping):
            raise InputError("this is no table", where=where, fix="Write it as the manual shows.")
        self._data, self.where = data, where

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def check(self, known: Sequence[str]) -> None:
        """Raise InputError for a key that nobody knows."""
        for key in self._data:
            if key not in known:
                raise InputError(f"there is no '{key}' in such a list", where=self.where, fix=nearest(key, known))

    def sub(self, key: str) -> Table:
        """The table under `key`, empty where there is none."""
        return Table(self._data.get(key, {}), f"{self.where}, {key}")

    def rows(self, key: str) -> list[Any]:
        """The list under `key`; what is no list is one of a single item."""
        found = self._data.get(key, [])
        return list(found) if isinstance(found, list) else [found]

    def words(self, key: str) -> list[str]:
        """A list of texts."""
        return [self._typed(key, item, str, "a text") for item in self.rows(key)]

    def numbers(self, key: str) -> list[int]:
        """A list of whole numbers."""
        return [self._typed(key, item, int, "a whole number") for item in self.rows(key)]

    def scalars(self, key: str) -> list[str | int | float]:
        """A list of texts and numbers."""
        return [self._typed(key, item, (str, int, float), "a text or a number") for item in self.rows(key)]

    def flag(self, key: str, default: bool) -> bool:
        """Read true or false."""
        return self._typed(key, self._data.get(key, default), bool, "true or false")

    def leaves(self) -> Iterator[tuple[str, str]]:
        """Every value by its dotted key, as ``--set`` takes it."""
        for key, value in self._data.items():
            if isinstance(value, Mapping):
                yield from ((f"{key}.{inner}", text) for inner, text in self.sub(key).leaves())
            else:
                yield key, self.text(value)

    def one_of(self, known: Mapping[str, T], name: str, where: str) -> T:
        """What has that name. Raises InputError."""
        if name not in known:
            raise InputError(f"the list has no clip '{name}'", where=where, fix=nearest(name, known))
        return known[name]

    @staticmethod
    def text(value: Any) -> str:
        """A value as ``--set`` takes it."""
        return value if isinstance(value, str) else json.dumps(value, default=str)

    def _typed(self, key: str, value: Any, kind: Any, what: str) -> Any:
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            raise InputError(f"'{key}' is not {what}", where=self.where, fix=f"Write {what}, or a list of such.")
        return value


def read_clips(table: Table, folder: Path) -> dict[str, ClipInput]:
    """The clips by name: a path, or a table with ``file`` and what is known of the clip. Raises InputError."""
    clips = {}
    for name in (named := table.sub("clips")):
        (said,) = named.rows(name)[:1] or [""]
        clips[name] = _clip(Table({"file": said} if isinstance(said, str) else said, f"{named.where}.{name}"), folder)
    return clips


def _clip(table: Table, folder: Path) -> ClipInput:
    table.check(_CLIP)
    (file,) = table.words("file")[:1] or [""]
    if not file:
        raise InputError("the clip names no file", where=table.where, fix='Write file = "cat.mp4".')
    masks = [folder / mask for mask in table.words("mask")[:1]]
    for mask in masks:
        if not mask.exists():
            raise InputError(f"there is no matte {mask}", where=table.where, fix="Check the path.")
    rates = table.scalars("fps-in")[:1]
    with placed(table.where):
        hints = parse_hints(0, table.words("box"), table.words("point"), "box")
        rate = parse_rate(rates[0], "fps-in") if rates else None
        used: dict[str, Any] = {name: table.scalars(key)[0] for key, name in _PART.items() if key in table}
        used |= {key: choose(table.words(key)[0], known, key) for key, known in _CHOICES.items() if key in table}
    return ClipInput(folder / file, masks[0] if masks else None, hints, rate, **used)


def read_renders(table: Table, clips: Mapping[str, ClipInput]) -> tuple[RenderOptions, ...]:
    """The videos to make of every pair: each table stands for all combinations of what it lists. Raises InputError."""
    found: dict[RenderOptions, None] = {}
    for number, said in enumerate(table.rows("renders"), 1):
        each = Table(said, f"{table.where}, render {number}")
        each.check(_RENDER)
        for rendering in _combinations(each, clips):
            found[rendering] = None
    return tuple(found)


def _combinations(table: Table, clips: Mapping[str, ClipInput]) -> Iterator[RenderOptions]:
    looks = [look for word in table.words("look") or ["a"] for look in ("ab" if word == "both" else word)]
    affines = table.rows("affine") or ["auto"]
    for each in affines:
        if not isinstance(each, str | int | float | list):
            raise InputError(
                "'affine' is neither a mode nor six numbers", where=table.where, fix="Write a mode's name."
            )
    if all(isinstance(value, int | float) for value in affines):
        affines = [affines]  # six numbers are one map
    affines = [each if isinstance(each, str | list) else str(each) for each in affines]
    backgrounds, drivers = table.words("background") or ["subject"], table.words("driver") or [""]
    formats = table.words("format") or [""]
    with placed(table.where):
        tempo = _tempo(table)
        for look, affine, background, driver, form in itertools.product(looks, affines, backgrounds, drivers, formats):
            if look not in ("a", "b"):
                raise InputError(f"there is no look '{look}'", where=table.where, fix="Choose a, b or both.")
            clip = table.one_of(clips, driver, table.where) if driver else None
            options = RenderOptions(
                look=look, affine=parse_affine(affine), background=parse_background(background), driver=clip, **tempo
            )
            yield replace(options, format=_format(form, options, table.where))


def _tempo(table: Table) -> dict[str, Any]:
    names = {"from": "start", "to": "stop", "fps": "fps", "slow": "slow", "loop": "loop", "flip": "flip"}
    told: dict[str, Any] = {field: table.scalars(key)[0] for key, field in names.items() if table.rows(key)}
    told |= {"loop": table.numbers("loop")[0]} if table.rows("loop") else {}
    told["smooth"] = str((table.scalars("smooth") or [0])[0])
    told["follow"] = parse_names([name for word in table.words("follow") for name in word.split(",")])
    told["compare"] = table.flag("compare", False)
    Tempo.parse(told.get("start"), told.get("stop"), told.get("fps"), told.get("slow"), told.get("loop", 1))
    parse_smooth(told["smooth"])
    return told


def _format(form: str, options: RenderOptions, where: str) -> str | None:
    """A format as `render --format` takes it, ``mp4`` or ``.mp4``; None where none is named."""
    if not form:
        return None
    word = form.lstrip(".").lower()
    known = [name for name, kind in KINDS.items() if kind.alpha or not options.alpha]
    if word not in known:
        what = f"'{form}' is no format written here" + (" with alpha" if options.alpha else "")
        raise InputError(what, where=where, fix=nearest(word, known))
    return word
