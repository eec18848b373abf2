"""Turning a published checkpoint into safetensors, with digests in its header that tell it is what it was."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retarget_cli.errors import EnvironmentProblem, InputError
from retarget_cli.store.keys import is_sha256
from retarget_cli.utils.atomic import move_into_place
from retarget_cli.utils.text import dump_json
from retarget_cli.weights.unpack import check_packing, is_spread

if TYPE_CHECKING:
    import torch


_KEY = "retarget"
_BLANK = "0" * 64
_LONGEST_HEADER = 10_000_000  # bytes; that of a large network has a hundred thousand
_BLOCK = 1 << 20
_WRAPPERS = ("model", "state_dict")
_STALE = 3600.0  # seconds; no conversion takes that long


@dataclass(frozen=True)
class Digests:
    """SHA-256 of the file that was converted, and of the converted one with zeros for its own; 64 hex digits each."""

    source: str
    sha256: str


def open_digests(source: str) -> dict[str, str]:
    """Metadata for a file that is about to be written; `close_digests` completes it. source: see Digests."""
    return {_KEY: dump_json({"sha256": _BLANK, "source": source}).decode()}


def close_digests(path: Path) -> None:
    """Write the file's digest into its header. Raises ValueError when it was not written with `open_digests`."""
    head, fields = _read_head(path)
    if _digests_in(fields) is None:
        raise ValueError(f"{path} holds no digests to complete")
    digest = _digest(path, head)
    with path.open("r+b") as file:
        file.seek(head.index(_BLANK.encode()))
        file.write(digest.encode())


def read_digests(path: Path) -> Digests | None:
    """The digests in the header of a file; None when it has none, or is no safetensors file."""
    try:
        return _digests_in(_read_head(path)[1])
    except ValueError:
        return None


def is_whole(path: Path) -> bool:
    """Tell whether the file is as long as its header says. Reads the header only."""
    try:
        head, fields = _read_head(path)
        ends = [entry["data_offsets"][1] for name, entry in fields.items() if name != "__metadata__"]
        return bool(path.stat().st_size == len(head) + max(ends, default=0))
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
        return False


def is_intact(path: Path) -> bool:
    """Tell whether every byte is as it was written. Reads the whole file."""
    digests = read_digests(path)
    if digests is None:
        return False
    head = _read_head(path)[0].replace(digests.sha256.encode(), _BLANK.encode(), 1)
    return _digest(path, head) == digests.sha256


def _read_head(path: Path) -> tuple[bytes, dict[str, Any]]:
    """The bytes before the tensors' and what they say; ValueError when this is no safetensors file."""
    with path.open("rb") as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if length > _LONGEST_HEADER:
            raise ValueError("no safetensors file")
        text = file.read(length)
    try:
        fields = json.loads(text)
    except RecursionError as error:
        raise ValueError("no safetensors file") from error
    if not isinstance(fields, dict):
        raise ValueError("no safetensors file")
    return start + text, fields


def _digests_in(fields: dict[str, Any]) -> Digests | None:
    try:
        digests = Digests(**json.loads(fields["__metadata__"][_KEY]))
    except (LookupError, TypeError, ValueError, RecursionError):
        return None
    return digests if is_sha256(digests.source) and is_sha256(digests.sha256) else None


def _digest(path: Path, head: bytes) -> str:
    """SHA-256 of `head` and of everything that comes after as many bytes of the file."""
    digest = hashlib.sha256(head)
    with path.open("rb") as file:
        file.seek(len(head))
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def convert(path: Path, digest: str, target: Path) -> None:
    """Write the tensors of a pickled file to `target` with the file's `digest`, whole or not at all.

    The same tensors always make the same bytes. EnvironmentProblem when the file is no table of tensors,
    OSError when the disk fails.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    work = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    part, usual = work / target.name, work / "usual"
    _sweep(target)
    try:
        work.mkdir()
        save_file(_separate(read_pickled(path)), part, metadata=open_digests(digest))
        usual.touch()
        shutil.copymode(usual, part)  # its writer lets nobody else read the file
        close_digests(part)
        move_into_place(part, target)
    except SafetensorError as error:  # how its writer reports a full disk
        raise OSError(None, str(error), str(target)) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _sweep(target: Path) -> None:
    """Delete what killed conversions left; younger folders may belong to one that is under way."""
    for left in target.parent.glob(f".{target.name}.*.part"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE:
                shutil.rmtree(left)


def read_pickled(path: Path) -> dict[str, torch.Tensor]:
    """Tensors of a ``.pth`` by name; a ``model`` or ``state_dict`` wrapped round them is taken off.

    EnvironmentProblem when the file is damaged or holds anything that would have to be run.
    """
    try:
        check_packing(path)
        state = _load(path)
        for wrapper in _WRAPPERS:
            state = state.get(wrapper, state)
        if not _is_table(state):
            raise ValueError("no tensors by name")
    except InputError as error:
        raise EnvironmentProblem(error.what, where=path, fix=error.fix) from error
    except Exception as error:  # whatever a broken file makes of the reader
        raise _unreadable(path, error) from error
    return dict(state)


def _load(path: Path) -> Any:
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except RuntimeError:  # files of old versions of torch cannot be mapped
        return torch.load(path, map_location="cpu", weights_only=True)


def _is_table(state: Any) -> bool:
    import torch

    return isinstance(state, Mapping) and all(
        isinstance(name, str) and isinstance(value, torch.Tensor) and not is_spread(value)
        for name, value in state.items()
    )


def _unreadable(path: Path, error: Exception) -> EnvironmentProblem:
    refused = isinstance(error, pickle.UnpicklingError) and "nsupported" in str(error)
    what = "asks to run code, which is refused" if refused else "holds no plain tensors, or is damaged"
    fix = "Fetch a known one (`retarget weights pull NAME`), or name another file with --weights."
    return EnvironmentProblem(f"The weights file {what}.", where=path, fix=fix)


def _separate(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors in row-major order, none sharing memory with another: the format knows no sharing."""
    tensors, seen = {}, set()
    for name, tensor in state.items():
        tensor = tensor.detach().contiguous()
        memory = tensor.untyped_storage()
        if memory.data_ptr() in seen or memory.nbytes() != tensor.nbytes:
            tensor = tensor.clone()
        seen.add(memory.data_ptr())
        tensors[name] = tensor
    return tensors
