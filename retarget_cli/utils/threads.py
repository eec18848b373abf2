"""Work in threads: ahead of its use, mapped in order, or beside other work."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from queue import Empty, Queue
from typing import ParamSpec, TypeVar

T = TypeVar("T")
R = TypeVar("R")
P = ParamSpec("P")
_WORKERS = min(4, os.cpu_count() or 1)


@contextmanager
def prefetched(items: Iterable[T], depth: int = 2) -> Iterator[Iterator[T]]:
    """`items` in their order, made by another thread that is at most `depth` of them ahead.

    An error of theirs is raised where the item would have come. The thread has ended when the context is left, also in
    the middle; `items` are closed then, if they can be.
    """
    # An entry is a list with one item, an error, or None for the end.
    ahead: Queue[list[T] | BaseException | None] = Queue(depth)
    left = threading.Event()
    thread = threading.Thread(target=_make, args=(items, ahead, left), name="prefetch", daemon=True)
    thread.start()
    try:
        yield _received(ahead)
    finally:
        left.set()
        with suppress(Empty):  # make room for the item that the thread is at
            while True:
                ahead.get_nowait()
        thread.join()


@contextmanager
def beside(function: Callable[P, object]) -> Iterator[Callable[P, None]]:
    """A function that hands its arguments to another thread, which calls `function` with them, one call at a time.

    An error of a call is raised by the next one, or when the context is left without another error. All calls have
    ended then.
    """
    begun: list[Future[object]] = []

    def later(*arguments: P.args, **named: P.kwargs) -> None:
        while begun:
            begun.pop().result()
        begun.append(pool.submit(function, *arguments, **named))

    with ThreadPoolExecutor(1, thread_name_prefix="beside") as pool:
        yield later
        while begun:
            begun.pop().result()


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


def _make(items: Iterable[T], ahead: Queue[list[T] | BaseException | None], left: threading.Event) -> None:
    """Put the items into the queue until they end or nobody wants more."""
    try:
        for item in items:
            ahead.put([item])
            del item  # else the last one lives on here while the next is made
            if left.is_set():
                break
        else:
            ahead.put(None)
    except BaseException as error:
        ahead.put(error)
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()


def _received(ahead: Queue[list[T] | BaseException | None]) -> Iterator[T]:
    while (entry := ahead.get()) is not None:
        if isinstance(entry, BaseException):
            raise entry
        yield entry.pop()
