"""Memory: the most that was taken; lack of it, told from other errors; doing with less. Imports no torch."""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from retarget_cli.errors import UsageError

T = TypeVar("T")
# Of the CPU's allocator, of the CUDA runtime outside torch's allocator, and of libraries that allocate themselves.
_WORDS = re.compile(
    r"can't allocate memory|CUDA error: out of memory|(CUBLAS|CUDNN)_STATUS_ALLOC_FAILED|could not create a primitive$"
)
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}


def forget_peak() -> bool:
    """Begin a new peak of the memory of this process; False where there is no Linux that allows it."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        return True
    return False


def resident_peak() -> int | None:
    """Bytes of the process in memory at the highest since then; None where that cannot be read."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether memory, of the GPU or of the machine, was too small."""
    named = any(kind.__name__ == "OutOfMemoryError" for kind in type(error).__mro__)  # torch's, a RuntimeError
    return named or isinstance(error, MemoryError) or bool(_WORDS.search(str(error)))


def release_memory() -> None:
    """Give back what nobody uses any more, and what torch holds of the GPU's memory without using it."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def attempted(work: Callable[[], T]) -> list[T]:
    """Try work: its result alone in a list; an empty list, and its memory given back, when there was too little.

    Other errors pass through.
    """
    try:
        return [work()]
    except Exception as error:
        if not is_out_of_memory(error):
            raise
    release_memory()  # out here, where the error no longer holds what the work had made
    return []


def in_chunks(work: Callable[[int, int], T], count: int, size: int) -> Iterator[T]:
    """`work(start, stop)` for consecutive ranges of at most `size` of `count` items, in order.

    When memory runs out the range and those after it are halved; what a single item is too large for is raised.
    """
    start = 0
    while start < count:
        stop = min(start + size, count)
        alone = stop - start == 1
        found = [work(start, stop)] if alone else attempted(partial(work, start, stop))
        if found:
            yield found.pop()
            start = stop
        else:
            size = (stop - start) // 2


def parse_size(text: str, where: str) -> int:
    """Bytes of ``4GB``, ``1.5G``, ``800 MB`` or ``6GiB``; UsageError, which names `where`, for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?I?)B?", text.strip().upper())
    size = int(min(float(match[1]), 1e15) * _UNITS.get(match[2], 0)) if match else 0
    if size < 1:
        raise UsageError(f"'{text}' is no size of memory", where=where, fix="Write it like 4GB or 800MB.")
    return size
