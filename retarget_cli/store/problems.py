"""Errors for the user from failing file operations."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retarget_cli.errors import EnvironmentProblem, WorkspaceError

_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_FAILING = {errno.EIO, errno.EROFS, errno.ENXIO, errno.ENODEV, getattr(errno, "ESTALE", errno.EIO)}
_SHORT = re.compile(r"\d+ requested and \d+ written")  # how numpy says that a write did not take all it was given


@contextmanager
def disk_problems(workspace: Path, *, only_full: bool = False) -> Iterator[None]:
    """Turn OSError into EnvironmentProblem (disk full) or WorkspaceError (anything else).

    only_full: for work that reads and writes other files too; a failing disk is an EnvironmentProblem then, and all
    other errors pass.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL or _SHORT.search(str(error)):
            fix = "Free some space (`retarget cache` removes old results), then run the same command again."
            raise EnvironmentProblem("the disk is full", where=error.filename or workspace, fix=fix) from error
        if only_full and error.errno not in _FAILING:
            raise
        if only_full:
            fix = "Check the disk, then run the same command again; what was finished is kept."
            raise EnvironmentProblem(
                f"the disk fails: {error.strerror}", where=error.filename or workspace, fix=fix
            ) from error
        what = f"the workspace cannot be used: {error.strerror or error}"
        fix = "Check its permissions, or choose another folder with --workspace or RETARGET_WORKSPACE."
        raise WorkspaceError(what, where=error.filename or workspace, fix=fix) from error
