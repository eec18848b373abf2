"""Bounds of pickled checkpoints, looked at before and after torch reads them."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from retarget_cli.utils.limits import INFLATION

if TYPE_CHECKING:
    import torch

_SLACK = 10_000_000  # bytes; what every file may grow by


def check_packing(path: Path) -> None:
    """Raise InputError for an archive that unpacks to many times its size: torch itself packs nothing.

    What is no archive is left to its reader. Raises OSError.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return
    size = path.stat().st_size
    if unpacked > size + _SLACK:
        INFLATION.check(unpacked / max(size, 1), "unpacked the file is", path)


def is_spread(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor claims more numbers than it has memory for: a few, shown again and again."""
    return tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes()
