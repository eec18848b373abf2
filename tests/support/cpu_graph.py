"""A CUDA graph's double on the CPU: what was computed once is computed again, kernel by kernel, on the same memory.

As in a CUDA graph nothing of Python runs again. Numbers that Python made are frozen, tensors are read and written where
they lay, and only the generator goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class _Kernels(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, tuple[Any, ...], dict[str, Any], Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if not func.name().startswith("profiler::"):
            self.calls.append((func, args, kwargs or {}, out))
        return out


class CpuRecorder:
    """Stands in for `training.cuda_graph.Recorder`. Its recording runs once: the first replay is that run."""

    def __init__(self) -> None:
        self.warm_ups = self.replays = 0

    def eagerly(self, work: Callable[[], None]) -> None:
        self.warm_ups += 1
        work()

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        with _Kernels() as kernels:
            work()

        def replay() -> None:
            self.replays += 1
            if self.replays > 1:
                with torch._C._AutoDispatchBelowAutograd():
                    for call in kernels.calls:
                        _again(*call)

        return replay


def _again(func: Any, args: Any, kwargs: Any, recorded: Any) -> None:
    new = func(*args, **kwargs)
    if any(value.alias_info is not None for value in func._schema.returns):
        return  # a view of what was written already, or what the kernel itself has written
    for old, value in zip(_tensors(recorded), _tensors(new), strict=True):
        old.copy_(value)


def _tensors(values: Any) -> Iterator[torch.Tensor]:
    return (value for value in tree_leaves(values) if isinstance(value, torch.Tensor))
