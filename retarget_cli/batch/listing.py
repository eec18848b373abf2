"""Reading a list, in lines or in TOML: what is to be trained, and what is to be made of it."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from retarget_cli.batch.jobs import Job, check_names, check_two, variant_of
from retarget_cli.batch.lines import read_lines
from retarget_cli.batch.tables import Table, read_clips, read_renders
from retarget_cli.config import TrainConfig
from retarget_cli.errors import InputError, RetargetError
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.options import RenderOptions
from retarget_cli.pipeline.settings import load_config
from retarget_cli.utils.limits import TEXT_BYTES, read_limited

Settings = Callable[..., TrainConfig]
"""Called with `preset`, `seed` and `changes`, None or empty where a list does not say them."""
USUAL = (RenderOptions(),)  # what is drawn of a pair where a list does not say otherwise

_KNOWN = ("clips", "pairs", "all-pairs", "presets", "seeds", "settings", "sweep", "renders", "evaluate")
_SETTINGS = ("method", "precision", "backend", "weights", "flip", "init-from", "size", "max-memory", "device")


def read_list(file: Path, settings: Settings = load_config) -> list[Job]:
    """The jobs of a list. It is TOML when its name ends in ``.toml``, and lines of two paths otherwise.

    settings: makes the configuration of a job. Raises InputError for a list that cannot be read, names no pairs, or
    names what is not there, and what `settings` raises.
    """
    content = _read(file)
    jobs = list(_from_toml(content, file, settings) if file.suffix == ".toml" else _from_lines(content, file, settings))
    if not jobs:
        raise InputError("the list names no pairs", where=file, fix='Add pairs = [["cat", "fox"]], or all-pairs.')
    check_names(jobs)
    return jobs


def _read(file: Path) -> str:
    try:
        return read_limited(file, TEXT_BYTES).decode("utf-8-sig")
    except OSError as error:
        what = f"the list of pairs cannot be read: {error.strerror}"
        raise InputError(what, where=file, fix="Check the path.") from None
    except UnicodeDecodeError:
        fix = "Write a text file with two paths a line."
        raise InputError("the list of pairs is no text in UTF-8", where=file, fix=fix) from None


def _from_lines(content: str, file: Path, settings: Settings) -> Iterator[Job]:
    pairs = read_lines(content, file)
    config = settings()
    for pair in pairs:
        yield Job(pair.a, pair.b, config, renders=USUAL, scored=True, place=pair.place)


def _from_toml(content: str, file: Path, settings: Settings) -> Iterator[Job]:
    try:
        table = Table(tomllib.loads(content), str(file))
    except RecursionError:
        raise InputError("the list is nested too deeply", where=file, fix="Write it as the manual shows.") from None
    except ValueError as error:
        raise InputError(f"the list is not TOML: {error}", where=file, fix="Correct that line.") from None
    table.check(_KNOWN)
    clips = read_clips(table, file.parent)
    renders = read_renders(table, clips) if "renders" in table else USUAL
    scored = table.flag("evaluate", True)
    configs = [(variant, _config(table, settings, words)) for variant, words in _variants(table)]
    for a, b, place in _pairs(table, clips):
        check_two(a.path, b.path, place)
        for variant, config in configs:
            yield Job(a, b, config, variant, renders, scored, place)


def _pairs(table: Table, clips: Mapping[str, ClipInput]) -> Iterator[tuple[ClipInput, ClipInput, str]]:
    def clip(name: str, place: str) -> ClipInput:
        return table.one_of(clips, name, place)

    for number, pair in enumerate(table.rows("pairs"), 1):
        place = f"{table.where}, pair {number}"
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(name, str) for name in pair):
            raise InputError("a pair is two names of clips", where=place, fix='Write it like ["cat", "fox"].')
        yield clip(pair[0], place), clip(pair[1], place), place
    place = f"{table.where}, all-pairs"
    for a, b in itertools.combinations(table.words("all-pairs"), 2):
        yield clip(a, place), clip(b, place), f"{place}, {a} and {b}"


def _variants(table: Table) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every combination of presets, seeds and swept settings, with what tells it from the others."""
    presets: Sequence[str | None] = table.words("presets") or [None]
    seeds: Sequence[int | None] = table.numbers("seeds") or [None]
    swept = table.sub("sweep")
    sweeps = [[(key, value) for value in swept.rows(key)] for key in swept]
    for preset, seed, *values in itertools.product(presets, seeds, *sweeps):
        parts = [str(preset)] if len(presets) > 1 else []
        parts += [f"seed{seed}"] if len(seeds) > 1 else []
        parts += [f"{key}{value}" for (key, value), row in zip(values, sweeps, strict=True) if len(row) > 1]
        yield variant_of(parts), {"preset": preset, "seed": seed, "swept": values}


def _config(table: Table, settings: Settings, words: Mapping[str, Any]) -> TrainConfig:
    given = dict(table.sub("settings").leaves())
    flags = {name.replace("-", "_"): given.pop(name) for name in _SETTINGS if name in given}
    if "init_from" in flags:
        flags["start"] = flags.pop("init_from")
    told = {**given, **{key: Table.text(value) for key, value in words["swept"]}}
    changes = [f"{key}={value}" for key, value in told.items()]
    try:
        return settings(preset=words["preset"], seed=words["seed"], changes=changes, **flags)
    except RetargetError as error:
        error.where = f"{table.where}: {error.where}" if error.where else table.where
        raise
