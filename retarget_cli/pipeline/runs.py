"""Run records: what `render` and `evaluate` need to know about a finished training run, and how they find it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from retarget_cli.config import TrainConfig, begins_with_base
from retarget_cli.errors import InputError, UsageError, WorkspaceError
from retarget_cli.methods import get_method
from retarget_cli.methods.base import Look
from retarget_cli.pipeline.settings import from_record, to_record
from retarget_cli.segmentation.base import Hint
from retarget_cli.stages.clip import ClipFacts, SourceClip, facts
from retarget_cli.stages.warm_start import OPTION, Start, check_start
from retarget_cli.store.engine import Entry, Store
from retarget_cli.utils.text import command_line

_OF_A_PAIR = ("pair", "clips")
_MOST_FILES = 500  # that a record remembers; the oldest are forgotten first


@dataclass(frozen=True)
class TrainedRun:
    """A finished training run. clips: A and B; entries: its stages' results by stage id."""

    id: str
    pair: str
    clips: tuple[SourceClip, SourceClip]
    config: TrainConfig
    entries: Mapping[str, Entry]

    def roles(self, look: Look) -> tuple[SourceClip, SourceClip]:
        """Subject and driver."""
        a, b = self.clips
        return (a, b) if look == "a" else (b, a)

    def direction(self, look: Look) -> str:
        """``cat-as-fox``."""
        subject, driver = self.roles(look)
        return f"{subject.name}-as-{driver.name}"

    def clip_facts(self, clip: SourceClip) -> ClipFacts:
        """The facts about one of its clips."""
        return facts(self.entries[f"ingest:{clip.name}"])


def stage_keys(entries: Mapping[str, Entry]) -> dict[str, dict[str, str]]:
    """The places of the entries, as a record holds them; pruning keeps what records name."""
    return {
        name: {"stage": entry.stage, "key": entry.key, "digest": entry.digest}
        for name, entry in sorted(entries.items())
    }


def save_run(
    store: Store, pair: str, clips: tuple[SourceClip, SourceClip], config: TrainConfig, entries: Mapping[str, Entry]
) -> str:
    """Record a finished training run, unless it is the newest one already; returns its id."""
    record = _record(pair, clips, config, entries)
    newest = next(iter(store.runs()), {})
    if _says(newest, record):
        return str(newest["id"])
    return store.record_run(record)


def recorded(
    store: Store, pair: str, clips: tuple[SourceClip, SourceClip], config: TrainConfig, entries: Mapping[str, Entry]
) -> str | None:
    """The id of a run that :func:`save_run` recorded, whatever was trained since; None when there is none."""
    record = _record(pair, clips, config, entries)
    return next((str(each["id"]) for each in store.runs() if _says(each, record)), None)


def _record(
    pair: str, clips: tuple[SourceClip, SourceClip], config: TrainConfig, entries: Mapping[str, Entry]
) -> dict[str, Any]:
    return {
        "kind": "train",
        "pair": pair,
        "clips": {"a": clips[0].to_json(), "b": clips[1].to_json()},
        "config": to_record(config),
        "stages": stage_keys(entries),
    }


def _says(record: Mapping[str, Any], all_of: Mapping[str, Any]) -> bool:
    return all(record.get(name) == value for name, value in all_of.items())


def add_results(
    store: Store,
    run_id: str,
    entries: Mapping[str, Entry],
    rendered: Mapping[str, Mapping[str, Any]] | None = None,
    delivered: Mapping[str, str] | None = None,
    renders: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Note in a run's record what was made from it, so that pruning keeps that too.

    rendered: by direction (``cat-as-fox``), the options of the video that are not the usual ones; delivered: by
    direction, the name of the video in the pair's folder; renders: the files that were drawn, a row each.
    """
    record = next((record for record in store.runs() if record["id"] == run_id), None)
    if record is not None:
        made: dict[str, Any] = {
            "results": {**record.get("results", {}), **stage_keys(entries)},
            "rendered": {**record.get("rendered", {}), **(rendered or {})},
        }
        if delivered:
            made["delivered"] = {**record.get("delivered", {}), **delivered}
        if renders:
            files = {row["file"] for row in renders}
            kept = [row for row in record.get("renders", []) if row["file"] not in files]
            made["renders"] = [*kept, *renders][-_MOST_FILES:]
        if made != {name: record.get(name) for name in made}:
            store.record_run({**record, **made}, run_id)


def find_run(
    store: Store, pair: tuple[Path, Path] | None, device: str | None = None, run: str | None = None
) -> TrainedRun:
    """The newest training run, of these two clips (in this order, told by their content) if given.

    device: what to draw on, None for what it was trained on; run: the id of the one that is meant, or its beginning.

    Raises UsageError when there is none, InputError when its clips are gone or changed, WorkspaceError when its
    results were pruned.
    """
    record = find_record(store, pair, run)
    config = _config(record, store)
    clips = _clip(store, record, "a", pair and pair[0]), _clip(store, record, "b", pair and pair[1])
    if device is not None:
        config = dataclasses.replace(config, device=device)
    return TrainedRun(record["id"], record["pair"], clips, config, _entries(store, record))


def run_with(store: Store, networks: str) -> str | None:
    """The id of the newest run whose first phase has that digest; None when there is none."""
    for record in _trained(store):
        phase = get_method(record["config"]["method"]).phase_names[0]
        if record["stages"].get(phase, {}).get("digest") == networks:
            return str(record["id"])
    return None


def find_record(store: Store, pair: tuple[Path, Path] | None, run: str | None = None) -> dict[str, Any]:
    """The record of that run, whose clips and results may be gone. Raises UsageError as :func:`find_run` does."""
    records = _trained(store, *_OF_A_PAIR) if run is None else _named(store, run, "--run", *_OF_A_PAIR)
    if pair is not None:
        return _of_pair(store, records, pair)
    if not records:
        raise UsageError(
            "nothing was trained in this workspace yet",
            where=store.root,
            fix="Run `retarget train A B` first, or name another workspace with --workspace.",
        )
    return records[0]


def find_start(store: Store, config: TrainConfig) -> Start | None:
    """The training run that `config` begins with, None for the base and for fresh networks. Its files may be gone.

    Raises UsageError when there is no such run or more than one, or its networks have other shapes.
    """
    if config.start is None or begins_with_base(config.start):
        return None
    records = _named(store, config.start or "", OPTION)
    if len(records) > 1:
        fix = "Give more of its id; `retarget runs` lists them."
        raise UsageError(f"the ids of {len(records)} runs begin with '{config.start}'", where=OPTION, fix=fix)
    (record,) = records
    start = Start(record["id"], _config(record, store), record["stages"])
    check_start(start, config)
    return start


def _trained(store: Store, *parts: str) -> list[dict[str, Any]]:
    """Records of training runs, the newest first; those that lack their results or one of `parts` are left out."""
    return [
        record
        for record in store.runs()
        if record.get("kind") == "train" and record.keys() >= {"config", "stages", *parts} and _has_places(record)
    ]


def _has_places(record: Mapping[str, Any]) -> bool:
    return all({"stage", "key", "digest"} <= place.keys() for place in record["stages"].values())


def _named(store: Store, run: str, option: str, *parts: str) -> list[dict[str, Any]]:
    """Those whose id begins with `run`; UsageError, which names `option`, when there is none."""
    records = [record for record in _trained(store, *parts) if record["id"].startswith(run)]
    if not records:
        fix = "`retarget runs` lists those there are."
        raise UsageError(f"there is no run '{run}' in this workspace", where=option, fix=fix)
    return records


def _config(record: Mapping[str, Any], store: Store) -> TrainConfig:
    try:
        return from_record(record["config"])
    except (KeyError, TypeError, AttributeError, ValueError):
        what = f"the settings of run {record['id']} cannot be read"
        raise WorkspaceError(what, where=store.root, fix="Run `retarget train` with these clips again.") from None


def _of_pair(store: Store, records: list[dict[str, Any]], pair: tuple[Path, Path]) -> dict[str, Any]:
    for path in pair:
        if not path.exists():
            raise InputError("there is no such clip", where=path, fix="Check the path.")
    wanted = tuple(store.digests.digest(path) for path in pair)
    swapped = False
    for record in records:
        found = record["clips"]["a"]["digest"], record["clips"]["b"]["digest"]
        if found == wanted:
            return record
        swapped = swapped or found == wanted[::-1]
    a, b = pair
    fix = f"Run `{command_line('retarget', 'train', a, b)}` first."
    if swapped:
        other = command_line("retarget", "render", b, a, "--look", "b")
        fix = f"They were trained the other way round. For {a} moving like {b}: `{other}`."
    raise UsageError("this pair was not trained in this workspace", where=f"{a} {b}", fix=fix)


def _clip(store: Store, record: Mapping[str, Any], side: str, given: Path | None) -> SourceClip:
    """A clip of the record, at the path given now or where it was then, if it still is what it was."""
    facts = record["clips"][side]
    path = Path(facts["path"]) if given is None else given
    if not path.exists():
        raise InputError(
            f"clip {facts['name']} is not where it was when it was trained",
            where=path,
            fix="Put it back, or name both clips where they are now.",
        )
    if store.digests.digest(path) != facts["digest"]:
        raise InputError(
            f"clip {facts['name']} has changed since it was trained",
            where=path,
            fix="Put the trained one back, or run `retarget train` again.",
        )
    return SourceClip(
        facts["name"], path, facts["digest"], facts["matte"] and Path(facts["matte"]), facts["matte_digest"],
        tuple(_hint(hint) for hint in facts["hints"]), rate=Fraction(facts["rate"]) if "rate" in facts else None,
    )  # fmt: skip


def _hint(data: Mapping[str, Any]) -> Hint:
    return Hint(data["frame"], data["box"] and tuple(data["box"]), tuple(tuple(point) for point in data["points"]))


def _entries(store: Store, record: Mapping[str, Any]) -> dict[str, Entry]:
    entries = {}
    for name, place in record["stages"].items():
        entry = store.find(place["stage"], place["key"])
        if entry is None:
            raise WorkspaceError(
                f"the result of stage {name} is no longer in the workspace",
                where=store.root,
                fix="Run `retarget train` (or `import`) with these clips again; it redoes only what is missing.",
            )
        entries[name] = entry
    return entries
