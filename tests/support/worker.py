"""Runs the command line with the fake method known; fault and end-to-end tests start it as a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import fake_method


def main() -> int:
    from retarget_cli.cli.app import run

    fake_method.register()
    if "--save-often" in sys.argv:
        from retarget_cli.training import loop

        sys.argv.remove("--save-often")
        loop.SAVE_EVERY = 0.0
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
