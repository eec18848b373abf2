"""Counting floating-point operations, gradients and gradients of gradients included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


def count_flops(work: Callable[[], object]) -> int:
    """FLOPs of the matrix products and convolutions of one call; an addition and a multiplication are two.

    The formulas are those of `torch.utils.flop_counter.FlopCounterMode`. That class itself also follows modules, by
    hooks which cannot stand `torch.autograd.grad` inside the call.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a counter sees the kernels of its own thread alone: no work may go to others
    try:
        with _Counter() as counter:
            work()
    finally:
        torch.set_num_threads(threads)
    return counter.total


class _Counter(TorchDispatchMode):
    """Sees every kernel that is called, those of backward passes too."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket) if isinstance(func, torch._ops.OpOverload) else None
        if formula is not None:
            self.total += int(formula(*args, **(kwargs or {}), out_val=out))
        return out
