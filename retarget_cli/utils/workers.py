"""Processes that stay warm and compute what is looked at, so that the server never waits and never computes."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from retarget_cli.errors import EnvironmentProblem, InputError, RetargetError

KINDS = ("look", "prepare", "click")
"""``look``: what has to answer at once; ``prepare``: what may take long; ``click``: what asks a segmentation network.

Each is a process of its own.
"""


class Workers:
    """One process of each kind, started when it is needed first."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._pools: dict[str, ProcessPoolExecutor] = {}

    async def call(self, kind: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of a module in a worker. Raises the RetargetError that it raises there."""
        for trial in range(2):
            pool = self._pools.get(kind)
            if pool is None:
                pool = self._pools[kind] = ProcessPoolExecutor(
                    1, mp_context=self._context, initializer=_begin, initargs=(os.getpid(),)
                )
            try:
                loop = asyncio.get_running_loop()
                answer, error = await loop.run_in_executor(pool, _told, function, arguments)
                break
            except BrokenProcessPool as broken:  # it was killed, say for its memory; the next one begins afresh
                self._pools.pop(kind, None)
                if trial:
                    fix = "Close other programs and try again."
                    raise EnvironmentProblem("a process of the studio was ended", fix=fix) from broken
        if error is not None:
            raise InputError(error["what"], where=error["where"], fix=error["fix"])
        return answer

    def close(self) -> None:
        """End the processes."""
        for pool in self._pools.values():
            for process in list((pool._processes or {}).values()):  # what they do is only looked at
                process.terminate()
            pool.shutdown(wait=True, cancel_futures=True)


def _told(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, dict[str, Any] | None]:
    """Call it; errors come back as plain values, as exceptions with names for their arguments cannot."""
    try:
        return function(*arguments), None
    except RetargetError as error:
        return None, {"what": error.what, "where": error.where, "fix": error.fix}
    except (OSError, MemoryError) as error:
        return None, {"what": f"the system refuses: {error}", "where": None, "fix": "Check the disk and the memory."}


def _begin(parent: int) -> None:
    """End with the server, however it ends."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    os.nice(2)  # what a person waits for in the page itself comes first
