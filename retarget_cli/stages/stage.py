"""A cached stage, and how a plan of stages is run: look each up by its key, or do its work into a draft to publish."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retarget_cli.errors import Interrupted
from retarget_cli.events import Finished, Notice, Planned, Progress, Reporter, StageCached, StageFinished, StageStarted
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
    """

    id: str
    name: str
    version: int
    label: str
    work: Callable[[Job], None]
    params: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    needs: Mapping[str, str] = field(default_factory=dict)

    def key(self, needed: Mapping[str, Entry]) -> str:
        """The stage's key, given the entries of its needs by role."""
        return stage_key(self.name, self.version, self.params, self.inputs(needed))

    def inputs(self, needed: Mapping[str, Entry]) -> dict[str, str]:
        """Digests of everything that goes in, by role."""
        return {**self.digests, **{role: entry.digest for role, entry in needed.items()}}


@dataclass(frozen=True)
class Tools:
    """The tools that every stage of a run shares. stop: turns true when the user wants the program to end."""

    store: Store
    reporter: Reporter
    stop: Callable[[], bool]


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


def run_stage(stage: Stage, needed: Mapping[str, Entry], tools: Tools) -> tuple[Entry, bool]:
    """The stage's entry, and whether it was there already."""
    key = stage.key(needed)
    entry = tools.store.find(stage.name, key)
    if entry is not None:
        tools.reporter(StageCached(stage.id, stage.label, key, entry.receipt["timings"].get("seconds")))
        return entry, True
    started = time.monotonic()
    tools.reporter(StageStarted(stage.id, stage.label))
    inputs = stage.inputs(needed)
    waiting = lambda: check_stop(tools.stop, stage.id)  # noqa: E731
    with tools.store.draft(stage.name, key, params=stage.params, inputs=inputs, waiting=waiting) as draft:
        if draft.existing is None:
            check_stop(tools.stop, stage.id)
            stage.work(Job(stage, key, draft.path, needed, tools, draft))
            crash_point(stage.name)
    if draft.entry is None:
        raise RuntimeError(f"stage {stage.id} published nothing")
    tools.reporter(StageFinished(stage.id, stage.label, time.monotonic() - started, key))
    return draft.entry, False


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


def run(
    plan: Sequence[Stage],
    tools: Tools,
    entries: Mapping[str, Entry] | None = None,
    *,
    last: bool = True,
    after: tuple[str, Callable[[Mapping[str, Entry]], None]] | None = None,
) -> dict[str, Entry]:
    """Run the stages in order and return every result by stage id.

    entries: results that are there already. last: no other plan of the same command comes after this one.
    after: a stage, and what to call with all results so far once it is done.
    """
    started = time.monotonic()
    done = dict(entries or {})
    cached = 0
    tools.reporter(Planned(len(plan)))
    for stage in plan:
        needed = {role: done[name] for role, name in stage.needs.items()}
        done[stage.id], found = run_stage(stage, needed, tools)
        cached += found
        if after is not None and stage.id == after[0]:
            after[1](done)
    if last:
        tools.reporter(Finished(time.monotonic() - started, len(plan) - cached, cached))
    return done
