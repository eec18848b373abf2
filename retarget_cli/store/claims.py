"""Claims: files that say who makes a result just now, for machines whose locks do not reach each other.

On network file systems a lock may be granted to everybody. A claim is no lock either: two machines may both write one
in the same moment. Then the work is done twice, and ends in one result.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import uuid
import weakref
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from retarget_cli.utils.atomic import part_beside
from retarget_cli.utils.liveness import Standing, standing, token

BEAT_SECONDS = 10.0
SILENT_SECONDS = 120.0
"""After which the process of another machine counts as dead; file systems may show a time that is a minute old."""
ENDING = ".claim"


@dataclass(frozen=True)
class Claim:
    """Who makes a result. owner: the process, as :func:`~retarget_cli.utils.liveness.token` names it."""

    owner: str
    host: str
    since: str


class Claims:
    """The claims of this process in `folder`. They are touched every ten seconds while they last.

    What cannot be written or read is no claim: it costs double work and nothing else.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: set[Path] = set()
        self._ended: threading.Event | None = None
        self._guard = threading.Lock()

    def other(self, key: str) -> Claim | None:
        """The claim of another process that lives, or may live."""
        path = self._path(key)
        claim = _read(path)
        if claim is None or claim.owner == token():
            return None
        known = standing(claim.owner)
        if known is Standing.DEAD or (known is Standing.ELSEWHERE and self._silent(path)):
            return None
        return claim

    def take(self, key: str) -> bool:
        """Claim `key` for this process; False when another one has it."""
        if self.other(key) is not None:
            return False
        path = self._path(key)
        with suppress(OSError):
            part = part_beside(path)
            facts = {"owner": token(), "host": socket.gethostname(), "process": os.getpid()}
            try:
                part.write_text(json.dumps({**facts, "since": datetime.now(UTC).isoformat()}), encoding="utf-8")
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
        found = _read(path)
        if found is not None and found.owner != token():  # another process was faster by a moment
            return False
        with self._guard:
            self._held.add(path)
            if self._ended is None:
                self._ended = threading.Event()
                weakref.finalize(self, self._ended.set)
                threading.Thread(target=_beat, args=(weakref.ref(self), self._ended), daemon=True).start()
        return True

    def drop(self, key: str) -> None:
        """Give a claim back."""
        path = self._path(key)
        with self._guard:
            self._held.discard(path)
            if not self._held and self._ended is not None:
                self._ended.set()
                self._ended = None
        found = _read(path)
        if found is not None and found.owner == token():
            with suppress(OSError):
                path.unlink()

    def forgotten(self, horizon: float) -> list[Path]:
        """Files of claims that nobody holds any more and that were touched last before `horizon`, a time."""
        return [
            path
            for path in sorted(self._folder.glob(f"*{ENDING}"))
            if path.stat().st_mtime <= horizon and self.other(path.name.removesuffix(ENDING)) is None
        ]

    def living(self) -> list[str]:
        """Keys that other processes make just now."""
        keys = [path.name.removesuffix(ENDING) for path in sorted(self._folder.glob(f"*{ENDING}"))]
        return [key for key in keys if self.other(key) is not None]

    def touch(self) -> None:
        """Show that this process is still at work on what it claimed."""
        with self._guard:
            held = list(self._held)
        for path in held:
            with suppress(OSError):
                os.utime(path)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{ENDING}"

    def _silent(self, path: Path) -> bool:
        """Whether nobody touched a file for long, by the clock of the file system: those of machines differ."""
        return age(path, self._folder) > SILENT_SECONDS


def age(path: Path, folder: Path) -> float:
    """Seconds since a file was touched, by the clock of the file system that `folder` is on; 0 where that fails."""
    trial = folder / f"now.{token()}.{uuid.uuid4().hex[:8]}"
    try:
        trial.write_bytes(b"")
        now = trial.stat().st_mtime
        return now - path.stat().st_mtime
    except OSError:
        return 0.0
    finally:
        with suppress(OSError):
            trial.unlink(missing_ok=True)


def _read(path: Path) -> Claim | None:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return Claim(str(facts["owner"]), str(facts["host"]), str(facts["since"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _beat(claims: weakref.ref[Claims], ended: threading.Event) -> None:
    while not ended.wait(BEAT_SECONDS):
        living = claims()
        if living is None:
            return
        living.touch()
        del living
