"""Independent work at the same time, each piece with its share of the processor's threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Barrier
from typing import TypeVar

import torch

T = TypeVar("T")


class SideBySide:
    """Runs pieces of work side by side on a CPU, and one after the other on a GPU or a single thread.

    Threads that share one network wait for each other in every operator: for nothing while they all run, but long when
    another program takes the place of one. Threads with a network each wait once a step. What they compute is, bit for
    bit, what it would be with their share of the threads alone.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool: ThreadPoolExecutor | None = None

    def run(self, pieces: Sequence[Callable[[], T]]) -> list[T]:
        """The results in the order of the pieces; the first error, when all have ended."""
        threads = torch.get_num_threads()
        workers = min(threads, len(pieces))
        if self._device.type != "cpu" or workers < 2:
            return [piece() for piece in pieces]
        if self._pool is None:
            self._pool = _pool(workers, threads)
        futures = [self._pool.submit(piece) for piece in pieces]
        wait(futures)
        return [future.result() for future in futures]


def _pool(workers: int, threads: int) -> ThreadPoolExecutor:
    """Workers that are there already, with an equal share of the threads each."""
    everyone = Barrier(workers)

    def begin() -> None:
        torch.set_num_threads(threads // workers)
        torch.get_num_threads()  # the first question fixes the number: later it would be what the caller has set
        everyone.wait()

    pool = ThreadPoolExecutor(workers, "side-by-side", initializer=begin)
    wait([pool.submit(torch.get_num_threads) for _ in range(workers)])
    torch.set_num_threads(threads)  # what the workers set for themselves is also what later threads would begin with
    return pool
