"""The store: look a result up by its key, or make it in a draft that is published whole."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from retarget_cli.errors import WorkspaceError
from retarget_cli.store.digests import FileDigests
from retarget_cli.store.entries import Draft, Entry, Problem
from retarget_cli.store.keys import is_sha256
from retarget_cli.store.layout import check_address, is_stage, open_workspace
from retarget_cli.store.locks import KeyLocks, LockState
from retarget_cli.store.problems import disk_problems
from retarget_cli.store.receipts import NAME, Broken, make_receipt, read_receipt
from retarget_cli.store.runs import read_runs, write_run
from retarget_cli.utils.atomic import crash_point, discard, publish_folder, sync_folder, sync_tree, write_json_atomic

__all__ = ["Draft", "Entry", "Problem", "Store"]


class Store:
    """A workspace folder of entries, work folders and run records.

    on_warning gets a sentence for people when an entry is found broken or another process is waited for.
    Every method raises WorkspaceError when the workspace cannot be used, EnvironmentProblem when the disk is full,
    and ValueError for a malformed stage or key.
    """

    def __init__(self, root: Path, *, on_warning: Callable[[str], None] | None = None) -> None:
        self.root = Path(root).absolute()
        self.on_warning = on_warning or (lambda message: None)
        open_workspace(self.root)
        self.digests = FileDigests(self.root)
        self.locks = KeyLocks(self.root / "locks")

    def find(self, stage: str, key: str, *, deep: bool = False) -> Entry | None:
        """The entry, or None. A broken one is moved to ``quarantine/`` with a warning and counts as none.

        Checks the receipt and the files' sizes; `deep` the files' sha256 too.
        """
        check_address(stage, key)
        with disk_problems(self.root):
            try:
                return self._read(stage, key, deep)
            except Broken:
                return self._set_aside(stage, key, deep)

    @contextmanager
    def draft(
        self,
        stage: str,
        key: str,
        *,
        params: Mapping[str, Any],
        inputs: Mapping[str, str],
        waiting: Callable[[], None] | None = None,
    ) -> Iterator[Draft]:
        """Make an entry: published when the context ends well (its work folder goes then), thrown away on an error.

        While another process makes the same entry this one waits; `waiting` is called meanwhile and may raise.
        """
        check_address(stage, key)
        with self.locks.hold(key, self._waiter(stage, waiting)) as state:
            existing = self.find(stage, key)
            tmp = self.root / "tmp"
            with disk_problems(self.root):
                if state is LockState.HELD:  # so whoever began here before is dead
                    for leftover in tmp.glob(f"{key}.*"):
                        discard(leftover, tmp)
                draft = Draft(tmp / f"{key}.{uuid.uuid4().hex}", existing)
                draft.path.mkdir(parents=True)
            started, clock = datetime.now(UTC), time.monotonic()
            try:
                with disk_problems(self.root, only_full=True):
                    yield draft
                timings = {"started": started.isoformat(), "seconds": round(time.monotonic() - clock, 3)}
                with disk_problems(self.root):
                    draft.entry = existing or self._publish(stage, key, draft, params, inputs, timings)
                    if state is LockState.HELD:  # else a rival may be saving into it; gc takes it later
                        self.drop_work(stage, key)
            finally:
                discard(draft.path, tmp)

    def work(self, stage: str, key: str) -> Path:
        """The folder for checkpoints of an unfinished entry; made when missing, kept until the entry is published."""
        check_address(stage, key)
        path = self.root / "work" / stage / key
        with disk_problems(self.root):
            path.mkdir(parents=True, exist_ok=True)
        return path

    def drop_work(self, stage: str, key: str) -> None:
        """Delete the work folder, if any."""
        check_address(stage, key)
        with disk_problems(self.root):
            discard(self.root / "work" / stage / key, self.root / "tmp")

    def record_run(self, record: Mapping[str, Any], run_id: str | None = None) -> str:
        """Write a run record, or replace the one called `run_id`; returns its id.

        Keys and digests of entries that stand anywhere in it protect those entries from `gc`.
        """
        with disk_problems(self.root):
            return write_run(self.root / "runs", record, run_id)

    def runs(self) -> list[dict[str, Any]]:
        """Every run record, newest first, each with its ``id``."""
        with disk_problems(self.root):
            return read_runs(self.root / "runs")

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
        """Read every byte of every entry; broken ones are moved aside and returned. progress gets (done, total)."""
        problems = []
        addresses = list(self._addresses())
        for done, (stage, key) in enumerate(addresses, 1):
            with disk_problems(self.root):
                try:
                    self._read(stage, key, deep=True)
                except Broken as broken:
                    problems.append(Problem(stage, key, str(broken)))
                    self._set_aside(stage, key, deep=True)
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
        receipt = read_receipt(folder, stage, key, deep=deep)
        return None if receipt is None else Entry(stage, key, folder, receipt)

    def _set_aside(self, stage: str, key: str, deep: bool) -> Entry | None:
        with self.locks.attempt(key) as state:
            if state is LockState.BUSY:  # its owner is about to find the same
                return None
            try:
                return self._read(stage, key, deep)  # another process may have dealt with it since
            except Broken as broken:
                place = self.root / "quarantine" / f"{stage}-{key[:12]}.{uuid.uuid4().hex[:8]}"
                place.parent.mkdir(exist_ok=True)
                try:
                    self._folder(stage, key).rename(place)
                except FileNotFoundError:
                    return None
                self.on_warning(f"a stored result of {stage} was broken ({broken}); it is kept in {place}")
                return None

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

    def _publish(
        self,
        stage: str,
        key: str,
        draft: Draft,
        params: Mapping[str, Any],
        inputs: Mapping[str, str],
        timings: Mapping[str, Any],
    ) -> Entry:
        receipt = make_receipt(draft.path, stage, key, params=params, inputs=inputs, notes=draft.notes, timings=timings)
        sync_tree(draft.path)
        crash_point("publish-before-receipt")
        write_json_atomic(draft.path / NAME, receipt)
        sync_folder(draft.path.parent)
        folder = self._folder(stage, key)
        for _ in range(3):
            if publish_folder(draft.path, folder):
                return Entry(stage, key, folder, receipt)
            winner = self.find(stage, key)  # moves a broken one out of the way
            if winner is not None:
                return winner
        fix = "Remove that folder, then run the same command again."
        raise WorkspaceError(f"the result of {stage} cannot be put into place", where=folder, fix=fix)
