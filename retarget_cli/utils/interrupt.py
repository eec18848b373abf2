"""Stopping in good order: a signal asks the program to finish its step and save."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

from retarget_cli.errors import Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# `timeout`, and a terminal together with a wrapper, send one request twice; a person takes longer than this.
_ECHO_SECONDS = 0.3


class StopSignal:
    """Context that turns SIGINT and SIGTERM into a request to stop; a second one kills the program at once.

    Outside the main thread, where Python allows no handlers, it does nothing. A signal that was ignored before
    (``nohup``) stays ignored. Calling it says whether a stop was requested, so that it serves as a ``stop`` function.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._since = 0.0
        self._previous: dict[signal.Signals, Any] = {}

    @property
    def requested(self) -> bool:
        """True when the program was asked to stop."""
        return self.signal is not None

    def __call__(self) -> bool:
        """Tell whether the program was asked to stop."""
        return self.requested

    def check(self, where: str | None = None) -> None:
        """Raise Interrupted (exit code 130 or 143) when the program was asked to stop."""
        if self.signal is not None:
            raise Interrupted(
                "stopped; everything finished so far is saved",
                where=where,
                fix="Run the same command again: it goes on where it stopped.",
                signal=self.signal,
            )

    def __enter__(self) -> StopSignal:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                previous = signal.getsignal(number)
                if previous is not signal.SIG_IGN:
                    self._previous[number] = previous
                    signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, previous in self._previous.items():
            # None: the handler was set outside Python and cannot be set again.
            signal.signal(number, signal.SIG_DFL if previous is None else previous)
        self._previous.clear()

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.signal is None:
            self.signal, self._since = number, now
        elif now - self._since > _ECHO_SECONDS:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
