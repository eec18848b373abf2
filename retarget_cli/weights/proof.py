"""Proof that a converted file was made here from the published one, kept apart from the file itself.

What a file says of its own origin anybody can write. When a checked published file is converted, the digest of the
result is noted in the user's cache; a file without such a note is not taken for what its name and header say.
"""

from __future__ import annotations

import json
from pathlib import Path

from retarget_cli.store.digests import FileDigests, hash_file
from retarget_cli.utils.atomic import write_json_atomic
from retarget_cli.weights.convert import read_digests
from retarget_cli.weights.manifest import Weight, cache_folder


def note(path: Path, source: str) -> None:
    """Note that `path` was converted here from a file with the digest `source`. Raises OSError."""
    digests = read_digests(path)
    if digests is not None:
        _folder().mkdir(parents=True, exist_ok=True)
        write_json_atomic(_folder() / f"{digests.sha256}.json", {"source": source, "sha256": hash_file(path)})


def is_noted(path: Path, one: Weight) -> bool:
    """Tell whether a converted file with this header was made here from `one`. Reads the header only."""
    return _noted(path, one) is not None


def is_proven(path: Path, one: Weight, *, anew: bool = False) -> bool:
    """Tell whether every byte of a converted file is as when it was made here from `one`.

    anew: read it even when nothing has changed since it was read last. Raises OSError.
    """
    digest = _noted(path, one)
    if digest is None:
        return False
    return digest == (hash_file(path) if anew else FileDigests(cache_folder()).digest(path))


def _noted(path: Path, one: Weight) -> str | None:
    """The digest of the whole file that was made here from `one` with the header of this one."""
    digests = read_digests(path)
    if digests is None or not one.has_digest(digests.source):
        return None
    try:
        told = json.loads((_folder() / f"{digests.sha256}.json").read_bytes())
        return str(told["sha256"]) if told["source"] == digests.source else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _folder() -> Path:
    return cache_folder() / "made-here"
