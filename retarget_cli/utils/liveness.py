"""Names of processes that can be asked later whether they still live: they stand in the names of unfinished files."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from contextlib import suppress
from enum import Enum
from functools import lru_cache
from pathlib import Path

TOKEN = r"[0-9a-f]{8}-\d+-\d+"
_TOKEN = re.compile(TOKEN)


class Standing(Enum):
    """ALIVE, DEAD: the process is known here. ELSEWHERE: it is, or was, another machine's, container's or boot's."""

    ALIVE = "alive"
    DEAD = "dead"
    ELSEWHERE = "elsewhere"


def token() -> str:
    """The name of this process: the machine (as of this boot), its number, and when it began."""
    return _token(os.getpid())


def standing(name: str) -> Standing:
    """Tell what is known of the process that :func:`token` named so. The clock has no part in it."""
    if not _TOKEN.fullmatch(name) or name.partition("-")[0] != _place():
        return Standing.ELSEWHERE
    _, number, began = name.split("-")
    found = _began(int(number))
    if found is None:
        return Standing.DEAD
    return Standing.ALIVE if began in (found, "0") or found == "0" else Standing.DEAD  # else the number was given anew


@lru_cache(maxsize=4)
def _token(number: int) -> str:
    return f"{_place()}-{number}-{_began(number) or 0}"


@lru_cache(maxsize=1)
def _place() -> str:
    """Numbers of processes mean something only on one machine, in one boot of it, in one container."""
    parts = [platform.node()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii"))
    with suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def _began(number: int) -> str | None:
    """When the process began, in ticks of the kernel; "0" where that cannot be known, None when there is none."""
    try:
        # The name of the program may hold blanks and brackets; what follows its last bracket does not.
        after = Path(f"/proc/{number}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self/stat").exists() else _signalled(number)
    except OSError:
        return "0"
    return None if after[0] in "ZX" else after[19]


def _signalled(number: int) -> str | None:
    if os.name == "nt":  # a signal would end it there
        return "0"
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return None
    except OSError:
        return "0"
    return "0"
