"""Who is at work in a workspace: a file for each process, that its death does not leave looking alive."""

from __future__ import annotations

import re
import threading
import time
import uuid
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from retarget_cli.utils.atomic import discard
from retarget_cli.utils.liveness import TOKEN, Standing, standing, token

BEAT_SECONDS = 20.0
_LOOK_SECONDS = 0.05
SILENT_SECONDS = 86_400.0  # after which a process of another machine counts as dead
_FILE = re.compile(rf"({TOKEN})\.[0-9a-f]{{8}}\.(alive|prune)")
_DRAFT = re.compile(rf".*\.({TOKEN})\.[0-9a-f]{{32}}")


class Presence:
    """The file of this process in `folder`, from `begin` until the store is forgotten or the process ends.

    It is touched every 20 seconds, for other machines that share the workspace: they cannot ask for the process. A file
    system that does not let itself be written is no error; then nothing is there to be protected.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own: Path | None = None

    def begin(self) -> None:
        """Show that this process is at work, and wait while another one deletes; the first call counts."""
        if self._own is not None:
            return
        self._own = self._folder / f"{token()}.{uuid.uuid4().hex[:8]}.alive"
        with suppress(OSError):
            self._own.write_bytes(b"")
            ended = threading.Event()
            weakref.finalize(self, _end, self._own, ended)
            threading.Thread(target=_beat, args=(self._own, ended), daemon=True).start()
            # Shown first and looked afterwards, as `alone` does: so one of both sees the other.
            while self._others("prune")[Standing.ALIVE]:
                time.sleep(_LOOK_SECONDS)

    @contextmanager
    def alone(self) -> Iterator[dict[Standing, list[Path]]]:
        """Keep others from beginning for as long as the context lasts; gives the files of those who have begun."""
        mark = self._folder / f"{token()}.{uuid.uuid4().hex[:8]}.prune"
        mark.write_bytes(b"")
        try:
            yield self._others("alive")
        finally:
            with suppress(OSError):
                mark.unlink()

    def dead(self) -> list[Path]:
        """The files that dead processes left."""
        return [path for kind in ("alive", "prune") for path in self._others(kind)[Standing.DEAD]]

    def _others(self, kind: str) -> dict[Standing, list[Path]]:
        """The files of other processes, by what is known of these; those long silent count as dead."""
        found: dict[Standing, list[Path]] = {each: [] for each in Standing}
        for path in sorted(self._folder.glob(f"*.{kind}")):
            match = _FILE.fullmatch(path.name)
            if match and match[1] != token():
                found[_judge(path, match[1], self._now())].append(path)
        return found

    def _now(self) -> float:
        """The time of the file system's clock, which marks the others' files too; this machine's may differ."""
        with suppress(OSError):
            if self._own is not None:
                self._own.touch()
                return self._own.stat().st_mtime
        return time.time()


def newest_sign(folder: Path, owner: str) -> Path | None:
    """The file of a process that was touched last; None where it has none."""
    found = [path for path in folder.glob(f"{owner}.*.alive") if _FILE.fullmatch(path.name)]
    return max(found, key=_touched, default=None)


def _touched(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def draft_name(key: str) -> str:
    """A name for a draft of the entry `key`, or for something else in ``tmp/``, that tells whose it is."""
    return f"{key}.{token()}.{uuid.uuid4().hex}"


def owner(draft: Path) -> Standing | None:
    """What is known of the process that something in ``tmp/`` is named after; None when it names none."""
    match = _DRAFT.fullmatch(draft.name)
    return standing(match[1]) if match else None


def sweep(tmp: Path, presence: Presence) -> None:
    """Delete what dead processes of this machine left in ``tmp/`` and ``locks/``; what cannot be deleted stays."""
    with suppress(OSError):
        for path in [item for item in tmp.iterdir() if owner(item) is Standing.DEAD]:
            discard(path, tmp)
        for path in presence.dead():
            path.unlink(missing_ok=True)


def _judge(path: Path, name: str, now: float) -> Standing:
    known = standing(name)
    if known is Standing.ELSEWHERE:
        with suppress(OSError):
            return Standing.DEAD if now - path.stat().st_mtime > SILENT_SECONDS else known
    return known


def _beat(path: Path, ended: threading.Event) -> None:
    while not ended.wait(BEAT_SECONDS):
        with suppress(OSError):
            path.touch()


def _end(path: Path, ended: threading.Event) -> None:
    ended.set()
    with suppress(OSError):
        path.unlink()
