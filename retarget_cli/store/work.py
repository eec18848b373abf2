"""Folders of checkpoints: each belongs to one process, so that those of two machines never mix.

A folder is called ``<key>.<owner>``; one without an owner is of an older version.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from retarget_cli.store.claims import SILENT_SECONDS, age
from retarget_cli.store.presence import newest_sign
from retarget_cli.utils.liveness import TOKEN, Standing, standing, token

_NAME = re.compile(rf"([0-9a-f]{{64}})(?:\.({TOKEN}))?")


def work_folder(root: Path, stage: str, key: str) -> Path:
    """This process's folder for an entry: its own, or the newest that a dead process left, or an empty one.

    Taking over is one rename: of several processes that try, one succeeds. Raises OSError.
    """
    place = root / "work" / stage
    own = place / f"{key}.{token()}"
    if not own.exists():
        place.mkdir(parents=True, exist_ok=True)
        for left in sorted(_left(root, stage, key), key=_newest, reverse=True):
            with suppress(OSError):  # another process was faster
                left.rename(own)
                return own
        own.mkdir(exist_ok=True)
    return own


def work_folders(root: Path, stage: str, key: str) -> list[Path]:
    """Every folder of an entry, whosever it is."""
    place = root / "work" / stage
    return [path for path in sorted(place.glob(f"{key}*")) if key_of(path) == key] if place.is_dir() else []


def key_of(folder: Path) -> str:
    """The key of the entry that a work folder belongs to; its own name where it is none."""
    match = _NAME.fullmatch(folder.name)
    return match[1] if match else folder.name


def _left(root: Path, stage: str, key: str) -> list[Path]:
    """Folders whose processes are dead, or were not heard of for long."""
    found = []
    for path in work_folders(root, stage, key):
        owner = (_NAME.fullmatch(path.name) or [None, None, None])[2]
        known = Standing.DEAD if owner is None else standing(owner)
        if known is Standing.ELSEWHERE and owner is not None:
            sign = newest_sign(root / "locks", owner)
            known = known if sign is not None and age(sign, root / "locks") <= SILENT_SECONDS else Standing.DEAD
        if known is Standing.DEAD:
            found.append(path)
    return found


def _newest(folder: Path) -> float:
    """When something in a folder was last written, where that can be told."""
    with suppress(OSError):
        return max((path.stat().st_mtime for path in folder.iterdir()), default=folder.stat().st_mtime)
    return 0.0
