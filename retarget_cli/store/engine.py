"""The store: look a result up by its key, or make it in a draft that is published whole."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from retarget_cli.errors import WorkspaceError
from retarget_cli.store.contents import Broken, Contents, check_folders
from retarget_cli.store.digests import FileDigests
from retarget_cli.store.entries import Draft, Entry, Problem
from retarget_cli.store.keys import is_sha256
from retarget_cli.store.layout import check_address, is_stage, open_workspace
from retarget_cli.store.locks import KeyLocks, LockState
from retarget_cli.store.presence import Presence, draft_name, owner, sweep
from retarget_cli.store.problems import disk_problems
from retarget_cli.store.receipts import NAME, make_receipt, read_receipt, written_digest
from retarget_cli.store.runs import BadRecord, Records, write_run
from retarget_cli.store.work import work_folder, work_folders
from retarget_cli.utils.atomic import (
    crash_point,
    discard,
    publish_folder,
    sweep_parts,
    sync_folder,
    sync_tree,
    write_json_atomic,
)
from retarget_cli.utils.liveness import Standing

__all__ = ["Draft", "Entry", "Problem", "Store"]


class Store:
    """A workspace folder of entries, work folders and run records.

    on_warning gets a sentence for people when an entry is found broken or another process is waited for.
    cache_size: bytes that results may take which are quickly made again; None: see :func:`~.gc.shrink`. used: keys of
    the entries that this process found or made.
    Every method raises WorkspaceError when the workspace cannot be used, EnvironmentProblem when the disk is full,
    and ValueError for a malformed stage or key.
    """

    def __init__(
        self, root: Path, *, on_warning: Callable[[str], None] | None = None, cache_size: int | None = None
    ) -> None:
        self.root = Path(root).absolute()
        self.on_warning = on_warning or (lambda message: None)
        self.cache_size = cache_size
        self.used: set[str] = set()
        open_workspace(self.root, self.on_warning)
        self.digests = FileDigests(self.root)
        self.locks = KeyLocks(self.root / "locks")
        self.presence = Presence(self.root / "locks")
        self._contents = Contents()
        self._records = Records(self.root / "runs")
        self._told: set[Path] = set()
        self._swept = False

    def find(self, stage: str, key: str, *, deep: bool = False) -> Entry | None:
        """The entry, or None. A broken one is moved to ``quarantine/`` with a warning and counts as none.

        Checks the receipt, the files' sizes and the content of small facts; `deep` the content of every file that was
        not compared by this store before. What an older version may have made from a broken one goes with it.
        """
        check_address(stage, key)
        with disk_problems(self.root):
            self.presence.begin()
            try:
                entry = self._read(stage, key, deep)
            except Broken:
                entry = self._set_aside(stage, key, deep)
            if entry is not None and key not in self.used:
                self.used.add(key)
                with suppress(OSError):
                    os.utime(entry.path / NAME)  # what was used longest ago goes first
            return entry

    @contextmanager
    def draft(
        self,
        stage: str,
        key: str,
        *,
        params: Mapping[str, Any],
        inputs: Mapping[str, str],
        waiting: Callable[[], None] | None = None,
        checked: bool = False,
    ) -> Iterator[Draft]:
        """Make an entry: published when the context ends well (its work folder goes then), thrown away on an error.

        While another process makes the same entry this one waits; `waiting` is called meanwhile and may raise.
        checked: whether every entry among its inputs was found `deep`.
        """
        check_address(stage, key)
        with self.locks.hold(key, self._waiter(stage, waiting)) as state:
            existing = self.find(stage, key)
            tmp = self.root / "tmp"
            with disk_problems(self.root):
                self._sweep(key, locked=state is LockState.HELD)
                draft = Draft(tmp / draft_name(key), existing)
                draft.path.mkdir(parents=True)
            started, clock = datetime.now(UTC), time.monotonic()
            try:
                with disk_problems(self.root, only_full=True):
                    yield draft
                timings = {"started": started.isoformat(), "seconds": round(time.monotonic() - clock, 3)}
                with disk_problems(self.root):
                    about = {"params": params, "inputs": inputs, "timings": timings, "checked": checked}
                    draft.entry = existing or self._publish(stage, key, draft, about)
                    if state is LockState.HELD:  # else a rival may be saving into it; gc takes it later
                        self._finish(stage, key, draft)
            finally:
                discard(draft.path, tmp)

    def install(self, stage: str, key: str, fill: Callable[[Path], None]) -> Entry:
        """Put an entry here that another workspace published. fill: writes its files and its receipt into a folder.

        Raises WorkspaceError when they do not hold what the receipt says; nothing is put into place then.
        """
        check_address(stage, key)
        existing = self.find(stage, key)
        if existing is not None:
            return existing
        tmp = self.root / "tmp"
        draft = tmp / draft_name(key)
        with disk_problems(self.root):
            draft.mkdir(parents=True)
            try:
                fill(draft)
                try:
                    if read_receipt(draft, stage, key, deep=True) is None:
                        raise Broken(f"{NAME} is missing")
                except Broken as broken:
                    what = f"a result of {stage} that came from elsewhere is damaged ({broken})"
                    raise WorkspaceError(what, where=draft, fix="Run the same command again.") from None
                sync_tree(draft)
                publish_folder(draft, self._folder(stage, key))
            finally:
                discard(draft, tmp)
        entry = self.find(stage, key)
        if entry is None:
            fix = "Remove that folder, then run the same command again."
            raise WorkspaceError(f"the result of {stage} cannot be put into place", where=draft, fix=fix)
        return entry

    def work(self, stage: str, key: str) -> Path:
        """This process's folder for checkpoints of an unfinished entry; made when missing, kept until it is published.

        What a dead process left is taken over whole. Processes that make the same entry at once never share one.
        """
        check_address(stage, key)
        with disk_problems(self.root):
            return work_folder(self.root, stage, key)

    def drop_work(self, stage: str, key: str) -> None:
        """Delete every work folder of an entry."""
        check_address(stage, key)
        with disk_problems(self.root):
            for folder in work_folders(self.root, stage, key):
                discard(folder, self.root / "tmp")

    def record_run(self, record: Mapping[str, Any], run_id: str | None = None) -> str:
        """Write a run record, or replace the one called `run_id`; returns its id.

        Keys and digests of entries that stand anywhere in it protect those entries from `gc`.
        """
        with disk_problems(self.root):
            return write_run(self.root / "runs", record, run_id)

    def runs(self) -> list[dict[str, Any]]:
        """Every run record, newest first, each with its ``id``. What is none is named in a warning, once."""
        with disk_problems(self.root):
            records, bad = self._records.read()
        for each in bad:
            if each.path not in self._told:
                self._told.add(each.path)
                self.on_warning(f"the run record {each.path} is left out: {each.reason}")
        return records

    def bad_records(self) -> list[BadRecord]:
        """The files that should be run records and are not."""
        with disk_problems(self.root):
            return self._records.read()[1]

    def entries(self) -> Iterator[Entry]:
        """Every entry that passes the shallow checks; broken ones are left out and left alone."""
        for stage, key in self._addresses():
            try:
                with disk_problems(self.root):
                    entry = self._read(stage, key, deep=False)
            except Broken:
                continue
            if entry is not None:
                yield entry

    def verify(self, progress: Callable[[int, int], None] | None = None) -> list[Problem]:
        """Read every byte of every entry; broken ones are moved aside and returned. progress gets (done, total).

        With them goes what was made from them by a version that did not check them first.
        """
        self._contents = Contents()
        problems: list[Problem] = []
        addresses = list(self._addresses())
        for done, (stage, key) in enumerate(addresses, 1):
            with disk_problems(self.root):
                try:
                    self._read(stage, key, deep=True)
                except Broken:
                    self._set_aside(stage, key, deep=True, problems=problems)
            if progress:
                progress(done, len(addresses))
        return problems

    def _folder(self, stage: str, key: str) -> Path:
        return self.root / stage / key

    def _addresses(self) -> Iterator[tuple[str, str]]:
        with disk_problems(self.root):
            stages = sorted(path for path in self.root.iterdir() if is_stage(path.name) and path.is_dir())
            found = [(stage.name, path.name) for stage in stages for path in sorted(stage.iterdir())]
        return ((stage, key) for stage, key in found if is_sha256(key))

    def _read(self, stage: str, key: str, deep: bool) -> Entry | None:
        folder = self._folder(stage, key)
        receipt = read_receipt(folder, stage, key, deep=deep, contents=self._contents)
        return None if receipt is None else self._entry(stage, key, receipt)

    def _entry(self, stage: str, key: str, receipt: dict[str, Any]) -> Entry:
        folder = self._folder(stage, key)

        def check(name: str) -> None:
            with disk_problems(self.root):
                try:
                    check_folders(folder, [name])
                    self._contents.check(folder / name, name, receipt["files"][name], deep=True)
                    return
                except Broken as broken:
                    reason = str(broken)
                self._set_aside(stage, key, deep=True)
            fix = "Run the same command again, and `retarget train` with the same clips where that does not help."
            raise WorkspaceError(f"a stored result of {stage} was damaged ({reason})", where=folder, fix=fix)

        return Entry(stage, key, folder, receipt, check)

    def _set_aside(self, stage: str, key: str, deep: bool, *, problems: list[Problem] | None = None) -> Entry | None:
        with self.locks.attempt(key) as state:
            if state is LockState.BUSY:  # its owner is about to find the same
                return None
            try:
                return self._read(stage, key, deep)  # another process may have dealt with it since
            except Broken as broken:
                self._move_aside(stage, key, str(broken), [] if problems is None else problems)
                return None

    def _move_aside(self, stage: str, key: str, reason: str, problems: list[Problem]) -> None:
        """Move an entry to ``quarantine/``, and those that may have been made from it when it was damaged."""
        place = self.root / "quarantine" / f"{stage}-{key[:12]}.{uuid.uuid4().hex[:8]}"
        place.parent.mkdir(exist_ok=True)
        folder = self._folder(stage, key)
        digest = written_digest(folder, stage, key)
        try:
            folder.rename(place)
        except FileNotFoundError:
            return
        problems.append(Problem(stage, key, reason))
        self.on_warning(f"a stored result of {stage} was broken ({reason}); it is kept in {place}")
        for entry in list(self.entries()) if digest else ():
            if digest in entry.receipt["inputs"].values() and not entry.receipt.get("checked"):
                self._move_aside(entry.stage, entry.key, f"it may be made from a damaged result of {stage}", problems)

    def _sweep(self, key: str, *, locked: bool) -> None:
        """Delete drafts of `key` that nobody works on any more; never one of a process that lives or may live."""
        tmp = self.root / "tmp"
        for leftover in tmp.glob(f"{key}.*"):
            known = owner(leftover)
            if known is Standing.DEAD or (known is None and locked):  # whoever named none and began here is dead
                discard(leftover, tmp)
        if not self._swept:
            self._swept = True
            sweep(tmp, self.presence)
            for folder in (self.root, self.root / "runs"):
                sweep_parts(folder)

    def _finish(self, stage: str, key: str, draft: Draft) -> None:
        # Where locks are only pretended, a rival may still be at work on the same.
        rivals = [path for path in (self.root / "tmp").glob(f"{key}.*") if path != draft.path]
        if not rivals:
            self.drop_work(stage, key)
        self.locks.retire(key)

    def _waiter(self, stage: str, waiting: Callable[[], None] | None) -> Callable[[], None]:
        told = False

        def wait() -> None:
            nonlocal told
            if not told:
                self.on_warning(f"another process is working on {stage} for the same inputs; waiting for it")
                told = True
            if waiting:
                waiting()

        return wait

    def _publish(self, stage: str, key: str, draft: Draft, about: Mapping[str, Any]) -> Entry:
        receipt = make_receipt(draft.path, stage, key, notes=draft.notes, **about)
        sync_tree(draft.path)
        crash_point("publish-before-receipt")
        write_json_atomic(draft.path / NAME, receipt)
        sync_folder(draft.path.parent)
        folder = self._folder(stage, key)
        for _ in range(3):
            if publish_folder(draft.path, folder):
                self.used.add(key)
                self._contents.learn(folder, receipt["files"])
                return self._entry(stage, key, receipt)
            winner = self.find(stage, key)  # moves a broken one out of the way
            if winner is not None:
                return winner
        fix = "Remove that folder, then run the same command again."
        raise WorkspaceError(f"the result of {stage} cannot be put into place", where=folder, fix=fix)
