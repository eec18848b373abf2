"""Reading the tensors of weights, by way of a form that loads fast."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from retarget_cli.errors import EnvironmentProblem
from retarget_cli.store.digests import FileDigests
from retarget_cli.weights.convert import convert, is_whole, read_digests, read_pickled
from retarget_cli.weights.manifest import Weight, cache_folder, with_file_name
from retarget_cli.weights.proof import is_noted, is_proven, note

if TYPE_CHECKING:
    import torch


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Every tensor of a ``.safetensors`` or ``.pth`` file by name, mapped from the disk.

    A ``.pth`` is converted into the user's cache the first time and stays as it is; where the cache cannot be written
    it is read directly. Wrappers named ``model`` or ``state_dict`` are taken off. EnvironmentProblem when the file is
    damaged, is another than its name says, or holds more than tensors.
    """
    one = with_file_name(path.name)
    if path.suffix == ".safetensors":
        if one is not None and not is_proven(path, one):
            what = f"Nothing proves that this file is {one.name}, as its name says: it was not converted here."
            fix = f"Move it away and run `retarget weights pull {one.name}`, or `retarget weights add {one.file}`; "
            fix += "give a network of your own another name."
            raise EnvironmentProblem(what, where=path, fix=fix)
        return _read_mapped(path)
    digest = FileDigests(cache_folder()).digest(path)
    if one is not None and not one.has_digest(digest):
        what = f"The weights file is damaged, or is not what its name says: it differs from {one.name}."
        fix = f"Delete it and run `retarget weights pull {one.name}`; give a network of your own another name."
        raise EnvironmentProblem(what, where=path, fix=fix)
    ready = cache_folder() / (one.converted if one else f"{digest}.safetensors")
    try:
        if not _is_ready(ready, digest, one):
            ready.parent.mkdir(parents=True, exist_ok=True)
            convert(path, digest, ready)
            note(ready, digest)
    except OSError:
        return read_pickled(path)
    return _read_mapped(ready)


def _is_ready(ready: Path, source: str, one: Weight | None) -> bool:
    """Tell whether the converted form is there, made of the file with the digest `source`."""
    if not (ready.is_file() and is_whole(ready)):
        return False
    digests = read_digests(ready)
    return digests is not None and digests.source == source and (one is None or is_noted(ready, one))


def _read_mapped(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except SafetensorError as error:
        fix = "Delete it and fetch it again (`retarget weights pull NAME`), or name another file with --weights."
        raise EnvironmentProblem("The weights file is damaged, or no safetensors file.", where=path, fix=fix) from error
