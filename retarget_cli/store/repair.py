"""Putting a workspace right that was damaged: what can be made again is, what cannot is set aside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from retarget_cli.errors import WorkspaceError
from retarget_cli.store.engine import Problem, Store
from retarget_cli.store.layout import looks_like_workspace, write_marker
from retarget_cli.store.presence import sweep
from retarget_cli.store.problems import disk_problems
from retarget_cli.utils.atomic import sweep_parts


@dataclass(frozen=True)
class Repaired:
    """What was done. entries: set aside; records: files that should be run records and are not, and why."""

    entries: list[Problem]
    records: list[tuple[Path, str]]


def repair_marker(root: Path) -> None:
    """Write ``workspace.json`` anew, whatever it says. Raises WorkspaceError for a folder that is no workspace."""
    with disk_problems(root):
        if not root.is_dir() or not looks_like_workspace(root):
            fix = "Name the workspace with --workspace or RETARGET_WORKSPACE."
            raise WorkspaceError("the folder does not look like a workspace", where=root, fix=fix)
        write_marker(root)


def repair(store: Store, progress: Callable[[int, int], None] | None = None) -> Repaired:
    """Check every entry as `Store.verify` does, and the digests of files anew; sweep what dead processes left.

    Run records that are none stay where they are: what they name stays protected from pruning. progress: (done, total).
    """
    problems = store.verify(progress)
    with disk_problems(store.root):
        store.digests.forget()
        sweep(store.root / "tmp", store.presence)
        for folder in (store.root, store.root / "runs"):
            sweep_parts(folder)
    return Repaired(problems, [(bad.path, bad.reason) for bad in store.bad_records()])
