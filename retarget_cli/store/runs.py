"""Records of runs: one small file a run, newest first."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from retarget_cli.store.keys import lenient_json
from retarget_cli.store.records import Unfit, check_record
from retarget_cli.utils.atomic import write_json_atomic
from retarget_cli.utils.text import json_sha256

MOST_BYTES = 4 * 2**20
_HASH = re.compile(rb"[0-9a-f]{64}")
_BLOCK = 2**20
_SEAL = "seal"
_TIME = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True)
class BadRecord:
    """A file among the records that is none, and why."""

    path: Path
    reason: str

    def hashes(self) -> set[str]:
        """Everything in it that may be the key or digest of an entry. Raises OSError."""
        found: set[str] = set()
        before = b""
        with self.path.open("rb") as file:
            while block := file.read(_BLOCK):
                found.update(match.decode() for match in _HASH.findall(before + block))
                before = block[-63:]
        return found


def write_run(folder: Path, record: Mapping[str, Any], run_id: str | None = None) -> str:
    """Write a record, or replace the one called `run_id`, whole or not at all. Returns its id; raises OSError.

    The id begins with the UTC time, so that ids sort by age; after a clock that was set back, with the moment after the
    newest one. ``id``, ``time`` and a checksum are added to the record;
    a replaced record keeps its time.
    """
    run_id = run_id or f"{_moment(folder)}-{uuid.uuid4().hex[:6]}"
    if Path(run_id).name != run_id:
        raise ValueError(f"{run_id!r} cannot be the id of a run")
    whole = {**lenient_json(record), "id": run_id, "time": run_id.partition("-")[0]}
    write_json_atomic(folder / f"{run_id}.json", {**whole, _SEAL: _checksum(whole)})
    return run_id


def _moment(folder: Path) -> str:
    now = datetime.now(UTC)
    for name in sorted((path.name for path in folder.glob("*.json")), reverse=True):
        try:
            newest = datetime.strptime(name.partition("-")[0], _TIME).replace(tzinfo=UTC)
            return max(now, newest + timedelta(microseconds=1)).strftime(_TIME)
        except (ValueError, OverflowError):
            continue
    return now.strftime(_TIME)


def read_runs(folder: Path) -> list[dict[str, Any]]:
    """Every record, newest first. What is no record is left out."""
    return Records(folder).read()[0]


class Records:
    """The records in a folder. What was read is remembered for as long as its file stays as it is.

    Nobody may change what is in a record that was given out; those who write one make a new one of it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {}

    def read(self) -> tuple[list[dict[str, Any]], list[BadRecord]]:
        """Every record, newest first, and the files that should be records and are not."""
        records, bad = [], []
        for path in sorted(self._folder.glob("*.json"), key=lambda path: path.name, reverse=True):
            if path.name.startswith("."):
                continue
            try:
                records.append(self._record(path))
            except FileNotFoundError:
                continue
            except Unfit as unfit:
                bad.append(BadRecord(path, str(unfit)))
            except OSError as error:
                bad.append(BadRecord(path, error.strerror or str(error)))
        return records, bad

    def _record(self, path: Path) -> dict[str, Any]:
        facts = path.lstat()
        identity = facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino
        known = self._known.get(path.name)
        if known is None or known[0] != identity:
            known = self._known[path.name] = identity, _read(path)
        return dict(known[1])


def _read(path: Path) -> dict[str, Any]:
    if path.is_symlink() or not path.is_file():
        raise Unfit("it is no plain file")
    if path.stat().st_size > MOST_BYTES:
        raise Unfit(f"it has more than {MOST_BYTES} bytes")
    try:
        record = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise Unfit("it cannot be read as JSON") from None
    if not isinstance(record, dict):
        raise Unfit("it is no table")
    seal = record.pop(_SEAL, None)  # those of older versions have none
    if seal is not None and seal != _checksum(record):
        raise Unfit("it does not hold what was written")
    check_record(record)
    return {**record, "id": path.stem}


def _checksum(record: Mapping[str, Any]) -> str:
    try:
        return json_sha256(dict(record))
    except (ValueError, RecursionError):  # NaN, or nested too deeply: no record of ours
        return ""
