"""A cached stage: look it up by its key, or do its work into a draft to publish."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retarget_cli.errors import Interrupted
from retarget_cli.events import Notice, Progress, Reporter, StageCached, StageFinished, StageStarted
from retarget_cli.media.footage import Clip, footage_of
from retarget_cli.media.series.names import place_of
from retarget_cli.store.engine import Entry
from retarget_cli.store.keys import stage_key
from retarget_cli.utils.atomic import crash_point

if TYPE_CHECKING:
    from retarget_cli.store.engine import Draft, Store

Stop = Callable[[], bool]


@dataclass(frozen=True)
class Stage:
    """One step of the recipe. Its key is made of `name`, `version`, `params`, `digests` and the entries it needs.

    id: unique in a plan (``matte:cat``). name: its folder in the workspace (``matte``). label: for people.
    files: what the work reads of the user's, by role; `digests` names their content. needs: role → id of a stage.
    exclusive: it computes with networks, on the device: one such stage at a time, in the main thread.
    """

    id: str
    name: str
    version: int
    label: str
    work: Callable[[Job], None]
    params: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Clip] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    needs: Mapping[str, str] = field(default_factory=dict)
    exclusive: bool = False

    def path(self, role: str) -> Path:
        """The place of one of its files, whatever part of it is read."""
        return footage_of(self.files[role]).path

    def key(self, needed: Mapping[str, Entry]) -> str:
        """The stage's key, given the entries of its needs by role."""
        return stage_key(self.name, self.version, self.params, self.inputs(needed))

    def inputs(self, needed: Mapping[str, Entry]) -> dict[str, str]:
        """Digests of everything that goes in, by role."""
        return {**self.digests, **{role: entry.digest for role, entry in needed.items()}}


@dataclass(frozen=True)
class Tools:
    """The tools that every stage of a run shares. stop: turns true when the user wants the program to end.

    waits: whether to wait for a result that another process makes just now; otherwise Busy is raised.
    """

    store: Store
    reporter: Reporter
    stop: Callable[[], bool]
    waits: bool = True


@dataclass(frozen=True)
class Job:
    """One stage at work. path: the folder to write results into; entries: results of earlier stages, by role."""

    stage: Stage
    key: str
    path: Path
    entries: Mapping[str, Entry]
    tools: Tools
    draft: Draft

    def progress(self, done: int, total: int, unit: str = "frames") -> None:
        """Report how far the work is, and end it when the user asked for that."""
        self.tools.reporter(Progress(self.stage.id, done, total, unit))
        self.check()

    def notice(self, message: str, level: str = "note") -> None:
        """Tell the user something about this stage."""
        self.tools.reporter(Notice(message, level))

    def check(self) -> None:
        """Raise Interrupted when the user asked to stop."""
        check_stop(self.tools.stop, self.stage.id)


class Damaged(Exception):
    """A result that is needed turned out to be damaged, and was set aside. id: of its stage in the plan."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.id = id


class Busy(Exception):
    """Another process makes this result just now."""


def found_of(plan: Iterable[Stage], store: Store, known: Mapping[str, Entry] | None = None) -> dict[str, Entry]:
    """The results of a plan that are there, by stage id. known: those that it may need and does not make."""
    found = dict(known or {})
    for stage in plan:
        if all(name in found for name in stage.needs.values()):
            entry = store.find(stage.name, stage.key({role: found[name] for role, name in stage.needs.items()}))
            if entry is not None:
                found[stage.id] = entry
    return found


def run_stage(stage: Stage, needed: Mapping[str, Entry], tools: Tools, *, whole: bool = False) -> tuple[Entry, bool]:
    """The stage's entry, and whether it was there already. whole: the content of one that was there is checked too.

    Before anything is built on the needed entries, their content is compared with what was written, once a process:
    raises Damaged. Raises InputError when a file of the user's changed meanwhile; nothing is published then.
    """
    key = stage.key(needed)
    entry = tools.store.find(stage.name, key, deep=whole)
    if entry is not None:
        tools.reporter(StageCached(stage.id, stage.label, key, entry.receipt["timings"].get("seconds")))
        return entry, True
    started = time.monotonic()
    tools.reporter(StageStarted(stage.id, stage.label))
    for role, each in needed.items():
        _check_whole(each, stage.needs.get(role, role), tools.store)
    inputs = stage.inputs(needed)

    def waiting() -> None:
        check_stop(tools.stop, stage.id)
        if not tools.waits:
            raise Busy(stage.id)

    making = tools.store.draft(stage.name, key, params=stage.params, inputs=inputs, waiting=waiting, checked=True)
    with making as draft:
        if draft.existing is None:
            check_stop(tools.stop, stage.id)
            stage.work(Job(stage, key, draft.path, needed, tools, draft))
            for read in stage.files.values():
                tools.store.digests.check_unchanged(place_of(footage_of(read).path))
            crash_point(stage.name)
    if draft.entry is None:
        raise RuntimeError(f"stage {stage.id} published nothing")
    tools.reporter(StageFinished(stage.id, stage.label, time.monotonic() - started, key))
    return draft.entry, False


def _check_whole(entry: Entry, id: str, store: Store) -> None:
    """Compare the content of an entry with what was written, once a process. Raises Damaged, with `id`."""
    found = store.find(entry.stage, entry.key, deep=True)
    if found is None or found.digest != entry.digest:
        raise Damaged(id)


def check_stop(stop: Callable[[], bool], where: str) -> None:
    """Raise Interrupted when the user asked to stop."""
    if stop():
        raise Interrupted(
            "stopped; every finished stage is kept",
            where=where,
            fix="Run the same command again to go on.",
            signal=getattr(stop, "signal", None) or 2,
        )


def never() -> bool:
    """A `stop` that never asks to stop."""
    return False
