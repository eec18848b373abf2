"""Running the same work again and again: as it is, or recorded once as a CUDA graph and replayed.

On a GPU a step of a small network is hundreds of launches that each take longer than their work. A graph launches once.
"""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable
from contextlib import suppress

import torch
from torch import Tensor

ENGINES = ("auto", "eager")
WARM_UP = 3  # runs before recording, in which torch makes what it keeps: optimizer state, workspaces, algorithms

Work = Callable[[], None]
Runner = Callable[[Work], None]


def runner(generator: torch.Generator, engine: str, warn: Callable[[str], None]) -> Runner:
    """Return what runs a piece of work, always the same one: by calling it, or on a GPU by replaying it.

    generator: the only one that the work draws from.
    engine: one of ENGINES; ``eager`` never records.
    warn: told why when recording fails; then every run is an eager one.
    """
    records = None if engine == "eager" else recorder(generator)
    return _eagerly if records is None else Replayed(records, warn)


def _eagerly(work: Work) -> None:
    work()


def recorder(generator: torch.Generator) -> Recorder | None:
    """Return what records on the generator's device; None where nothing can."""
    return Recorder(generator) if generator.device.type == "cuda" else None


def recording(device: torch.device) -> bool:
    """True when what is called now on `device` is recorded instead of run."""
    return device.type == "cuda" and torch.cuda.is_current_stream_capturing()


class Replayed:
    """Runs work eagerly WARM_UP times, records it, and replays the recording from then on. Every call is a run."""

    def __init__(self, recorder: Recorder, warn: Callable[[str], None]) -> None:
        self._recorder, self._warn = recorder, warn
        self._left = WARM_UP
        self._run: Runner | None = None

    def __call__(self, work: Work) -> None:
        """One run. It keeps nothing of `work`: the memory of a training is free when the training is forgotten."""
        if self._left > 0:
            self._left -= 1
            self._recorder.eagerly(work)
            return
        if self._run is None:
            self._run = self._recorded(work)
        self._run(work)

    def _recorded(self, work: Work) -> Runner:
        try:
            replay = self._recorder.record(work)
        except RuntimeError as error:  # torch's errors, those of CUDA and lack of memory among them
            reason = str(_first(error)).strip().partition("\n")[0]
            self._warn(f"training goes on without a CUDA graph, more slowly: recording it failed ({reason})")
            return _eagerly
        return lambda _: replay()


def _first(error: BaseException) -> BaseException:
    """The first thing that went wrong: ending a recording that has failed fails again, and says less."""
    return error if error.__context__ is None else _first(error.__context__)


class Recorder:
    """Records work that draws from `generator`, on a stream of its own."""

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator
        self._stream = torch.cuda.Stream(generator.device)

    def eagerly(self, work: Work) -> None:
        """Run it on the stream that will record it, so that autograd's accumulators belong to that stream."""
        current = torch.cuda.current_stream(self._generator.device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            work()
        current.wait_stream(self._stream)

    def record(self, work: Work) -> Work:
        """Return what runs all the kernels of `work` again. Recording runs none.

        Raises RuntimeError when something in it cannot be recorded; the generator and the stream are as before then.
        """
        current, drawn = torch.cuda.current_stream(self._generator.device), self._generator.get_state()
        graph, pool = torch.cuda.CUDAGraph(), torch.cuda.graph_pool_handle()
        self._register_generator(graph)
        # A collection in the middle of a recording could free what belongs to another one.
        gc.collect()
        collects = gc.isenabled()
        gc.disable()
        try:
            # Other threads (a display, a decoder) may call CUDA meanwhile: only this one is held to the rules.
            with torch.cuda.graph(graph, pool, self._stream, capture_error_mode="thread_local"):
                work()
        except RuntimeError:
            torch.cuda.set_stream(current)
            self._clean_up(pool, drawn)
            raise
        finally:
            if collects:
                gc.enable()
        return graph.replay

    def _register_generator(self, graph: torch.cuda.CUDAGraph) -> None:
        """Let replays draw on. Newer torch sees by itself who draws; it warns of this call and will not have it."""
        register = getattr(graph, "register_generator_state", None)
        if register is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                register(self._generator)

    def _clean_up(self, pool: tuple[int, int], drawn: Tensor) -> None:
        """Mend what torch leaves behind when a recording ends badly."""
        # The generator refuses to draw: give it another state, which stands where that one stood.
        fresh = torch.Generator(self._generator.device)
        fresh.set_state(drawn)
        self._generator.graphsafe_set_state(fresh)
        # The allocator still believes that memory is being recorded, and would refuse to free what it holds.
        with suppress(RuntimeError, AttributeError):  # it does not believe so when the end itself went well
            torch._C._cuda_endAllocateToPool(torch.cuda.current_device(), pool)
