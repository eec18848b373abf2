"""Readings of the device: time, how busy it is, memory, how fast it multiplies matrices."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import torch

from retarget_cli.training.precision import Precision, arithmetic
from retarget_cli.utils.memory import forget_peak, resident_peak

MATRIX_SECONDS = 1.0
Run = Callable[[int], None]  # so many steps


class DeviceMeter:
    """Measures a CPU; :class:`CudaMeter` says what differs on a GPU.

    chunk: steps between two readings of the clock.
    together: true when modes take turns, step by step, so that whatever else the machine does slows all of them alike.
    graphs: true when steps can be replayed.
    busy_means, memory_means: what those figures are.
    """

    chunk, together, graphs, matrix_size = 1, True, False, 1024
    busy_means = (
        "CPU time of the process over wall time and threads; threads that wait for each other count as busy, "
        "and what other programs took of the cores is missing"
    )
    memory_means = "resident set of the whole process at its highest, while it trained as `retarget train` does"

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)

    @property
    def name(self) -> str:
        """The device as its maker calls it."""
        with suppress(OSError):
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
        return platform.processor() or platform.machine()

    def wait(self) -> None:
        """Return when everything that was begun is done; on a CPU nothing is ever under way."""

    def forget_peak(self) -> None:
        """Begin a new peak of memory, where there is a Linux that allows it."""
        forget_peak()

    def peak(self) -> int | None:
        """Bytes at the highest since then; None where that cannot be read."""
        return resident_peak()

    def busy(self, run: Run, seconds: Sequence[float], processor: float) -> float | None:
        """Share of the time for which the device works, None where that cannot be read; see :attr:`busy_means`.

        seconds: wall times of steps; processor: CPU time of the process for all of them.
        """
        return processor / (sum(seconds) * torch.get_num_threads())

    def matrix_rate(self, precision: Precision) -> float:
        """FLOP/s of products of large square matrices: the highest of several that take about a second in all."""
        size = self.matrix_size
        factors = torch.randn(2, size, size, device=self.device).to(precision.half or torch.float32)
        best, end = float("inf"), time.perf_counter() + MATRIX_SECONDS
        with arithmetic(precision), torch.no_grad():
            torch.mm(*factors)
            while True:
                self.wait()
                started = time.perf_counter()
                torch.mm(*factors)
                self.wait()
                now = time.perf_counter()
                best = min(best, now - started)
                if now > end:
                    return 2 * size**3 / best

    def conditions(self) -> dict[str, object]:
        """The conditions of every figure: device, threads, versions, and how busy the machine was."""
        return {
            "kind": self.device.type,
            "name": self.name,
            "threads": torch.get_num_threads(),
            "cores": os.cpu_count(),
            "load_before": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            "torch": torch.__version__,
        }


class CudaMeter(DeviceMeter):
    """Measures a GPU. Modes are measured one after the other, so that the memory of each can be told."""

    chunk, together, graphs, matrix_size = 10, False, True, 8192
    busy_means = "time in kernels, as the profiler sees it, over wall time without the profiler"
    memory_means = "GPU memory in tensors at its highest"

    @property
    def name(self) -> str:
        """The GPU."""
        return torch.cuda.get_device_name(self.device)

    def wait(self) -> None:
        """Wait for the GPU: steps are only begun by the program."""
        torch.cuda.synchronize(self.device)

    def forget_peak(self) -> None:
        """Begin anew, as torch's allocator counts."""
        torch.cuda.reset_peak_memory_stats(self.device)

    def peak(self) -> int | None:
        """The highest, as torch's allocator counts."""
        return torch.cuda.max_memory_allocated(self.device)

    def busy(self, run: Run, seconds: Sequence[float], processor: float) -> float | None:
        """Share of the time in kernels. The profiler slows what the program does, and no kernel."""
        from torch.autograd import DeviceType
        from torch.profiler import ProfilerActivity, profile

        with profile(activities=[ProfilerActivity.CUDA]) as seen:
            run(self.chunk)
            self.wait()
        kernels = [each for each in seen.key_averages() if each.device_type == DeviceType.CUDA]
        microseconds = sum(each.self_device_time_total for each in kernels if not each.is_user_annotation)
        return microseconds / 1e6 / self.chunk / (sum(seconds) / len(seconds)) or None


def meter_of(device: str) -> DeviceMeter:
    """Return what measures ``cpu``, ``cuda`` or ``cuda:N``."""
    return DeviceMeter(device) if device == "cpu" else CudaMeter(device)
