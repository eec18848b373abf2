"""Arrays on the disk whose space is reserved before anything is written into them."""

from __future__ import annotations

import errno
import mmap
import os
import threading
from pathlib import Path
from typing import IO, Any

import numpy as np

_BLOCK = bytes(2**20)
_ONE_HEADER = threading.Lock()
"""NumPy parses headers as Python, and Python before 3.11.8 and 3.12.2 fails when several threads parse at once
(SystemError: AST constructor recursion depth mismatch)."""


def create_npy(path: Path, shape: tuple[int, ...], dtype: type = np.uint8) -> np.memmap:
    """Create a ``.npy`` file of zeros and map it. OSError when the disk has no room for all of it.

    Without the reservation a full disk would be noticed while the mapping is written, which kills the process (SIGBUS).
    """
    with path.open("wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        reserve(file, file.tell() + bytes_of(shape, dtype), path)
    with _ONE_HEADER:
        return np.lib.format.open_memmap(path, mode="r+")


def read_npy(path: Path, mapped: bool = True) -> np.ndarray:
    """Read a ``.npy`` file, mapped read-only or into memory. Raises OSError; ValueError when it is no such file."""
    with _ONE_HEADER:
        found: np.ndarray = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    return found


def let_go(array: np.ndarray) -> None:
    """Give back the memory of what was looked at of an array that lies in a file; it is read again when needed."""
    mapped = getattr(array, "_mmap", None)
    if mapped is not None:
        drop_pages(mapped)


def drop_pages(mapped: mmap.mmap) -> None:
    """Give back the memory of all pages of a mapped file, where the system can."""
    if hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def bytes_of(shape: tuple[int, ...], dtype: type) -> int:
    """Bytes of an array."""
    return int(np.prod(shape)) * np.dtype(dtype).itemsize


def reserve(file: IO[Any], size: int, place: Path) -> None:
    """Make a file, open for writing, `size` bytes long and give it its blocks. place: what an error names. OSError."""
    file.flush()
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
            return
        file.seek(0, os.SEEK_END)
        while file.tell() < size:
            file.write(_BLOCK[: size - file.tell()])
        file.flush()
    except OSError as error:
        raise OSError(error.errno or errno.EIO, error.strerror, str(place)) from error
