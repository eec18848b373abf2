"""Every error a user can cause, with its exit code and what to do about it.

The command line prints a :class:`RetargetError` as one message (what, where, fix) and exits with its code;
anything else that escapes is a bug and keeps its traceback.
"""

from __future__ import annotations

from pathlib import Path


class RetargetError(Exception):
    """Something the user can put right.

    what: one sentence saying what went wrong.
    where: the file, option or stage it concerns, if any.
    fix: one sentence telling what to do next.
    """

    exit_code = 3

    def __init__(self, what: str, *, where: str | Path | None = None, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.where = None if where is None else str(where)
        self.fix = fix

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        return f"{self.what}{place}"


class UsageError(RetargetError):
    """The command was called in a way that makes no sense."""

    exit_code = 2


class InputError(RetargetError):
    """A file the user gave cannot be used."""

    exit_code = 3


class MediaError(InputError):
    """A video, matte or audio stream cannot be read or written."""


class EnvironmentProblem(RetargetError):
    """Weights, device, memory or disk space are not as needed."""

    exit_code = 4


class WorkspaceError(RetargetError):
    """The workspace cannot be read or written."""

    exit_code = 5


class Interrupted(RetargetError):
    """The user stopped the program; everything finished so far is saved."""

    exit_code = 130

    def __init__(self, what: str, *, where: str | Path | None = None, fix: str, signal: int = 2) -> None:
        super().__init__(what, where=where, fix=fix)
        self.exit_code = 128 + signal
