"""How a plan of stages is run: what does not depend on each other at once, and everything only once."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from retarget_cli.errors import Interrupted, WorkspaceError
from retarget_cli.events import Event, Finished, Planned, Reporter, StageFailed
from retarget_cli.stages.stage import Damaged, Stage, Stop, Tools, run_stage
from retarget_cli.store.engine import Entry
from retarget_cli.store.gc import shrink

WORKERS = min(4, os.cpu_count() or 1)
"""Stages at a time that do not compute with networks, beside one that does."""

BULKY = ("crop", "plate", "transfer", "compose", "layers", "compare", "overlay", "alpha", "embed", "proxy")
"""Stages whose results are large and made again in seconds or minutes: they go by the size of the cache."""
_POLL = 0.5
"""Seconds; on some systems a thread that waits longer cannot be interrupted."""

After = tuple[str, Callable[[Mapping[str, Entry]], Sequence[Stage]]]


def run(
    plan: Sequence[Stage],
    tools: Tools,
    entries: Mapping[str, Entry] | None = None,
    *,
    shown: Collection[str] = (),
    after: After | None = None,
    last: bool = True,
) -> dict[str, Entry]:
    """Run the stages and return every result by stage id. Each comes in the plan after those that it needs.

    A result of the plan that turns out to be damaged is made again. Raises WorkspaceError for one of `entries`, and
    what a stage raises, once the stages beside it have ended too.

    entries: results that are there already
    shown: ids of stages whose files people get, beside those that no other is made from
    after: a stage, and what to call with all results so far once it and those before it are done. Stages that it gives
    are run too, before those of the plan that are ready when they are
    last: no other plan of the same command comes after this one
    """
    started = time.monotonic()
    tools = replace(tools, reporter=_one_at_a_time(tools.reporter))
    made: set[str] = set()
    while True:
        try:
            done = _run_all(plan, tools, entries or {}, shown, made, after)
            break
        except Damaged as damaged:  # and moved aside: from the start again, as others may have been made from it
            if damaged.id in (entries or {}) and damaged.id not in {stage.id for stage in plan}:
                what = f"the result of stage {damaged.id} was damaged, and is set aside"
                fix = "Run `retarget train` with these clips again; it redoes only what is missing."
                raise WorkspaceError(what, where=tools.store.root, fix=fix) from None
    if made:
        with suppress(OSError, WorkspaceError):  # no reason to fail: what was asked for is there
            shrink(tools.store, BULKY)
    if last:
        cached = sum(stage.id not in made for stage in plan)  # `made` may hold more, which `after` gave
        tools.reporter(Finished(time.monotonic() - started, len(made), cached))
    return done


def _run_all(
    plan: Sequence[Stage],
    tools: Tools,
    entries: Mapping[str, Entry],
    shown: Collection[str],
    made: set[str],
    after: After | None,
) -> dict[str, Entry]:
    """Run the stages once; `made` gets the ids of those that were not there. Raises Damaged."""
    done = dict(entries)
    whole = {stage.id for stage in plan} - {name for stage in plan for name in stage.needs.values()}.difference(shown)
    tools.reporter(Planned(len(plan), tuple(stage.id for stage in plan)))
    split = 0 if after is None else 1 + [stage.id for stage in plan].index(after[0])
    if after is not None:
        _Part(plan[:split], tools, done, whole, made).run()
        plan = [*plan[:split], *after[1](done), *plan[split:]]
    _Part(plan[split:], tools, done, whole, made).run()
    return done


class _Stop:
    """Says whether stages are to end: because the user asked for it, or because one beside them failed."""

    def __init__(self, asked: Stop, failed: Mapping[int, BaseException]) -> None:
        self.asked, self._failed = asked, failed

    @property
    def signal(self) -> int | None:
        """The signal by which the user asked."""
        return getattr(self.asked, "signal", None)

    def __call__(self) -> bool:
        return self.asked() or bool(self._failed)


@dataclass
class _Part:
    """Stages at work: threads take what is ready, in the order of the plan.

    done: results by stage id, those of earlier stages too; whole: stages whose content is checked where it is there;
    made: gets the ids of those that were not there.
    """

    plan: Sequence[Stage]
    tools: Tools
    done: dict[str, Entry]
    whole: Collection[str]
    made: set[str]
    waiting: list[Stage] = field(init=False)
    stop: _Stop = field(init=False)
    failed: dict[int, BaseException] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self.waiting = list(self.plan)
        self.stop = _Stop(self.tools.stop, self.failed)
        self.tools = replace(self.tools, stop=self.stop)

    def run(self) -> None:
        """Run all stages. Raises what the first of them, in the order of the plan, raised by itself."""
        threads = [
            threading.Thread(target=self._work, args=(False,), name=f"stage-{number}")
            for number in range(min(WORKERS, sum(not stage.exclusive for stage in self.plan)))
        ]
        for thread in threads:
            thread.start()
        try:
            self._work(True)
            for thread in threads:
                thread.join()
        except BaseException as error:
            with self.changed:
                self.failed.setdefault(len(self.plan), error)
                self.changed.notify_all()
            for thread in threads:
                thread.join()
            raise
        if self.failed:
            first = min(self.failed)
            self.tools.reporter(StageFailed(self.plan[first].id, self.plan[first].label))
            raise self.failed[first]

    def _work(self, exclusive: bool) -> None:
        """Run stages of one kind for as long as there are any to come."""
        while (stage := self._next(exclusive)) is not None:
            needed = {role: self.done[name] for role, name in stage.needs.items()}
            try:
                entry, found = run_stage(stage, needed, self.tools, whole=stage.id in self.whole)
            except BaseException as error:
                with self.changed:
                    # A stage that was interrupted although nobody asked for it ended because another one failed.
                    if self.stop.asked() or not isinstance(error, Interrupted):
                        self.failed[self.plan.index(stage)] = error
                    self.changed.notify_all()
                return
            with self.changed:
                self.done[stage.id] = entry
                if not found:
                    self.made.add(stage.id)
                self.changed.notify_all()

    def _next(self, exclusive: bool) -> Stage | None:
        """Wait for a stage of this kind that is ready, and take it; None when there will be none."""
        with self.changed:
            while not self.failed:
                left = [stage for stage in self.waiting if stage.exclusive == exclusive]
                if not left:
                    return None
                ready = [stage for stage in left if all(name in self.done for name in stage.needs.values())]
                if ready:
                    self.waiting.remove(ready[0])
                    return ready[0]
                self.changed.wait(_POLL)
            return None


def _one_at_a_time(reporter: Reporter) -> Reporter:
    """The reporter, for stages that run at once."""
    lock = threading.RLock()

    def report(event: Event) -> None:
        with lock:
            reporter(event)

    return report
