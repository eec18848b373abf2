"""`python -m retarget_cli` and the `retarget` command."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# OpenMP threads wait for each other by spinning. On a machine that is busy with something else the one that is waited
# for does not run, and a training step took 25 times as long; after this many turns a thread sleeps instead.
_SPINS = "10000"


def main() -> None:
    """Run the command line and exit with its code."""
    _leave_current_folder_out()
    os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)  # read when torch is loaded, so set before that
    from retarget_cli.cli.app import run

    sys.exit(run(sys.argv[1:]))


def _leave_current_folder_out() -> None:
    """Take the current folder from the places where modules are looked for: a ``numpy.py`` there must not run.

    ``python -m`` puts it there, an empty or relative entry of PYTHONPATH too. The package itself is found by now.
    """
    sys.path[:] = [place for place in sys.path if Path(place).is_absolute() and not _is_current(place)]


def _is_current(place: str) -> bool:
    try:
        return Path(place).samefile(".")
    except OSError:
        return False


if __name__ == "__main__":
    main()
