"""What runs on a machine of a Ray cluster: one unit, with word of how far it is and an ear for a stop."""

from __future__ import annotations

import functools
import os
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from retarget_cli import __version__
from retarget_cli.batch.graph import Lane, Unit
from retarget_cli.batch.opened import with_device
from retarget_cli.batch.parcels import SuppliedStore, Supply, brought, private_workspace
from retarget_cli.batch.work import Ended, Explain, Fault, run_unit
from retarget_cli.events import Event, Progress
from retarget_cli.stages.stage import Tools
from retarget_cli.store.engine import Store
from retarget_cli.utils.hardware import device_class, planning_for

BEAT = 1.0  # seconds between two words to the board, and most after which a stop is heard
_CROWD = 200  # events in one word; of more, the last ones


@dataclass(frozen=True)
class Terms:
    """What every unit of a batch shares. root: the workspace; token: a file in it, by which it is recognised.

    devices: CUDA devices that the machines have, as the plans say; share: of a GPU's memory, that a training may take;
    cores: CPU threads of a unit, by lane.
    """

    root: Path
    token: str
    version: str
    devices: int
    share: float
    cores: Mapping[Lane, int]
    explain: Explain

    def shared(self) -> bool:
        """Whether this machine sees the workspace of the one that asks."""
        return (self.root / "tmp" / self.token).is_file()


def work(unit: Unit, terms: Terms, board: Any, supply: Supply | None, node: str, attempt: int) -> Ended:
    """Run a unit on this machine. board: an actor that takes words and answers whether to stop. Raises nothing.

    supply: results and files that this machine may lack, for one that does not share the workspace.
    """
    if terms.version != __version__:
        what = f"{socket.gethostname()} has version {__version__} of retarget, and {terms.version} asks it"
        return Ended(unit.id, "failed", fault=Fault(what, None, "Install the same version there.", 4, True), node=node)
    _use_threads(terms.cores[unit.lane])
    talk = _Talk(board, unit, attempt)
    try:
        shared = terms.shared()
        if not shared and supply is None:
            what = f"the workspace is not shared with {socket.gethostname()}"
            fix = "Mount it there under the same path, then run the same command again."
            return Ended(unit.id, "failed", fault=Fault(what, str(terms.root), fix, 5, True), node=node)
        with planning_for(terms.devices):
            store = _store(terms.root) if shared else SuppliedStore(private_workspace(terms.root), supply)
            local = _at_home(unit, terms, None if shared else supply)
            ended = run_unit(local, Tools(store, talk, talk.stopped, waits=False), terms.explain)
            return replace(ended, node=node, parcels=() if shared else brought(store, ended))
    except Exception as error:
        return Ended(unit.id, "failed", fault=Fault.of(terms.explain(error), error), node=node)
    finally:
        talk.close()


@functools.cache
def _store(root: Path) -> Store:
    """The workspace, opened once a process."""
    return Store(root)


def _at_home(unit: Unit, terms: Terms, supply: Supply | None) -> Unit:
    """The unit with the files and the device of this machine."""
    limit = _limit(terms.share) if terms.devices and unit.lane == "device" else None
    pieces = []
    for piece in unit.pieces:
        device = device_class(piece.job.config.device)  # Ray shows a process its own GPU alone
        job = with_device(piece.job, device, limit if device == "cuda" else None)
        part = piece.part
        if supply is not None:
            job, part = supply.at_home(job, part)
        pieces.append(replace(piece, job=job, part=part))
    return replace(unit, pieces=tuple(pieces))


def _limit(share: float) -> str | None:
    """The memory of this GPU that a training may take, as `--max-memory` has it; None for all of it."""
    if share >= 1:
        return None
    import torch

    return f"{int(torch.cuda.get_device_properties(0).total_memory * share)}"


def _use_threads(cores: int) -> None:
    """Let the libraries of this process compute with no more threads than the unit was given cores."""
    os.environ["OMP_NUM_THREADS"] = str(cores)
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(cores)


class _Talk:
    """A reporter that sends events to the board from a thread of its own, once a second."""

    def __init__(self, board: Any, unit: Unit, attempt: int) -> None:
        self._board, self._unit = board, unit.id
        self._guard = threading.Lock()
        self._events: list[Event] = []
        self._stop = False
        self._closed = threading.Event()
        self._send([], (unit.name, socket.gethostname(), attempt))
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def __call__(self, event: Event) -> None:
        with self._guard:
            last = self._events[-1] if self._events else None
            if isinstance(event, Progress) and isinstance(last, Progress) and last.stage == event.stage:
                self._events.pop()
            self._events.append(event)
            del self._events[:-_CROWD]

    def stopped(self) -> bool:
        """Whether the batch is to end."""
        return self._stop

    def close(self) -> None:
        """Send what is left."""
        self._closed.set()
        left = self._take()
        if left:
            with suppress(Exception):
                self._send(left)

    def _beat(self) -> None:
        while not self._closed.wait(BEAT):
            with suppress(Exception):  # the batch is gone: Ray ends this process soon
                import ray

                answer = self._send(self._take())
                self._stop = self._stop or bool(ray.get(answer, timeout=10))

    def _send(self, events: Sequence[Event], begun: tuple[str, str, int] | None = None) -> Any:
        return self._board.post.remote(self._unit, list(events), begun)

    def _take(self) -> list[Event]:
        with self._guard:
            taken, self._events = self._events, []
        return taken


class Board:
    """Keeps what units tell until the batch asks for it. It is an actor on the machine of the batch."""

    def __init__(self) -> None:
        self._news: list[tuple[str, list[Event], tuple[str, str, int] | None]] = []
        self._stop = False

    def post(self, unit: str, events: list[Event], begun: tuple[str, str, int] | None) -> bool:
        """Take what a unit tells. begun: its name, its machine and its attempt, when it begins. True: it is to stop."""
        self._news.append((unit, events, begun))
        return self._stop

    def take(self) -> list[tuple[str, list[Event], tuple[str, str, int] | None]]:
        """Everything since the last call."""
        taken, self._news = self._news, []
        return taken

    def stop(self) -> None:
        """Have every unit stop at its next word."""
        self._stop = True


@dataclass(frozen=True)
class Found:
    """What a machine of a cluster is. gpus: that torch can use there; asked: when."""

    node: str
    host: str
    version: str
    gpus: int
    shared: bool
    asked: float


def look(node: str, root: Path, token: str) -> Found:
    """Look at this machine."""
    from retarget_cli.utils.hardware import cuda_devices

    shared = (root / "tmp" / token).is_file()
    return Found(node, socket.gethostname(), __version__, cuda_devices(), shared, time.time())
