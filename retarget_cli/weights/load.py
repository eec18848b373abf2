"""Reading the tensors of weights, by way of a form that loads fast."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from retarget_cli.errors import EnvironmentProblem
from retarget_cli.store.digests import FileDigests
from retarget_cli.weights.convert import convert, is_whole, read_digests, read_pickled
from retarget_cli.weights.manifest import cache_folder, with_file_name

if TYPE_CHECKING:
    import torch


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Every tensor of a ``.safetensors`` or ``.pth`` file by name, mapped from the disk.

    A ``.pth`` is converted into the user's cache the first time and stays as it is; where the cache cannot be written
    it is read directly. Wrappers named ``model`` or ``state_dict`` are taken off. EnvironmentProblem when the file is
    damaged, is another than its name says, or holds more than tensors.
    """
    if path.suffix == ".safetensors":
        return _read_mapped(path)
    digest = FileDigests(cache_folder()).digest(path)
    one = with_file_name(path.name)
    if one is not None and not one.has_digest(digest):
        what = f"The weights file is damaged, or is not what its name says: it differs from {one.name}."
        fix = f"Delete it and run `retarget weights pull {one.name}`; give a network of your own another name."
        raise EnvironmentProblem(what, where=path, fix=fix)
    ready = cache_folder() / (one.converted if one else f"{digest}.safetensors")
    try:
        digests = read_digests(ready) if ready.is_file() and is_whole(ready) else None
        if digests is None or digests.source != digest:
            ready.parent.mkdir(parents=True, exist_ok=True)
            convert(path, digest, ready)
    except OSError:
        return read_pickled(path)
    return _read_mapped(ready)


def _read_mapped(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except SafetensorError as error:
        fix = "Delete it and fetch it again (`retarget weights pull NAME`), or name another file with --weights."
        raise EnvironmentProblem("The weights file is damaged, or no safetensors file.", where=path, fix=fix) from error
