"""Turns whatever escapes a command into one message with a fix, and an exit code."""

from __future__ import annotations

import errno
import json
import re
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from retarget_cli.errors import EnvironmentProblem, InputError, Interrupted, RetargetError, UsageError
from retarget_cli.utils import streams
from retarget_cli.utils.memory import is_out_of_memory
from retarget_cli.utils.text import visible

BUG = 1
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR}
_BAD_NAME = {errno.ENAMETOOLONG, errno.ELOOP, errno.ENOENT, errno.EILSEQ}
# What Python raises when something it is given is absurd. Files and options should be refused before, by a message of
# their own; what slips through is still the input's fault rather than a crash, and its log tells where.
_ABSURD: dict[type[BaseException], str] = {
    RecursionError: "something is nested too deeply",
    OverflowError: "a number is too large",
    UnicodeError: "a text or a name is not valid Unicode",
}


class _Puzzling(InputError):
    """An error that only Python noticed; its log tells where."""


_LONG_WORD = re.compile(r"\S{300,}")


def explain(error: BaseException) -> RetargetError | None:
    """The error as something the user can put right, or None when it is a bug of this program."""
    if isinstance(error, RetargetError):
        return error
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):
        return _usage(error)
    if isinstance(error, KeyboardInterrupt) or type(error).__name__ == "Abort":
        return Interrupted("interrupted", fix="Run the same command again; stages that were done are not repeated.")
    if isinstance(error, OSError):
        return _system(error)
    if isinstance(error, ImportError):
        return _missing(error)
    if is_out_of_memory(error):
        return _out_of_memory("GPU memory" if type(error).__name__ == "OutOfMemoryError" else "memory")
    for kind, what in _ABSURD.items():
        if isinstance(error, kind):
            fix = "Look for it in the files and options of this command, and correct or leave out what is absurd."
            return _Puzzling(f"{what}: {_first_line(error)}", fix=fix)
    return None


def _usage(error: Any) -> RetargetError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "retarget"
    message = error.format_message().strip().rstrip(".")
    return UsageError(message[:1].lower() + message[1:], fix=f"Run `{command} --help` to see how it is called.")


def _system(error: OSError) -> RetargetError | None:
    place = None if error.filename is None else shortened(str(error.filename))
    if error.errno in _DISK_FULL:
        fix = "Free some space (`retarget cache prune` helps) and run it again."
        return EnvironmentProblem("the disk is full", where=place, fix=fix)
    if error.errno in _REFUSED:
        what = f"the file system refuses: {error.strerror}"
        return EnvironmentProblem(what, where=place, fix="Check the path and its permissions.")
    if error.errno == errno.ENOMEM:
        return _out_of_memory("memory")
    if error.errno in _BAD_NAME:
        return InputError(f"the path cannot be used: {error.strerror}", where=place, fix="Check it, or name another.")
    if error.errno is None:
        return None
    fix = "Check the disk and what it is connected by, and run it again; what was finished is kept."
    return EnvironmentProblem(f"the system fails: {error.strerror}", where=place, fix=fix)


def _missing(error: ImportError) -> RetargetError | None:
    package = (error.name or "").partition(".")[0]
    if not package or package == "retarget_cli":
        return None
    fix = "Install the program again (make setup); `retarget doctor` shows what else is missing."
    return EnvironmentProblem(f"the package {package} cannot be imported: {_first_line(error)}", fix=fix)


def _out_of_memory(what: str) -> RetargetError:
    fix = "Use a smaller crop (--set crop.size=96) or --preset draft; `retarget doctor` shows what is there."
    return EnvironmentProblem(f"not enough {what}", fix=fix)


def report(error: BaseException, *, as_json: bool, log_folder: Path) -> int:
    """Print the one message an error deserves on stderr (and as JSON on stdout); returns the exit code."""
    known = explain(error)
    if known is None:
        log = write_log(error, log_folder)
        what = f"this is a bug in retarget: {type(error).__name__}: {_first_line(error)}"
        known = RetargetError(what, fix=f"The details are in {log}. Please report them; running it again may help.")
        known.exit_code = BUG
    if not known.what:  # the help page was printed instead
        return known.exit_code
    if isinstance(known, _Puzzling):
        known.fix += f" The details are in {write_log(error, log_folder)}."
    if as_json:
        _print_document({"error": {**vars(known), "exit_code": known.exit_code}})
    place = f" ({shortened(visible(known.where))})" if known.where else ""
    what, fix = (_LONG_WORD.sub(lambda word: shortened(word[0]), visible(text)) for text in (known.what, known.fix))
    streams.complain(f"error: {what.rstrip('.')}{place}\n  fix: {fix}")
    return known.exit_code


def _print_document(document: dict[str, Any]) -> None:
    try:
        streams.put(json.dumps(document))
        streams.flush()
    except (EnvironmentProblem, BrokenPipeError):  # the message on standard error has to do
        streams.silence(sys.stdout)


def shortened(text: str, most: int = 300) -> str:
    """`text` without its middle where it is longer than `most` characters."""
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-most // 2 :]}"


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else "no message"


def write_log(error: BaseException, folder: Path) -> Path:
    """Write the traceback below `folder`, or to the temporary folder when that is impossible."""
    stamp = datetime.now(UTC)
    content = f"{stamp.isoformat()}\n{' '.join(sys.argv)}\n\n{''.join(traceback.format_exception(error))}"
    for place in (folder, Path(tempfile.gettempdir())):
        path = place / f"retarget-{stamp:%Y%m%d-%H%M%S-%f}.log"
        try:
            place.mkdir(exist_ok=True)
            path.write_text(visible(content, lines=True), encoding="utf-8")
        except OSError:
            continue
        return path
    return Path("(no log could be written)")
