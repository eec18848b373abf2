"""Choosing the device to train on."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

import torch

from retarget_cli.errors import EnvironmentProblem, UsageError


def pick_device(name: str) -> str:
    """Resolve ``auto``, ``cpu``, ``cuda`` or ``cuda:N`` to a device this machine has.

    Raises UsageError for other names and EnvironmentProblem when the device is not there.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda") or (index and not index.isdigit()):
        raise UsageError(f"unknown device '{name}'", fix="Use auto, cpu, cuda or cuda:N.")
    if kind == "cuda" and (not torch.cuda.is_available() or int(index or 0) >= torch.cuda.device_count()):
        raise EnvironmentProblem(
            f"the device '{name}' is not available",
            fix="Run `retarget doctor` to see what this machine has, or use --device cpu.",
        )
    return name


def to_device(modules: Iterable[torch.nn.Module], device: str) -> None:
    """Move modules to `device`, their weights in channels-last memory, which convolutions read faster."""
    for module in modules:
        module.to(torch.device(device))
        module.to(memory_format=torch.channels_last)


def on_device(device: torch.device) -> AbstractContextManager[object]:
    """A context in which `device` is the current one, for what torch does on the current GPU: streams and graphs."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()
