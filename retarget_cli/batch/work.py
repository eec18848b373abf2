"""Running a unit in this process, whoever asked for it."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from retarget_cli.batch.graph import Lane, Piece, Unit
from retarget_cli.errors import EnvironmentProblem, InputError, Interrupted, RetargetError
from retarget_cli.stages.stage import Busy, Damaged, Stage, Tools, found_of, run_stage
from retarget_cli.store.engine import Entry, Store

State = Literal["done", "busy", "lost", "crashed", "failed", "stopped"]
_PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENXIO, errno.EROFS,
            errno.EHOSTDOWN, errno.ENOTCONN, errno.ECONNRESET}  # fmt: skip
Explain = Callable[[BaseException], RetargetError]
"""Says what went wrong so that a user can put it right, a bug too."""


@dataclass(frozen=True)
class Fault:
    """An error, as plain facts that travel. passing: whether it may go better, elsewhere or another time."""

    what: str
    where: str | None
    fix: str
    exit_code: int
    passing: bool = False

    @classmethod
    def of(cls, error: RetargetError, cause: BaseException | None = None) -> Fault:
        """Take them from an error. cause: what it was made of."""
        return cls(error.what, error.where, error.fix, error.exit_code, _is_passing(cause or error))


@dataclass(frozen=True)
class Ended:
    """The end of a unit.

    busy: another process makes it just now; lost: a result it needs is gone, or damaged; crashed: its process or its
    machine is gone.
    made, cached: ids of its stages that were run, and that were there. host: where it ran; node: that machine, where
    there are others. results: stage, key and digest of what it made or found, by stage id;
    parcels: the same with their content, from a machine that does not share the workspace.
    """

    unit: str
    state: State
    seconds: float = 0.0
    made: tuple[str, ...] = ()
    cached: tuple[str, ...] = ()
    fault: Fault | None = None
    host: str = ""
    node: str = ""
    results: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    parcels: tuple[tuple[str, str, Any], ...] = field(default=(), repr=False)


class Lost(Exception):
    """A result of another unit is not in the store any more."""


def run_unit(unit: Unit, tools: Tools, explain: Explain, *, look_only: bool = False) -> Ended:
    """Run the unit's stages that are not there; everything it needs must be in the store. Raises nothing.

    look_only: nothing is run, and a unit is lost whose results are not there.
    """
    started = time.monotonic()
    made: list[str] = []
    cached: list[str] = []
    results: dict[str, tuple[str, str, str]] = {}

    def note(stage: Stage, entry: Entry, found: bool) -> None:
        (cached if found else made).append(stage.id)
        results[stage.id] = entry.stage, entry.key, entry.digest

    def ended(state: State, fault: Fault | None = None) -> Ended:
        took = time.monotonic() - started
        return Ended(unit.id, state, took, tuple(made), tuple(cached), fault, socket.gethostname(), "", results)

    try:
        for piece in unit.pieces:
            _run_piece(piece, unit.lane, tools, note, look_only)
    except Busy:
        return ended("busy")
    except (Lost, Damaged):
        return ended("lost")
    except Interrupted as error:
        return ended("stopped", Fault.of(error))
    except (Exception, KeyboardInterrupt) as error:
        return ended("failed", Fault.of(explain(error), error))
    return ended("done")


Note = Callable[[Stage, Entry, bool], None]


def _run_piece(piece: Piece, lane: Lane, tools: Tools, note: Note, look_only: bool) -> None:
    store, job = tools.store, piece.job
    _check_files(piece, store)
    plan = job.plan(store) if piece.part.kind == "train" else job.driver_plan(piece.part, store)
    if piece.stages is not None:
        run_stages(plan, piece.stages, {}, tools, note, "cpu device" if look_only else "")
        return
    entries = found_of(job.plan(store), store)
    entries |= found_of(job.driver_plan(piece.part, store), store, entries)
    try:
        plan = job.drawing_plan(piece.part, entries, store)
    except KeyError as error:  # of a stage whose result is gone
        raise Lost(str(error)) from None
    chosen = [stage.id for stage in plan if lane == "cpu" or stage.exclusive]
    run_stages(plan, chosen, entries, tools, note, "cpu device" if look_only else "device" if lane == "cpu" else "")


def run_stages(
    plan: Sequence[Stage],
    chosen: Sequence[str],
    known: Mapping[str, Entry],
    tools: Tools,
    note: Note,
    found: str = "",
) -> None:
    """Run the chosen stages, in the order of the plan. known: results that are there.

    found: lanes whose chosen stages are only looked up. Raises Lost for a result that is not there.
    """
    done = dict(known)
    needed = _closure(plan, chosen)
    for stage in plan:
        if stage.id not in needed:
            continue
        if any(name not in done for name in stage.needs.values()):
            raise Lost(stage.id)
        entries = {role: done[name] for role, name in stage.needs.items()}
        if stage.id not in chosen or ("device" if stage.exclusive else "cpu") in found:
            entry = done.get(stage.id) or tools.store.find(stage.name, stage.key(entries))
            if entry is None:
                raise Lost(stage.id)
            if stage.id in chosen:
                note(stage, entry, True)
        else:
            entry, was_there = run_stage(stage, entries, tools)
            note(stage, entry, was_there)
        done[stage.id] = entry


def _check_files(piece: Piece, store: Store) -> None:
    """Raise InputError for a file of the user's that is not here, or no longer what it was when the job was opened."""
    clips = piece.job.clips
    used = {clip.path for clip in clips} | {clip.matte for clip in clips if clip.matte is not None}
    for path, digest in piece.job.seen:
        if path not in used:  # another machine's, brought here under another name
            continue
        if not path.is_file():
            fix = "Put it where every machine sees it under this path."
            raise InputError("the file is not on this machine", where=path, fix=fix)
        if store.digests.digest(path) != digest:
            raise InputError("the file changed while the batch ran", where=path, fix="Run the same command again.")


def _closure(plan: Sequence[Stage], chosen: Sequence[str]) -> set[str]:
    needed = set(chosen)
    for stage in reversed(plan):
        if stage.id in needed:
            needed |= set(stage.needs.values())
    return needed


def _is_passing(error: BaseException | None) -> bool:
    """Tell whether an error may be one of a machine or a moment: a full disk, a share that went away."""
    seen = 0
    while error is not None and seen < 10:
        if isinstance(error, OSError) and error.errno in _PASSING:
            return True
        if isinstance(error, EnvironmentProblem) and error.what.startswith("the disk"):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False
