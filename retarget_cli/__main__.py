"""`python -m retarget_cli` and the `retarget` command."""

from __future__ import annotations

import os
import sys

# OpenMP threads wait for each other by spinning. On a machine that is busy with something else the one that is waited
# for does not run, and a training step took 25 times as long; after this many turns a thread sleeps instead.
_SPINS = "10000"


def main() -> None:
    """Run the command line and exit with its code."""
    os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)  # read when torch is loaded, so set before that
    from retarget_cli.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
