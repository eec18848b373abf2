"""Running units on Ray: started on this machine for the time of a batch, or a cluster that is there."""

from __future__ import annotations

import logging
import os
import queue
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from retarget_cli import __version__
from retarget_cli.batch.graph import LANES, Lane, Unit
from retarget_cli.batch.news import BatchReporter, UnitEvent, UnitStarted
from retarget_cli.batch.parcels import Parcel, Stock, Supply, install
from retarget_cli.batch.ray_task import Board, Found, Terms, look, work
from retarget_cli.batch.where import INSTALL, Where
from retarget_cli.batch.work import Ended, Explain, Fault
from retarget_cli.errors import EnvironmentProblem
from retarget_cli.events import Notice
from retarget_cli.store.engine import Store
from retarget_cli.store.presence import draft_name
from retarget_cli.utils.hardware import cuda_devices

_PATIENCE = 60.0  # seconds for machines to answer when a cluster is joined
_AHEAD = 2  # units in Ray's hands for each that can run
_QUIET = 30.0  # seconds without anything at work after which it is told that nothing has room


@dataclass(frozen=True)
class Room:
    """What a cluster offers. cpus, gpus: in all; nodes: machines; least: CPUs of the smallest of them."""

    cpus: int
    gpus: float
    nodes: int
    least: int


class RayEngine:
    """Hands units to Ray. It keeps nothing that matters: what was made is in the store, whatever happens to Ray.

    Raises EnvironmentProblem when Ray is missing, or a cluster does not answer.
    """

    def __init__(self, where: Where, store: Store, tell: BatchReporter, explain: Explain) -> None:
        self._store, self._tell, self._explain = store, tell, explain
        self._ray = _load()
        self._own_init = _connect(self._ray, where)
        try:
            self._token = draft_name("shared")
            (store.root / "tmp" / self._token).write_bytes(b"")
            self._board = self._start_board()
            found = self._machines()
            self.room_there = _room(self._ray)
            self.devices = max((each.gpus for each in found), default=0) if where.gpus_per_job else 0
            self._private = [each.host for each in found if not each.shared]
            self._options = _options(self.room_there, where)
            cores: dict[Lane, int] = {lane: max(1, int(self._options[lane]["num_cpus"])) for lane in LANES}
            self._terms = Terms(
                store.root, self._token, __version__, self.devices, min(1.0, where.gpus_per_job), cores, explain
            )
            self._shared_terms = self._ray.put(self._terms)
        except BaseException:
            self.close()
            raise
        self._often = self._ray.remote(max_retries=0)(_task)  # the scheduler decides what is tried again
        # A process that computed on a GPU keeps its memory, and cannot change to another one.
        self._once = self._ray.remote(max_retries=0, max_calls=1)(_task)
        self._jobs = where.jobs
        self._out: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._flying: dict[str, tuple[Unit, Any]] = {}
        self._stock = Stock(store, lambda parcel: _Ref(self._ray.put(parcel)), _fetch)
        self._busy_since, self._told = time.monotonic(), False
        self._running: set[str] = set()
        if self._private:
            hosts = ", ".join(sorted(set(self._private)))
            tell(UnitEvent("", Notice(f"{hosts} does not share the workspace: results travel through Ray")))

    def room(self, lane: Lane) -> int:
        """How many more units Ray would get to before long."""
        needs, room = self._options[lane], self.room_there
        slots = room.cpus / needs["num_cpus"] if needs["num_cpus"] else room.cpus
        if needs["num_gpus"]:
            slots = min(slots, room.gpus / needs["num_gpus"])
        most = max(1, int(slots)) * _AHEAD
        if lane == "device" and self._jobs is not None:
            most = self._jobs
        return most - sum(unit.lane == lane for unit, _ in self._flying.values())

    def submit(self, unit: Unit, attempt: int, avoid: Sequence[str]) -> None:
        """Give a unit to Ray."""
        options = dict(self._options[unit.lane])
        if avoid and len(set(avoid)) < self.room_there.nodes:
            options["label_selector"] = {"ray.io/node-id": f"!in({','.join(sorted(set(avoid)))})"}
        supply = self._stock.supply(unit) if self._private else None
        many = self.room_there.nodes > 1
        task = self._once if self.devices and unit.lane == "device" else self._often
        ref = task.options(name=unit.name, **options).remote(
            unit, self._shared_terms, self._board, supply, many, attempt
        )
        self._flying[unit.id] = unit, ref
        ref.future().add_done_callback(lambda done, id=unit.id: self._out.put((id, done)))

    def wait(self, seconds: float) -> tuple[list[UnitStarted | UnitEvent], list[Ended]]:
        """What units told, and which ended."""
        ended = []
        with suppress(queue.Empty):
            ended.append(self._out.get(timeout=seconds))
            while True:
                ended.append(self._out.get_nowait())
        events = self._news()
        return events, [self._landed(id, done) for id, done in ended]

    def stop(self) -> None:
        """Ask every unit to save and end; those that have not begun are taken back."""
        with suppress(Exception):
            self._ray.get(self._board.stop.remote(), timeout=10)
        for id, (_, ref) in list(self._flying.items()):
            if id not in self._running:
                with suppress(Exception):
                    self._ray.cancel(ref, force=False)

    def close(self) -> None:
        """End what was started on this machine, or leave the cluster."""
        with suppress(OSError):
            (self._store.root / "tmp" / self._token).unlink(missing_ok=True)
        with suppress(Exception):
            self._ray.kill(self._board)
        if self._own_init:
            with suppress(Exception):
                self._ray.shutdown()

    def _start_board(self) -> Any:
        actor = self._ray.remote(Board).options(num_cpus=0, max_restarts=-1, max_task_retries=-1, **_near(self._ray))
        board = actor.remote()
        self._ray.get(board.take.remote(), timeout=_PATIENCE)
        return board

    def _machines(self) -> list[Found]:
        """What the machines of the cluster are; those that do not answer are left out."""
        refs = []
        for node in self._ray.nodes():
            if node["Alive"]:
                task = self._ray.remote(look).options(num_cpus=0, max_retries=0, **_on(node["NodeID"]))
                refs.append(task.remote(node["NodeID"], self._store.root, self._token))
        ready, _ = self._ray.wait(refs, num_returns=len(refs), timeout=_PATIENCE)
        found = []
        for ref in ready:
            try:
                found.append(self._ray.get(ref))
            except Exception as error:
                self._tell(
                    UnitEvent("", Notice(f"a machine of the cluster cannot be used: {_short(error)}", "warning"))
                )
        if not found:
            fix = "Install the same version of retarget, Ray and Python on every machine; `ray status` shows them."
            raise EnvironmentProblem("no machine of the Ray cluster can be used", where="--on", fix=fix)
        return found

    def _news(self) -> list[UnitStarted | UnitEvent]:
        events: list[UnitStarted | UnitEvent] = []
        try:
            words = self._ray.get(self._board.take.remote(), timeout=10)
        except Exception:  # its machine was lost: Ray starts it again, and what it held is not missed
            return events
        for unit, told, begun in words:
            if begun is not None:
                self._running.add(unit)
                self._busy_since, self._told = time.monotonic(), False
                events.append(UnitStarted(unit, *begun))
            events += [UnitEvent(unit, event) for event in told]
        waits = bool(self._flying) and not self._running & self._flying.keys()
        if waits and not self._told and time.monotonic() - self._busy_since > _QUIET:
            self._told = True
            what = "no machine has room for the next step just now; waiting"
            events.append(UnitEvent("", Notice(what, "warning")))
        return events

    def _landed(self, id: str, done: Any) -> Ended:
        self._flying.pop(id, None)
        self._running.discard(id)
        try:
            ended: Ended = done.result()
        except BaseException as error:
            return self._failed(id, error)
        try:
            for stage, key, parcel in ended.parcels:
                install(self._store, stage, key, parcel)
        except Exception as error:
            return replace(ended, state="failed", fault=Fault.of(self._explain(error), error), parcels=())
        self._stock.learn(ended)
        return replace(ended, parcels=())

    def _failed(self, id: str, error: BaseException) -> Ended:
        """A unit that gave no answer: its process or its machine is gone, or Ray itself failed."""
        exceptions = self._ray.exceptions
        if isinstance(error, exceptions.TaskCancelledError):
            return Ended(id, "stopped")
        if isinstance(error, exceptions.OutOfMemoryError):
            fix = "Run fewer trainings at a time (--jobs), or use a smaller crop or preset."
            return Ended(id, "crashed", fault=Fault("a machine had not enough memory", None, fix, 4))
        gone = (exceptions.WorkerCrashedError, exceptions.NodeDiedError, exceptions.LocalRayletDiedError,
                exceptions.ObjectLostError, exceptions.RaySystemError, exceptions.ActorDiedError)  # fmt: skip
        fix = "Run the same command again; it goes on where it stopped."
        if isinstance(error, gone):
            return Ended(id, "crashed", fault=Fault(f"its process was lost: {_short(error)}", None, fix, 4))
        return Ended(id, "failed", fault=Fault(f"Ray could not run it: {_short(error)}", None, fix, 4))


@dataclass(frozen=True)
class _Ref:
    """A reference that Ray does not resolve by itself before a task begins."""

    ref: Any


def _fetch(held: _Ref) -> Parcel:
    import ray

    parcel: Parcel = ray.get(held.ref)
    return parcel


def _task(unit: Unit, terms: Terms, board: Any, supply: Supply | None, many: bool, attempt: int) -> Ended:
    """The task that Ray runs. many: whether there are other machines, to which a fault may be left."""
    import ray

    node = ray.get_runtime_context().get_node_id() if many else ""
    return work(unit, terms, board, supply, node, attempt)


def _load() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        what = "the package ray is missing"
        raise EnvironmentProblem(what, where="--on", fix=f"Install it: {INSTALL}.") from error
    logging.getLogger("ray").setLevel(logging.ERROR)
    return ray


def _connect(ray: Any, where: Where) -> bool:
    """Start Ray here or join a cluster; True when it is to be left again. Raises EnvironmentProblem."""
    if ray.is_initialized():
        return False
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False, "configure_logging": False}
    try:
        with _signals_kept(), _visible(where.gpus if where.on in (None, "local") else None):
            if where.on in (None, "local"):
                gpus = len(where.gpus) if where.gpus is not None else cuda_devices()
                ray.init(address="local", num_gpus=gpus, include_dashboard=False, **quiet)
            else:
                address = where.on if where.on != "auto" else os.environ.get("RAY_ADDRESS") or "auto"
                ray.init(address=address, **quiet)
    except (ConnectionError, RuntimeError, ValueError, OSError, TimeoutError, ImportError) as error:
        fix = (
            "Check its address, its versions of Python and Ray, and RAY_AUTH_MODE=token where `ray start` asks for one."
        )
        if where.on in (None, "local"):
            fix = "Try again; `ray stop` ends what an earlier start may have left."
        raise EnvironmentProblem(
            f"Ray cannot be reached: {_short(error)}", where=where.on or "--on", fix=fix
        ) from error
    return True


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray sets handlers of its own; ours save the state of what runs."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        with suppress(ValueError):  # not in the main thread
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def _visible(gpus: tuple[int, ...] | None) -> Iterator[None]:
    """Let what is started see these GPUs alone."""
    name = "CUDA_VISIBLE_DEVICES"
    before = os.environ.get(name)
    if gpus is not None:
        os.environ[name] = ",".join(map(str, gpus))
    try:
        yield
    finally:
        if gpus is not None:
            os.environ.pop(name, None) if before is None else os.environ.__setitem__(name, before)


def _near(ray: Any) -> dict[str, Any]:
    """Options that put an actor on the machine of the batch, where that is one of the cluster."""
    try:
        return _on(ray.get_runtime_context().get_node_id(), soft=True)
    except Exception:  # a client from outside
        return {}


def _on(node: str, soft: bool = False) -> dict[str, Any]:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return {"scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=soft)}


def _room(ray: Any) -> Room:
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    cpus = [int(node.get("CPU", 0)) for node in nodes]
    least = min((count for count in cpus if count), default=1)
    return Room(max(1, sum(cpus)), sum(node.get("GPU", 0.0) for node in nodes), max(1, len(nodes)), least)


def _options(room: Room, where: Where) -> dict[Lane, dict[str, Any]]:
    """What a unit of each lane takes. Where there are no GPUs, trainings divide the CPUs."""
    other = {"num_cpus": 1, "num_gpus": 0}
    if room.gpus and where.gpus_per_job:
        return {"device": {"num_cpus": 1, "num_gpus": where.gpus_per_job}, "cpu": other}
    each = max(1, min(room.least, room.cpus // (where.jobs or room.nodes)))
    return {"device": {"num_cpus": each, "num_gpus": 0}, "cpu": other}


def _short(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200]
