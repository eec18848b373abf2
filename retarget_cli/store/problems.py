"""Errors for the user from failing file operations."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retarget_cli.errors import EnvironmentProblem, WorkspaceError

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


@contextmanager
def disk_problems(workspace: Path, *, only_full: bool = False) -> Iterator[None]:
    """Turn OSError into EnvironmentProblem (disk full) or WorkspaceError (anything else).

    only_full: let everything but a full disk pass; for work that reads and writes other files too.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            fix = "Free some space (`retarget cache` removes old results), then run the same command again."
            raise EnvironmentProblem("the disk is full", where=error.filename or workspace, fix=fix) from error
        if only_full:
            raise
        what = f"the workspace cannot be used: {error.strerror or error}"
        fix = "Check its permissions, or choose another folder with --workspace or RETARGET_WORKSPACE."
        raise WorkspaceError(what, where=error.filename or workspace, fix=fix) from error
