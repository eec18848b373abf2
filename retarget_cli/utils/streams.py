"""Standard output and standard error, which may be closed, on a full disk, or read by somebody who went away."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn, TextIO

from retarget_cli.errors import EnvironmentProblem

_unheard: list[OSError] = []
"""Why messages did not come through, since the streams were prepared."""


class _Closed(io.TextIOBase):
    """Stands in for a stream that the caller closed: whoever writes learns of it."""

    encoding = "utf-8"

    def write(self, text: str) -> NoReturn:
        """Raise the OSError of a closed file."""
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def prepare() -> None:
    """Make the standard streams safe to use. Call it before any file is opened.

    A closed one gets a place holder: the next file would take its number, and be written into by whoever prints.
    Characters that a stream's encoding does not have are written out instead of being refused.
    """
    _unheard.clear()
    with suppress(OSError):
        while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(handle)
    if sys.stdout is None:
        sys.stdout = _Closed()
    if sys.stderr is None:
        sys.stderr = io.StringIO()  # nobody wants to hear
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def put(text: str = "", end: str = "\n") -> None:
    """Print a result on standard output. Raises EnvironmentProblem when it cannot be written there."""
    try:
        sys.stdout.write(text + end)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _lost(error) from error


def flush() -> None:
    """Bring all that was printed to where it goes. Raises EnvironmentProblem when it cannot be written there."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _lost(error) from error


def complain(text: str) -> None:
    """Print a message on standard error, as far as that can be written."""
    with heard():
        print(text, file=sys.stderr, flush=True)


@contextmanager
def heard() -> Iterator[None]:
    """Go on when standard error cannot be written; :func:`all_came_through` will tell of it. Raises nothing."""
    try:
        yield
    except BrokenPipeError:
        silence(sys.stderr)
    except OSError as error:
        _unheard.append(error)
        silence(sys.stderr)


def all_came_through() -> bool:
    """Tell whether all that was printed came to where it goes, or nobody cares; what did not is thrown away."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            silence(stream)
        except OSError as error:
            _unheard.append(error)
            silence(stream)
    return not _unheard


def silence(stream: TextIO | Any) -> None:
    """Throw away what waits in a stream and what is still to come, so that the interpreter can end in peace."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())
        finally:
            os.close(nowhere)
        stream.flush()


def _lost(error: OSError) -> EnvironmentProblem:
    silence(sys.stdout)
    what = f"the answer cannot be written: {error.strerror or error}"
    fix = "What was made is kept. Send the output to a file on a disk with space, or to a terminal, and run it again."
    return EnvironmentProblem(what, where="standard output", fix=fix)
