"""The events of a command as lines of JSON in a file, for a program that started it and wants to follow."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from retarget_cli import events
from retarget_cli.utils import streams
from retarget_cli.utils.liveness import token

VARIABLE = "RETARGET_EVENTS"
"""The environment variable that names the file."""
_LEAST = 0.2  # seconds between two lines on the progress of a stage


class EventFile:
    """Writes each event as one line: ``{"event": "Progress", "time": ..., "stage": ...}``; times since 1970.

    The first line, ``Began``, names the process as `utils/liveness` does. A file that cannot be written is given up.
    """

    def __init__(self, path: Path) -> None:
        self._file: TextIO | None = None
        self._last: dict[str, float] = {}
        with streams.heard():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8")
        self._write({"event": "Began", "process": token()})

    def __call__(self, event: events.Event) -> None:
        """Write an event, and of many on the progress of a stage only some."""
        if isinstance(event, events.Progress) and event.done < event.total:
            now = time.monotonic()
            if now - self._last.get(event.stage, -1.0) < _LEAST:
                return
            self._last[event.stage] = now
        fields = {each.name: _plain(getattr(event, each.name)) for each in dataclasses.fields(event)}
        self._write({"event": type(event).__name__, **fields})

    def _write(self, line: dict[str, Any]) -> None:
        if self._file is not None:
            try:
                self._file.write(json.dumps({"time": round(time.time(), 3), **line}) + "\n")
                self._file.flush()
            except OSError:
                self._file = None


def from_environment() -> EventFile | None:
    """The file that the environment names, for this process alone; None where it names none."""
    named = os.environ.pop(VARIABLE, "")
    return EventFile(Path(named)) if named else None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value
