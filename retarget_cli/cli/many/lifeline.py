"""A child of `train --pairs` that ends with its parent, however that ends."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import MutableMapping

_NAME = "RETARGET_LIFELINE"
GRACE_SECONDS = 30.0  # to save a checkpoint


def tie(environment: MutableMapping[str, str]) -> None:
    """Have a child that gets these variables, and a pipe of ours as its standard input, end when that closes.

    The system closes the pipe when this process ends, also by SIGKILL.
    """
    environment[_NAME] = str(os.getpid())


def watch() -> None:
    """End this process when its parent is gone, if the parent asked for that: it saves first, as after a signal."""
    if os.environ.pop(_NAME, None) is not None:
        threading.Thread(target=_wait, daemon=True).start()


def _wait() -> None:
    try:
        while os.read(sys.__stdin__.fileno() if sys.__stdin__ else 0, 1):
            pass
    except (OSError, ValueError):
        return  # no pipe: somebody else set the variable
    if hasattr(signal, "SIGTERM") and os.name != "nt":
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(GRACE_SECONDS)
    os._exit(128 + 15)
