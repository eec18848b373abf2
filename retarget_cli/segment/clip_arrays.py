"""Arrays that hold something for every frame of a clip."""

from __future__ import annotations

import tempfile

import numpy as np

_MEMORY = 96 * 2**20


def allocate(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """An array for the whole clip, in memory when small and in an unnamed temporary file when not."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if size <= _MEMORY:
        return np.zeros(shape, dtype)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, dtype=dtype, mode="w+", shape=shape)
