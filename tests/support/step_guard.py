"""Watching a step for what a CUDA graph could not repeat."""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

_INDEX = {torch.ops.aten.index.Tensor, torch.ops.aten.index_put.default, torch.ops.aten.index_put_.default}
_READS = {torch.Tensor.tolist, torch.Tensor.numpy, torch.Tensor.__array__}  # on a CPU these call no kernel


class _NoReads(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert func not in _READS, f"{func} reads numbers on the host"
        return func(*args, **(kwargs or {}))


class StepGuard(TorchDispatchMode):
    """Fails on numbers read by the host, on random draws that are not of a generator seeded with `seed`, on results
    whose size depends on data, and on tensors that are not on `device`.

    kernels: every call, by its name and the shapes that go in and come out.
    """

    def __init__(self, seed: int, device: str = "cpu") -> None:
        super().__init__()
        self.seed, self.device = seed, torch.device(device)
        self.kernels: list[tuple[str, list[tuple[int, ...]]]] = []
        self._no_reads = _NoReads()

    def __enter__(self) -> StepGuard:
        self._no_reads.__enter__()
        return super().__enter__()

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)
        self._no_reads.__exit__(*raised)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = func.name()
        assert torch.Tag.data_dependent_output not in func.tags, f"{name} reads a number on the host"
        if torch.Tag.nondeterministic_seeded in func.tags and self.device.type != "meta":
            generator = kwargs.get("generator")
            assert generator is not None and generator.initial_seed() == self.seed, f"{name} draws from another one"
        if func in _INDEX:
            masks = [index for index in args[1] if index is not None and index.dtype in (torch.bool, torch.uint8)]
            assert not masks, f"{name} by a mask: the size of the result depends on data"
        else:
            assert torch.Tag.dynamic_output_shape not in func.tags, f"{name}: the size of the result depends on data"
        out = func(*args, **kwargs)
        tensors = [value for value in tree_leaves((args, kwargs, out)) if isinstance(value, torch.Tensor)]
        assert all(value.device == self.device for value in tensors), f"{name} of tensors elsewhere"
        self.kernels.append((name, [tuple(value.shape) for value in tensors]))
        return out
