"""Getting weights: downloads that resume, files brought along, both checked before they are kept."""

from __future__ import annotations

import hashlib
import http.client
import re
import shutil
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from retarget_cli import __version__
from retarget_cli.errors import EnvironmentProblem
from retarget_cli.store.digests import hash_file
from retarget_cli.store.locks import KeyLocks, LockState
from retarget_cli.utils.atomic import move_into_place
from retarget_cli.weights.check import is_right
from retarget_cli.weights.convert import convert, read_digests
from retarget_cli.weights.manifest import Weight, cache_folder, known, weight, with_file_name
from retarget_cli.weights.proof import note

ReportBytes = Callable[[int, int], None]

_CHUNK, _BLOCK = 1 << 18, 1 << 20  # bytes received and copied at a time
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


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to https only: any other answer can be changed on its way.

    A server on this machine that is asked by http may name itself again.
    """

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Give the next request, or refuse it with an EnvironmentProblem."""
        if urlsplit(newurl).scheme != "https" and not (_is_local(req.full_url) and _is_local(newurl)):
            what = f"The server sends us on to an address that is not safe: {newurl}"
            raise EnvironmentProblem(what, where=req.full_url, fix=_BY_HAND)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _is_local(url: str) -> bool:
    address = urlsplit(url)
    return address.scheme == "http" and address.hostname in ("127.0.0.1", "::1", "localhost")


def _ask(url: str, have: int, part: Path, timeout: float) -> Any:
    """The server's answer to a request for everything from byte `have` on."""
    headers = {"Accept-Encoding": "identity", "User-Agent": f"retarget/{__version__}"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if version := _version_of(part):
            headers["If-Range"] = version
    try:
        opener = urllib.request.build_opener(_SafeRedirects)
        return opener.open(urllib.request.Request(url, headers=headers), timeout=timeout)
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
    """Tell whether the answer continues at byte `have`, instead of beginning at the first; refuses another file."""
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
            block = reply.read1(min(_CHUNK, size - done))
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


def fetch(name: str, progress: ReportBytes, patience: Patience | None = None) -> Path:
    """Download known weights unless they are in the cache already, and return the path of the converted file.

    progress: called with (bytes done, bytes in all). EnvironmentProblem when the network, the disk or the digest
    fails; what came so far is kept and the next call goes on from there.
    """
    one = weight(name)
    ready, published = _paths(one)
    with _disk(), _alone(one, progress) as part:
        if ready.is_file() and is_right(ready, one, deep=True):
            return ready
        if not (published.is_file() and is_right(published, one, deep=True)):
            _demand_space(one, max(0, one.size - length(part)))
            _download(one, part, progress, patience or Patience())
            move_into_place(part, published)
            drop(part)
        return _convert(one, published)


def add(file: Path, name: str | None, progress: ReportBytes) -> tuple[Weight, Path]:
    """Take a file that the user has into the cache; returns which weights it is and the path of the converted file.

    name: which weights it should be; found out from the file's name or size when None. A converted file is taken when
    it was made here. `file` itself stays as it is. EnvironmentProblem when it is not what it should be.
    """
    if not file.is_file():
        raise EnvironmentProblem("There is no file here.", where=file, fix="Check the path.")
    one = weight(name) if name is not None else _recognise(file)
    ready, published = _paths(one)
    is_converted = file.suffix == ".safetensors"
    with _disk(), _alone(one, progress) as part:
        _demand_space(one, file.stat().st_size)
        copy = part.with_name(f"{part.name}.safetensors" if is_converted else f"{part.name}.copy")
        try:
            # What has the wrong size or digest needs no copy to be refused.
            if not (is_right(file, one, deep=False) and _is_copied(file, copy, one, progress)):
                raise _refusal(file, one)
            move_into_place(copy, ready if is_converted else published)
        finally:
            copy.unlink(missing_ok=True)
        return one, ready if is_converted else _convert(one, published)


def _refusal(file: Path, one: Weight) -> EnvironmentProblem:
    what, fix = f"This is not {one.name}, or it is damaged.", f"Fetch it again: {one.url}"
    if file.suffix == ".safetensors":
        what = f"Nothing proves that this is {one.name}: it was not converted on this machine, or it is damaged."
        fix = f"Bring the file as its authors publish it, {one.file}: {one.url}"
    return EnvironmentProblem(what, where=file, fix=f"{fix} (here: retarget weights pull {one.name})")


def _recognise(file: Path) -> Weight:
    """The known weights that a file is by its digests, its name or else its size."""
    digests = read_digests(file) if file.suffix == ".safetensors" else None
    converted = [one for one in known().values() if digests is not None and one.has_digest(digests.source)]
    named = with_file_name(file.name)
    sized = [one for one in known().values() if one.size == file.stat().st_size]
    found = [*converted, *([named] if named else []), *sized]
    if not found:
        what = "Nobody knows this file: neither its name nor its size is in the list of weights."
        fix = "A segmentation network of your own needs no adding: use it with --weights FILE or RETARGET_WEIGHTS."
        raise EnvironmentProblem(what, where=file, fix=fix)
    return found[0]


def _paths(one: Weight) -> tuple[Path, Path]:
    """Return where the converted and the published file belong."""
    return cache_folder() / one.converted, cache_folder() / one.file


def _convert(one: Weight, published: Path) -> Path:
    """Replace the checked file in the cache by its converted form."""
    ready = _paths(one)[0]
    digest = hash_file(published)
    if not one.has_digest(digest):  # it was right a moment ago
        raise EnvironmentProblem("The file changed while it was used.", where=published, fix="Run it again.")
    convert(published, digest, ready)
    note(ready, digest)
    published.unlink()
    return ready


def _download(one: Weight, part: Path, progress: ReportBytes, patience: Patience) -> None:
    """Fill `part` with the right bytes. What an earlier call left may be rotten, so it is given up once."""
    for _ in range(2 if part.is_file() else 1):
        if one.has_digest(download(one.url, part, one.size, progress, patience)):
            return
        drop(part)
    what = f"What came for {one.name} is not the file that was asked for: its digest is wrong."
    fix = "Try again; if it stays so, fetch the file by hand and hand it over: retarget weights add FILE"
    raise EnvironmentProblem(what, where=one.url, fix=fix)


def _is_copied(source: Path, target: Path, one: Weight, progress: ReportBytes) -> bool:
    """Copy a file; whether what was written is `one`."""
    digest, done, size = hashlib.sha256(), 0, source.stat().st_size
    with source.open("rb") as reading, target.open("wb") as writing:
        while block := reading.read(_BLOCK):
            writing.write(block)
            digest.update(block)
            done += len(block)
            progress(done, size)
    return is_right(target, one, deep=True) if target.suffix == ".safetensors" else one.has_digest(digest.hexdigest())


def _demand_space(one: Weight, more: int) -> None:
    """Refuse when `more` bytes and, after them, the converted file will not fit."""
    need, free = more + one.size, shutil.disk_usage(cache_folder()).free
    if free < need:
        raise EnvironmentProblem(
            f"There is too little disk space for {one.name}: {need / 1e9:.2f} GB are needed, {free / 1e9:.2f} GB free.",
            where=cache_folder(),
            fix="Free some space, or set XDG_CACHE_HOME to a folder on another disk.",
        )


@contextmanager
def _alone(one: Weight, progress: ReportBytes) -> Iterator[Path]:
    """Work on `one` while no other process does; gives the file to write into.

    Who waits sees how far the other one is. Where the file system has no locks the file is one of our own.
    """
    folder = cache_folder()
    (folder / "locks").mkdir(parents=True, exist_ok=True)
    part = folder / f"{one.file}.part"
    with KeyLocks(folder / "locks").hold(one.file, lambda: progress(length(part), one.size)) as lock:
        if lock is LockState.HELD:
            yield part
            return
        own = part.with_name(f"{one.file}.{uuid.uuid4().hex}.part")
        try:
            yield own
        finally:
            drop(own)  # no later call would find it


@contextmanager
def _disk() -> Iterator[None]:
    """Say of every failure of the file system what can be done about it."""
    try:
        yield
    except OSError as error:
        what = f"The weights cannot be stored: {error.strerror or error}."
        fix = "Free disk space, or set XDG_CACHE_HOME to a folder that can be written; then run it again."
        raise EnvironmentProblem(what, where=error.filename or cache_folder(), fix=fix) from error
