"""Running the stages of a plan, one after another.

A plan is a list of stages in the order they run. Each is looked up by its key first, so running a plan twice costs a
few milliseconds, and running it after a crash goes on where it ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from retarget_cli.events import Finished, Planned
from retarget_cli.stages.stage import Stage, Tools, run_stage
from retarget_cli.store.engine import Entry

Stop = Callable[[], bool]


def never() -> bool:
    """A `stop` that never asks to stop."""
    return False


def run(
    plan: Sequence[Stage], tools: Tools, entries: Mapping[str, Entry] | None = None, *, last: bool = True
) -> dict[str, Entry]:
    """Run the stages in order and return every result by stage id.

    entries: results that are there already. last: no other plan of the same command comes after this one.
    """
    started = time.monotonic()
    done = dict(entries or {})
    cached = 0
    tools.reporter(Planned(len(plan)))
    for stage in plan:
        needed = {role: done[name] for role, name in stage.needs.items()}
        done[stage.id], found = run_stage(stage, needed, tools)
        cached += found
    if last:
        tools.reporter(Finished(time.monotonic() - started, len(plan) - cached, cached))
    return done
