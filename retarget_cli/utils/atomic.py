"""Writing that survives a kill at any instant: a file or folder is there whole, or not at all."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from retarget_cli.utils.liveness import TOKEN, Standing, standing, token
from retarget_cli.utils.text import dump_json

# Names that this program gives to files on their way; those with 16 digits are of versions that named no process.
_PART = re.compile(rf"\.(?:({TOKEN})\.[0-9a-f]{{8}}|[0-9a-f]{{16}})\.part")
_FORGOTTEN = 86_400.0  # seconds after which nobody comes back to a file whose process cannot be asked
_passed: Counter[str] = Counter()
_swept: set[Path] = set()


def crash_point(name: str) -> None:
    """Kill this process here when the environment says so; fault tests use it.

    RETARGET_CRASH_AT holds a name, or ``name:3`` for the third time the point is passed.
    """
    wanted = os.environ.get("RETARGET_CRASH_AT")
    if not wanted:
        return
    target, _, count = wanted.partition(":")
    if target != name:
        return
    _passed[name] += 1
    if _passed[name] == int(count or 1):
        if hasattr(signal, "SIGKILL"):
            os.kill(os.getpid(), signal.SIGKILL)
        os._exit(137)


def part_beside(path: Path) -> Path:
    """A name for something on its way to or from `path`: hidden, and short, so that it is allowed where that is.

    It names this process. What dead ones left in the same folder is swept, once a process.
    """
    folder = path.absolute().parent
    if folder not in _swept:
        _swept.add(folder)
        sweep_parts(folder)
    return path.with_name(f".{token()}.{uuid.uuid4().hex[:8]}.part")


def sweep_parts(folder: Path) -> None:
    """Delete what dead processes left in `folder` on its way; what cannot be deleted stays."""
    with suppress(OSError):
        for path in [item for item in folder.iterdir() if is_forgotten_part(item)]:
            _remove(path)


def is_forgotten_part(path: Path) -> bool:
    """Tell whether this is a file or folder on its way whose process is dead, or not heard of for a day."""
    match = _PART.fullmatch(path.name)
    if match is None:
        return False
    known = standing(match[1]) if match[1] else Standing.ELSEWHERE
    if known is not Standing.ELSEWHERE:
        return known is Standing.DEAD
    with suppress(OSError):
        return time.time() - path.lstat().st_mtime > _FORGOTTEN
    return False


def move_into_place(part: Path, path: Path) -> None:
    """Rename the file `part` to `path`, replacing what is there; both on disk when this returns. Raises OSError."""
    sync_file(part)
    part.replace(path)
    sync_folder(path.parent)


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Give a file to write beside `path`; it becomes `path` when the context ends well, otherwise it goes.

    durable: whether it is on disk when the context ends; copies for people, which a rerun makes again, need not be.
    Raises OSError, and leaves the old file.
    """
    part = part_beside(path)
    try:
        yield part
        crash_point("replace")
        if durable:
            move_into_place(part, path)
        else:
            part.replace(path)
        crash_point("replaced")
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def write_bytes_atomic(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replace the file `path` by one with `data`; see :func:`replacing`. Raises OSError and leaves the old one."""
    with replacing(path, durable=durable) as part:
        part.write_bytes(data)
        if part.stat().st_size != len(data):  # a disk that took less and did not say so
            raise OSError(errno.EIO, "not everything was written", str(path))


def write_json_atomic(path: Path, value: Any) -> None:
    """Replace the file `path` by the JSON of plain values. Raises OSError, and ValueError for NaN and infinity."""
    write_bytes_atomic(path, dump_json(value) + b"\n")


def sync_file(path: Path) -> None:
    """Bring the file's content to the disk. Raises OSError."""
    # Windows syncs only what is open for writing.
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(path: Path) -> None:
    """Bring the folder's list of names to the disk, where the system can. Raises OSError."""
    if os.name == "nt":  # folders cannot be opened there
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # network file systems that cannot
            raise
    finally:
        os.close(handle)


def sync_tree(path: Path) -> None:
    """Bring every file and folder below `path`, and `path` itself, to the disk. Raises OSError."""
    for folder, _, names in os.walk(path, topdown=False):
        for name in names:
            sync_file(Path(folder, name))
        sync_folder(Path(folder))


def publish_folder(tmp: Path, final: Path) -> bool:
    """Rename the finished, synced folder `tmp` to `final`; both on one file system. Raises OSError.

    Returns False, with `tmp` left alone, when a folder with content is already there: somebody else was first.
    """
    if not final.parent.exists():
        final.parent.mkdir(parents=True, exist_ok=True)
        sync_folder(final.parent.parent)
    crash_point("publish-before-rename")
    try:
        tmp.rename(final)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY) or (os.name == "nt" and final.exists()):
            return False
        raise
    crash_point("publish-after-rename")
    sync_folder(final.parent)
    return True


def discard(path: Path, bin_folder: Path) -> None:
    """Delete a folder or file so that it vanishes at once: moved into `bin_folder` first, which is swept at leisure.

    What is already gone is fine. Raises OSError when it cannot be moved.
    """
    doomed = path
    if path.parent != bin_folder:
        bin_folder.mkdir(parents=True, exist_ok=True)
        doomed = bin_folder / f"{path.name[:64]}.{token()}.{uuid.uuid4().hex}"
        try:
            path.rename(doomed)
        except FileNotFoundError:
            return
        crash_point("discard")
    _remove(doomed)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
