"""From other people's pickled files to safetensors, without running what a pickle may hold."""

from __future__ import annotations

import pickle
import shutil
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retarget_cli.errors import EnvironmentProblem
from retarget_cli.store.atomic import sync_file, sync_folder
from retarget_cli.weights.seal import close_seal, open_seal

if TYPE_CHECKING:
    import torch

_WRAPPERS = ("model", "state_dict")
_STALE = 3600.0  # seconds; no conversion takes that long


def convert(path: Path, digest: str, target: Path) -> None:
    """Write the tensors of a pickled file to `target`, sealed with the file's `digest`, whole or not at all.

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
        save_file(_separate(read_pickled(path)), part, metadata=open_seal(digest))
        usual.touch()
        shutil.copymode(usual, part)  # its writer lets nobody else read the file
        close_seal(part)
        sync_file(part)
        part.replace(target)
    except SafetensorError as error:  # how its writer reports a full disk
        raise OSError(None, str(error), str(target)) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    sync_folder(target.parent)


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
        state = _load(path)
        for wrapper in _WRAPPERS:
            state = state.get(wrapper, state)
        if not _is_table(state):
            raise ValueError("no tensors by name")
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
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in state.items()
    )


def _unreadable(path: Path, error: Exception) -> EnvironmentProblem:
    refused = isinstance(error, pickle.UnpicklingError) and "nsupported" in str(error)
    what = "asks to run code, which is refused" if refused else "holds no plain tensors, or is damaged"
    return EnvironmentProblem(
        f"The weights file {what}.",
        where=path,
        fix="Fetch a known one (`retarget weights pull NAME`), or name another file with --weights.",
    )


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
