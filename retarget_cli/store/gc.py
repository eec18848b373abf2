"""Deleting what no recent run needs, and what is quickly made again when it takes too much room."""

from __future__ import annotations

import json
import math
import re
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retarget_cli.errors import WorkspaceError
from retarget_cli.store.engine import Entry, Store
from retarget_cli.store.locks import LockState
from retarget_cli.store.presence import owner
from retarget_cli.store.problems import disk_problems
from retarget_cli.store.receipts import NAME
from retarget_cli.store.work import key_of
from retarget_cli.utils.atomic import crash_point, discard, is_forgotten_part
from retarget_cli.utils.liveness import Standing

KEPT_LOGS = 10
LEAST = 5 * 10**9
"""Bytes that quickly made results may always take."""
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Plan:
    """Plan of what would go. entries: results no kept run needs; leftovers: folders and files of dead processes and old
    checkpoints, quarantine included; size: bytes of both."""

    entries: tuple[Entry, ...]
    leftovers: tuple[Path, ...]
    size: int


def plan(store: Store, *, keep_runs: int = 10, min_age: float = 3600.0) -> Plan:
    """Plan what `prune` deletes.

    Kept: every entry whose key or digest stands in one of the newest `keep_runs` run records, or in a file that should
    be one and cannot be read; whatever those were made from; checkpoints of unfinished work that such a record names;
    and anything touched in the last `min_age` seconds (with whatever it was made from): it may belong to a run that has
    no record yet. Raises WorkspaceError.
    """
    with disk_problems(store.root):
        horizon = time.time() - min_age
        entries = list(store.entries())
        named = _hashes(store.runs()[:keep_runs]).union(*(bad.hashes() for bad in store.bad_records()))
        kept = _reachable(entries, named, horizon)
        doomed = tuple(entry for entry in entries if entry.key not in kept)
        published = {entry.key for entry in entries}
        busy = set(store.locks.busy())
        leftovers = tuple(
            path for path in _leftovers(store, published, named, horizon) if not set(_HASH.findall(path.name)) & busy
        )
        size = sum(_size(entry.path) for entry in doomed) + sum(_size(path) for path in leftovers)
    return Plan(doomed, leftovers, size)


def prune(
    store: Store, *, keep_runs: int = 10, min_age: float = 3600.0, dry_run: bool = False, force: bool = False
) -> int:
    """Delete what `plan` lists; returns the bytes freed, or to be freed with `dry_run`.

    Raises WorkspaceError when another process is at work in this workspace, as what it needs cannot be known, and when
    it cannot be known whether one is; then `force` goes on. Who begins meanwhile waits.
    """
    if dry_run:
        return plan(store, keep_runs=keep_runs, min_age=min_age).size
    with disk_problems(store.root), store.presence.alone() as others:
        _check_alone(store, others, force)
        todo = plan(store, keep_runs=keep_runs, min_age=min_age)
        freed = 0
        for entry in todo.entries:
            with store.locks.attempt(entry.key) as state:
                if state is not LockState.BUSY:
                    freed += _delete(store, entry.path)
                    crash_point("prune")
        for path in todo.leftovers:
            freed += _delete(store, path)
            crash_point("prune-leftover")
    return freed


def shrink(store: Store, stages: Collection[str]) -> int:
    """Delete results of these stages until they take no more than the store's `cache_size`; returns the bytes freed.

    What was used longest ago goes first. What this process used, and what the newest run of each pair names, stays
    with all it was made from. Without a `cache_size`, a tenth of the free disk may be taken, and at least LEAST.
    Nothing is deleted while another process may be at work in this workspace. Raises WorkspaceError.
    """
    with disk_problems(store.root):
        entries = list(store.entries())
        taken = sum(entry.size for entry in entries if entry.stage in stages)
        free = shutil.disk_usage(store.root).free
        too_much = taken - (store.cache_size or max(LEAST, (free + taken) // 10))
        if too_much <= 0:
            return 0
        with store.presence.alone() as others:
            if others[Standing.ALIVE] or others[Standing.ELSEWHERE] or store.locks.busy():
                return 0
            named = _hashes(_newest_of_pairs(store.runs())).union(*(bad.hashes() for bad in store.bad_records()))
            kept = _reachable(entries, named | store.used, math.inf)
            freed = 0
            for entry in sorted(entries, key=lambda entry: _newest(entry.path / NAME)):
                if entry.stage not in stages or entry.key in kept or too_much <= 0:
                    continue
                with store.locks.attempt(entry.key) as state:
                    if state is not LockState.BUSY:
                        too_much -= entry.size
                        freed += _delete(store, entry.path)
                        crash_point("shrink")
    return freed


def _newest_of_pairs(records: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The first record of each pair of clips, of records that are the newest first."""
    seen: set[str] = set()
    for record in records:
        clips = record.get("clips") or {"": {"digest": record.get("id")}}
        pair = json.dumps([clips[name].get("digest") for name in sorted(clips)])
        if pair not in seen:
            seen.add(pair)
            yield record


def _check_alone(store: Store, others: Mapping[Standing, list[Path]], force: bool) -> None:
    if others[Standing.ALIVE] or store.locks.busy():
        what = "another process is working in this workspace"
        raise WorkspaceError(what, where=store.root, fix="Wait for it to end, then try again.")
    if force:
        return
    away = others[Standing.ELSEWHERE] + [
        path for path in (store.root / "tmp").iterdir() if owner(path) is Standing.ELSEWHERE
    ]
    doubt = f"{away[0].name} is of another machine or container" if away else store.locks.doubt()
    if doubt:
        what = f"it cannot be known whether another process is working in this workspace: {doubt}"
        fix = "Wait until every other one has ended; when you are sure of that, add --force."
        raise WorkspaceError(what, where=store.root, fix=fix)


def _delete(store: Store, path: Path) -> int:
    size = _size(path)
    discard(path, store.root / "tmp")
    return size


def _hashes(records: Iterable[object]) -> set[str]:
    return set(_HASH.findall(json.dumps(list(records))))


def _reachable(entries: list[Entry], named: set[str], horizon: float) -> set[str]:
    by_hash = {name: entry for entry in entries for name in (entry.key, entry.digest)}
    front = [entry for entry in entries if {entry.key, entry.digest} & named or _newest(entry.path / NAME) > horizon]
    kept: set[str] = set()
    while front:
        entry = front.pop()
        if entry.key not in kept:
            kept.add(entry.key)
            front += [by_hash[digest] for digest in entry.receipt["inputs"].values() if digest in by_hash]
    return kept


def _leftovers(store: Store, published: set[str], named: set[str], horizon: float) -> Iterator[Path]:
    for path in sorted((store.root / "tmp").iterdir()):
        known = owner(path)
        if known is Standing.DEAD or (known is not Standing.ALIVE and _newest(path) <= horizon):
            yield path
    yield from (path for path in sorted((store.root / "quarantine").iterdir()) if _newest(path) <= horizon)
    for path in sorted((store.root / "work").glob("*/*")):
        key = key_of(path)
        if key in published or (key not in named and _newest(path) <= horizon):
            yield path
    yield from (path for place in (".", "runs") for path in (store.root / place).iterdir() if is_forgotten_part(path))
    yield from store.presence.dead()
    yield from store.locks.forgotten(horizon)
    yield from sorted((store.root / "logs").glob("retarget-*.log"))[:-KEPT_LOGS]


def _newest(path: Path) -> float:
    """Latest modification time of a file, or of a folder and all in it; 0 when it is gone."""
    return max((stat for item in _walk(path) if (stat := _stat(item)[0])), default=0.0)


def _size(path: Path) -> int:
    return sum(_stat(item)[1] for item in _walk(path) if not item.is_dir())


def _walk(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir() and not path.is_symlink():
        yield from path.rglob("*")


def _stat(path: Path) -> tuple[float, int]:
    try:
        facts = path.lstat()
    except FileNotFoundError:  # another process was faster
        return 0.0, 0
    return facts.st_mtime, facts.st_size
