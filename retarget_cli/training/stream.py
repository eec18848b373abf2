"""Takes a source that is too long for the device through a tensor of fixed size and place, a part of it at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor

EVERY = 25  # steps between two changes
PARTS = 10  # of the window; one of them changes at a time
_GOLDEN = (5**0.5 - 1) / 2


class Stream:
    """Shows rows of a long source through a window, evenly spread over the source at any time.

    What the window holds depends on the step alone, so a training that was stopped goes on as it would have. It is
    written in place: a CUDA graph that reads it stays valid. All rows have their turn, one after the other.
    """

    def __init__(self, rows: int, window: Tensor, read: Callable[[np.ndarray], Tensor]) -> None:
        """rows: how many the source has, at least as many as `window` (M, ...) holds.

        M is a multiple of PARTS, or smaller. read: the rows at indices (n,), as (n, ...) on the CPU.
        """
        if len(window) > rows or (len(window) > PARTS and len(window) % PARTS):
            raise ValueError(f"no window of {len(window)} for {rows} rows")
        # Ranks of the multiples of the golden ratio: any run of them is spread evenly.
        self._order = np.argsort(np.argsort(np.arange(rows) * _GOLDEN % 1))
        self._parts = min(PARTS, len(window))
        self._each = len(window) // self._parts
        self._window = window
        self._read = read
        self._turn = -self._parts

    def bring(self, step: int) -> None:
        """Put into the window what it holds at `step`; on a GPU after the steps before, without waiting for them."""
        turn = step // EVERY
        known = self._turn if self._turn <= turn else -self._parts
        for due in range(max(known + 1, turn - self._parts + 1), turn + 1):
            self._change(due)
        self._turn = turn

    def _change(self, turn: int) -> None:
        first = (turn + self._parts - 1) * self._each
        rows = self._read(self._order[np.arange(first, first + self._each) % len(self._order)])
        start = turn % self._parts * self._each
        if self._window.is_cuda:
            rows = rows.pin_memory()
        self._window[start : start + self._each].copy_(rows, non_blocking=True)
