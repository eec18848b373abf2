"""Bringing a large file over an unreliable network, from where the last attempt broke off."""

from __future__ import annotations

import hashlib
import http.client
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any, BinaryIO

from retarget_cli import __version__
from retarget_cli.errors import EnvironmentProblem

ReportBytes = Callable[[int, int], None]

_BLOCK = 1 << 18
_BUSY = {408, 425, 429}
_BY_HAND = "Fetch the file with a browser or on another machine, and hand it over: retarget weights add FILE"


@dataclass(frozen=True)
class Patience:
    """timeout: seconds without a byte; tries: failures in a row, none of which got further than the ones before;
    pause: seconds before the second try, twice as long before each one after it.
    """

    timeout: float = 30.0
    tries: int = 4
    pause: float = 1.0


class _BrokenOff(Exception):
    """The connection failed in a way that another try may mend."""


def download(url: str, part: Path, size: int, progress: ReportBytes, patience: Patience) -> str:
    """Complete `part` to the `size` bytes that lie at `url`; returns the SHA-256 of the whole.

    What `part` holds already is not asked for again, unless the server says that its file is another now: its ETag
    or date is kept in ``PART.tag``. progress: called with (bytes here, bytes in all). EnvironmentProblem when
    the server has no such file or `patience` is over; OSError when the disk fails.
    """
    furthest, failures = length(part), 0
    while True:
        try:
            return _attempt(url, part, size, progress, patience.timeout)
        except _BrokenOff as error:
            here = length(part)
            failures = 1 if here > furthest else failures + 1
            furthest = max(here, furthest)
            if failures >= patience.tries:
                fix = f"Run it again; it goes on where it stopped. If it never gets through: {_BY_HAND}"
                raise EnvironmentProblem(f"The download broke off: {error}.", where=url, fix=fix) from error
            time.sleep(patience.pause * 2 ** (failures - 1))


def length(part: Path) -> int:
    """Bytes that have come so far."""
    try:
        return part.stat().st_size
    except FileNotFoundError:
        return 0


def drop(part: Path) -> None:
    """Forget what was downloaded."""
    part.unlink(missing_ok=True)
    _tag_file(part).unlink(missing_ok=True)


def _attempt(url: str, part: Path, size: int, progress: ReportBytes, timeout: float) -> str:
    if length(part) > size:
        drop(part)
    have, digest = length(part), _digest_of(part)
    if have < size:
        with _ask(url, have, part, timeout) as reply:
            goes_on = _goes_on(reply, have, size, part, url)
            with part.open("ab" if goes_on else "wb") as file:
                if not goes_on:
                    _remember_version(part, reply.headers)
                    have, digest = 0, hashlib.sha256()
                _receive(reply, file, digest, have, size, progress)
    return str(digest.hexdigest())


def _ask(url: str, have: int, part: Path, timeout: float) -> Any:
    """The server's answer to a request for everything from byte `have` on."""
    headers = {"Accept-Encoding": "identity", "User-Agent": f"retarget/{__version__}"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if version := _version_of(part):
            headers["If-Range"] = version
    try:
        return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        answer = f"the server answers {error.code} {error.reason}"
        if error.code == 416 and have:  # its file is shorter than what is here
            drop(part)
        elif error.code < 500 and error.code not in _BUSY:
            raise EnvironmentProblem(f"The file cannot be fetched: {answer}.", where=url, fix=_BY_HAND) from error
        raise _BrokenOff(answer) from error
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenOff(_reason(error)) from error


def _goes_on(reply: Any, have: int, size: int, part: Path, url: str) -> bool:
    """Whether the answer continues at byte `have`, instead of beginning at the first; refuses another file."""
    headers = reply.headers
    total, goes_on = headers.get("Content-Length"), reply.status == 206
    if goes_on:
        span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", ""))
        if span is None or int(span[1]) != have:
            drop(part)
            raise _BrokenOff("the server went on at the wrong place")
        total = span[2]
    if total is not None and total.isdecimal() and int(total) != size:
        page = headers.get_content_type() == "text/html"
        what = "a web page" if page else f"a file of {int(total)} bytes instead of {size}"
        raise EnvironmentProblem(f"The server offers {what}, which is not what was asked for.", where=url, fix=_BY_HAND)
    return goes_on


def _receive(reply: Any, file: BinaryIO, digest: Any, done: int, size: int, progress: ReportBytes) -> None:
    progress(done, size)
    while done < size:
        try:
            block = reply.read1(min(_BLOCK, size - done))
        except (OSError, http.client.HTTPException) as error:
            raise _BrokenOff(_reason(error)) from error
        if not block:
            raise _BrokenOff(f"{done} of {size} bytes came")
        file.write(block)
        digest.update(block)
        done += len(block)
        progress(done, size)


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return "the server fell silent" if isinstance(reason, TimeoutError) else str(reason) or type(error).__name__


def _digest_of(part: Path) -> Any:
    if not part.is_file():
        return hashlib.sha256()
    with part.open("rb") as file:
        return hashlib.file_digest(file, "sha256")


def _tag_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.tag")


def _version_of(part: Path) -> str:
    return _tag_file(part).read_text(encoding="utf-8") if _tag_file(part).is_file() else ""


def _remember_version(part: Path, headers: Message) -> None:
    """Keep what tells this version of the server's file from others. A weak ETag does not vouch for every byte."""
    tag = headers.get("ETag", "")
    version = tag if tag.startswith('"') else headers.get("Last-Modified", "")
    _tag_file(part).write_text(version, encoding="utf-8")
