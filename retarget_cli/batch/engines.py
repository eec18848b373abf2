"""The engine for a place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from retarget_cli.batch.here import HereEngine
from retarget_cli.batch.news import BatchReporter, UnitEvent
from retarget_cli.batch.scheduler import Engine
from retarget_cli.batch.where import INSTALL, Where
from retarget_cli.batch.work import Explain
from retarget_cli.events import Notice
from retarget_cli.stages.stage import Stop
from retarget_cli.store.engine import Store


@contextmanager
def started(where: Where, store: Store, tell: BatchReporter, stop: Stop, explain: Explain) -> Iterator[Engine]:
    """The engine for `where`, for as long as the context lasts; nothing it started is left afterwards.

    Raises as :meth:`Where.check`, and EnvironmentProblem when a cluster cannot be reached.
    """
    where.check()
    if not where.needs_ray:
        if where.idle:
            what = f"one training runs at a time; for {where.idle} more, install Ray: {INSTALL}"
            tell(UnitEvent("", Notice(what, "warning")))
        yield HereEngine(store, tell, stop, explain)
        return
    from retarget_cli.batch.ray_engine import RayEngine

    engine = RayEngine(where, store, tell, explain)
    try:
        yield engine
    finally:
        engine.close()
