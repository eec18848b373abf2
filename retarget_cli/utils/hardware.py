"""Devices of this machine, found without importing torch (which takes two seconds).

A finished run must be recognised as finished at once, and its keys hold the class of the device.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retarget_cli.errors import EnvironmentProblem, UsageError

_elsewhere: list[int] = []  # devices of the machines that are planned for, where these are not this one


def cuda_devices() -> int:
    """Number of CUDA devices that the installed torch can use; 0 when torch was built without CUDA."""
    return _elsewhere[-1] if _elsewhere else _own_devices()


@contextmanager
def planning_for(devices: int) -> Iterator[None]:
    """Within it, this machine counts as one with so many CUDA devices: plans for others are made as they would be."""
    _elsewhere.append(devices)
    try:
        yield
    finally:
        _elsewhere.pop()


@functools.cache
def _own_devices() -> int:
    return _driver_devices() if _torch_has_cuda() else 0


def device_class(device: str, where: str = "--device") -> str:
    """``cpu`` or ``cuda`` for a device as a user writes it (``auto``, ``cpu``, ``cuda``, ``cuda:1``).

    where: the option it was given to. Raises UsageError for other words and EnvironmentProblem when the machine has no
    such device.
    """
    if device == "auto":
        return "cuda" if cuda_devices() else "cpu"
    if device == "cpu":
        return "cpu"
    match = re.fullmatch(r"cuda(?::(\d+))?", device)
    if match is None:
        raise UsageError(f"there is no device '{device}'", where=where, fix="Use auto, cpu, cuda or cuda:1.")
    if int(match[1] or 0) >= cuda_devices():
        what = f"the device '{device}' is not available: torch can use {cuda_devices()} CUDA device(s) here"
        fix = "Use --device cpu, or run `retarget doctor` to see what is missing."
        raise EnvironmentProblem(what, where=where, fix=fix)
    return "cuda"


def _torch_has_cuda() -> bool:
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    version = Path(spec.origin).with_name("version.py")
    if not version.exists():
        return False
    return re.search(r"^cuda\b[^=]*=\s*['\"]", version.read_text(encoding="utf-8"), re.MULTILINE) is not None


def _driver_devices() -> int:
    """Ask the CUDA driver itself; it honours CUDA_VISIBLE_DEVICES."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        count = ctypes.c_int(0)
        if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
            return 0
    except (OSError, AttributeError):
        return 0
    return int(count.value)
