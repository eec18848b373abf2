"""Work ahead in threads: prefetching, and mapping in order."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import Empty, Queue
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")
_WORKERS = min(4, os.cpu_count() or 1)


@contextmanager
def prefetched(items: Iterable[T], depth: int = 2) -> Iterator[Iterator[T]]:
    """`items` in their order, made by another thread that is at most `depth` of them ahead.

    An error of theirs is raised where the item would have come. The thread has ended when the context is left, also in
    the middle; `items` are closed then, if they can be.
    """
    ahead = _Ahead(items, depth)
    thread = threading.Thread(target=ahead.make, name="prefetch", daemon=True)
    thread.start()
    try:
        yield ahead.items()
    finally:
        ahead.leave()
        thread.join()


def mapped(function: Callable[[T], R], items: Iterable[T], workers: int = _WORKERS) -> Iterator[R]:
    """`function` of every item in their order, worked out by several threads for as many items at a time.

    An error comes where its result would have come; what was begun is finished before it is raised.
    """
    begun: deque[Future[R]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="mapped") as pool:
        for item in items:
            begun.append(pool.submit(function, item))
            if len(begun) == workers:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()


class _Ahead(Generic[T]):
    """The queue between both threads. An entry is a list with one item, an error, or None for the end."""

    def __init__(self, items: Iterable[T], depth: int) -> None:
        self._source = items
        self._queue: Queue[list[T] | BaseException | None] = Queue(depth)
        self._left = threading.Event()

    def make(self) -> None:
        """Make the items, in the thread."""
        try:
            for item in self._source:
                self._queue.put([item])
                del item  # else the last one lives on here while the next is made
                if self._left.is_set():
                    break
            else:
                self._queue.put(None)
        except BaseException as error:
            self._queue.put(error)
        finally:
            close = getattr(self._source, "close", None)
            if close is not None:
                close()

    def items(self) -> Iterator[T]:
        """Give what was made, until its end."""
        while (entry := self._queue.get()) is not None:
            if isinstance(entry, BaseException):
                raise entry
            yield entry.pop()

    def leave(self) -> None:
        """Make the thread end after the item it is at, whether or not it waits for room."""
        self._left.set()
        try:
            while True:
                self._queue.get_nowait()
        except Empty:
            pass
