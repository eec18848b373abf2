"""Choosing the device to train on."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

import torch

from retarget_cli.errors import EnvironmentProblem, UsageError
from retarget_cli.utils.memory import parse_size


def pick_device(name: str, max_memory: str | None = None) -> str:
    """Resolve ``auto``, ``cpu``, ``cuda`` or ``cuda:N`` to a device this machine has.

    max_memory: the most that this process may take of a GPU, like ``4GB``; None for all of it.
    Raises UsageError for other names and EnvironmentProblem when the device is not there.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda") or (index and not index.isdigit()):
        raise UsageError(f"unknown device '{name}'", fix="Use auto, cpu, cuda or cuda:N.")
    if kind == "cuda" and (not torch.cuda.is_available() or int(index or 0) >= torch.cuda.device_count()):
        raise EnvironmentProblem(
            f"the device '{name}' is not available",
            fix="Run `retarget doctor` to see what this machine has, or use --device cpu.",
        )
    if kind == "cuda":
        number = int(index) if index else torch.cuda.current_device()
        total = torch.cuda.get_device_properties(number).total_memory
        share = 1.0 if max_memory is None else parse_size(max_memory, where="--max-memory") / total
        torch.cuda.set_per_process_memory_fraction(min(1.0, share), number)
    return name


def to_device(modules: Iterable[torch.nn.Module], device: str) -> None:
    """Move modules to `device`, their weights in channels-last memory, which convolutions read faster."""
    for module in modules:
        module.to(torch.device(device))
        module.to(memory_format=torch.channels_last)


def freeze(modules: Iterable[torch.nn.Module], device: str) -> None:
    """Move trained modules to `device`, for use in evaluation mode and without gradients of their own."""
    modules = list(modules)
    to_device(modules, device)
    for module in modules:
        module.eval().requires_grad_(False)


def on_device(device: torch.device) -> AbstractContextManager[object]:
    """A context in which `device` is the current one, for what torch does on the current GPU: streams and graphs."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()
