"""One mapping from what FFmpeg and the file system report to errors a user can act on."""

from __future__ import annotations

import errno
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av

from retarget_cli.errors import EnvironmentProblem, MediaError, RetargetError
from retarget_cli.media.boxes import has_index, is_mp4

av.logging.set_level(None)  # FFmpeg's own messages never reach the terminal; every failure is raised instead

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def check_readable(path: Path) -> None:
    """Raise MediaError when `path` cannot be a video for a reason that needs no decoding."""
    try:
        status = path.stat()
    except FileNotFoundError:
        raise MediaError("There is no such file.", where=path, fix="Check the spelling of the path.") from None
    except OSError as error:
        raise _unreadable(path, error) from error
    if stat.S_ISDIR(status.st_mode):
        raise MediaError("This is a folder, not a video.", where=path, fix="Give the path of one video file.")
    if not stat.S_ISREG(status.st_mode):
        raise MediaError("This is not a regular file.", where=path, fix="Save the video to a file and give its path.")
    if status.st_size == 0:
        raise MediaError("The file is empty.", where=path, fix="Copy or export the video again.")
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> MediaError:
    if isinstance(error, PermissionError):
        fix = "Give yourself the right to read it, for example with chmod u+r."
        return MediaError("The file may not be read.", where=path, fix=fix)
    return MediaError(
        f"The file cannot be read: {_reason(error)}.", where=path, fix="Check the disk, or copy the file elsewhere."
    )


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).rstrip(".")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn errors of PyAV and the file system while reading `path` into MediaError."""
    try:
        yield
    except RetargetError:
        raise
    except av.error.DecoderNotFoundError as error:
        raise no_decoder(path) from error
    except av.FFmpegError as error:
        raise not_a_video(path, error) from error
    except OSError as error:
        raise _unreadable(path, error) from error


def no_decoder(path: Path) -> MediaError:
    """The error for a video in a codec that FFmpeg was built without."""
    what = "The video uses a codec this program cannot decode."
    return MediaError(what, where=path, fix="Convert it to H.264 in an MP4 file.")


def not_a_video(path: Path, error: BaseException | None = None) -> MediaError:
    """The error for a file in which FFmpeg finds no video."""
    if is_mp4(path) and not has_index(path):
        what = "The video was cut off before its index was written, so nothing in it can be found."
        fix = "Copy or export the file again; the recording or the download did not finish."
        return MediaError(what, where=path, fix=fix)
    detail = f" ({_reason(error)})" if error is not None else ""
    fix = "Give a video file such as MP4, MOV, MKV, WebM or GIF; if it plays elsewhere, convert it to H.264 MP4."
    return MediaError(f"This file is not a video that can be read{detail}.", where=path, fix=fix)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn errors while writing `path` into EnvironmentProblem (disk, rights) or MediaError (anything else)."""
    try:
        yield
    except RetargetError:
        raise
    except (av.FFmpegError, OSError) as error:
        code = getattr(error, "errno", None)
        if code in NO_ROOM:
            fix = "Free some space on this disk, or write to another one, and run the same command again."
            raise EnvironmentProblem("There is no room left to write the video.", where=path, fix=fix) from error
        if code in {errno.EACCES, errno.EPERM, errno.EROFS}:
            fix = "Choose another output folder, or change its rights."
            raise EnvironmentProblem("The folder may not be written to.", where=path, fix=fix) from error
        if code == errno.EIO:
            fix = "Check the disk, then run the same command again."
            raise EnvironmentProblem("The disk fails while the video is written.", where=path, fix=fix) from error
        fix = "Choose another output path and try again."
        raise MediaError(f"The video cannot be written: {_reason(error)}.", where=path, fix=fix) from error
