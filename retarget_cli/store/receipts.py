"""Receipts: what an entry holds and how it was made; written last, they make a folder an entry."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from retarget_cli import __version__
from retarget_cli.store.contents import Broken, Contents, check_folders
from retarget_cli.store.digests import hash_file
from retarget_cli.store.keys import canonical_json, is_sha256, lenient_json
from retarget_cli.utils.text import json_sha256

__all__ = ["NAME", "Broken", "content_digest", "make_receipt", "read_receipt", "versions", "written_digest"]

NAME = "receipt.json"


def make_receipt(
    folder: Path,
    stage: str,
    key: str,
    *,
    params: Mapping[str, Any],
    inputs: Mapping[str, str],
    notes: Mapping[str, Any],
    timings: Mapping[str, Any],
    checked: bool = False,
) -> dict[str, Any]:
    """The receipt of the files now in `folder`: sizes, sha256, parameters, timings, versions.

    checked: whether the content of all entries it was made from was compared with their receipts before.
    The parameters stand in their canonical form. Raises OSError, and ValueError when the folder holds anything but
    plain files and folders.
    """
    receipt: dict[str, Any] = {
        "stage": stage,
        "key": key,
        "params": json.loads(canonical_json(params)),
        "inputs": dict(inputs),
        "files": {
            name: {"size": (folder / name).stat().st_size, "sha256": hash_file(folder / name)}
            for name in _file_names(folder)
        },
        "notes": lenient_json(notes),
        "timings": lenient_json(timings),
        "versions": dict(versions()),
    }
    if checked:
        receipt["checked"] = True
    return {**receipt, "seal": _checksum(receipt)}  # the checksum of all else


def read_receipt(
    folder: Path, stage: str, key: str, *, deep: bool, contents: Contents | None = None
) -> dict[str, Any] | None:
    """The receipt of the entry in `folder`, or None when there is no such folder.

    Checks the receipt itself, that each file is a plain one of its size, and the content of small facts (JSON); `deep`
    that of every file. contents: what is known to be right already.
    Raises Broken when a check fails, OSError when something cannot be read.
    """
    try:
        receipt = json.loads((folder / NAME).read_bytes())
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        if not folder.exists() and not folder.is_symlink():
            return None
        raise Broken(f"{NAME} is missing") from None
    except (ValueError, RecursionError):
        raise Broken(f"{NAME} is damaged") from None
    _check_receipt(receipt, stage, key)
    check_folders(folder, receipt["files"])
    contents = contents or Contents()
    for name, facts in receipt["files"].items():
        contents.check(folder / name, name, facts, deep=deep or name.endswith(".json"))
    return receipt


def content_digest(receipt: Mapping[str, Any]) -> str:
    """Sha256 over the key and the files' sha256: equal for equal results, whenever and however fast they were made."""
    files = {name: facts["sha256"] for name, facts in receipt["files"].items()}
    return json_sha256({"key": receipt["key"], "files": files})


def written_digest(folder: Path, stage: str, key: str) -> str | None:
    """The digest of the entry in `folder` as it was published, whatever became of its files; None for a lost receipt.

    Raises OSError.
    """
    try:
        receipt = json.loads((folder / NAME).read_bytes())
        _check_receipt(receipt, stage, key)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError, RecursionError, Broken):
        return None
    return content_digest(receipt)


@lru_cache(maxsize=1)
def versions() -> Mapping[str, str]:
    """Versions of this program, Python, and every package this program is declared to need."""
    from importlib import metadata  # slow to import, and unneeded when all is cached

    found = {"retarget": __version__, "python": platform.python_version()}
    try:
        needs = metadata.requires("retarget") or []
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        needs = []
    for need in needs:
        match = re.match(r"[\w.-]+", need)
        if match and "extra ==" not in need:
            try:
                found[match[0]] = metadata.version(match[0])
            except metadata.PackageNotFoundError:
                continue
    return found


def _checksum(receipt: Mapping[str, Any]) -> str:
    return json_sha256({name: value for name, value in receipt.items() if name != "seal"})


def _file_names(folder: Path) -> list[str]:
    names = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise ValueError(f"{path} is neither a plain file nor a folder and cannot be published")
        if path.is_file():
            names.append(path.relative_to(folder).as_posix())
    if NAME in names:
        raise ValueError(f"{NAME} is written by the store alone")
    return names


def _check_receipt(receipt: Any, stage: str, key: str) -> None:
    try:
        if receipt["seal"] != _checksum(receipt):
            raise Broken(f"{NAME} is damaged")
        if (receipt["stage"], receipt["key"]) != (stage, key):
            raise Broken(f"{NAME} belongs to another entry")
        for name, facts in receipt["files"].items():
            parts = PurePosixPath(name)
            plain = parts.parts and not parts.is_absolute() and ".." not in parts.parts
            if not plain or not is_sha256(facts["sha256"]):
                raise Broken(f"{NAME} is damaged")
        if not all(is_sha256(digest) for digest in receipt["inputs"].values()) or not isinstance(
            receipt["timings"], dict
        ):
            raise Broken(f"{NAME} is damaged")
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        raise Broken(f"{NAME} is damaged") from None
