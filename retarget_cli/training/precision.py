"""The arithmetic that networks train in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from retarget_cli.errors import EnvironmentProblem

_TRIED = 3
"""Algorithms of a convolution that are timed; all that there are would take longer than they save in a training."""


@dataclass(frozen=True)
class Precision:
    """half: the type in which networks multiply, None for fp32. Coordinates, losses and weights are fp32 always."""

    half: torch.dtype | None = None

    @property
    def name(self) -> str:
        """``fp32``, ``bf16`` or ``fp16``."""
        return {None: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}[self.half]

    @property
    def needs_scaling(self) -> bool:
        """True when small gradients vanish unless the loss is scaled up."""
        return self.half is torch.float16

    def autocast(self, device: torch.device) -> torch.autocast:
        """The context to call networks in."""
        return torch.autocast(device.type, self.half or torch.bfloat16, enabled=self.half is not None)


FP32, BF16, FP16 = Precision(), Precision(torch.bfloat16), Precision(torch.float16)


def pick_precision(device: str, wanted: str) -> Precision:
    """Return what `wanted`, one of ``auto``, ``fp32``, ``bf16`` and ``fp16``, means on `device`.

    ``auto`` is bf16 where the processor multiplies it natively; elsewhere fp16 on a GPU and fp32 on a CPU.
    Raises EnvironmentProblem when a GPU only emulates bf16, and when fp16 is asked of a CPU.
    """
    cuda = device.startswith("cuda")
    if wanted == "auto":
        if cuda:
            return BF16 if gpu_multiplies_bf16() else FP16
        return BF16 if cpu_multiplies_bf16() else FP32
    if wanted == "fp16" and not cuda:
        raise EnvironmentProblem(
            "a CPU is slow in fp16", where="--precision", fix="Leave --precision out, or use bf16 or fp32."
        )
    if wanted == "bf16" and cuda and not gpu_multiplies_bf16():
        raise EnvironmentProblem(
            "this GPU has no bf16 arithmetic", where=device, fix="Leave --precision out, or use fp16 or fp32."
        )
    return next(each for each in (FP32, BF16, FP16) if each.name == wanted)


def gpu_multiplies_bf16() -> bool:
    """True when the GPU has bf16 units; torch would emulate what it has not."""
    return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def cpu_multiplies_bf16() -> bool:
    """True when the CPU has instructions for bf16 products (AVX-512 BF16 or AMX): a step takes 0.6 the time."""
    known: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # torch before 2.12 cannot tell
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


@contextmanager
def arithmetic(precision: Precision) -> Iterator[None]:
    """Settings of torch for training, put back afterwards.

    Convolutions try a few of their algorithms, since shapes never change. TF32 keeps ten bits of every factor, as fp16
    does: fp32 convolutions beside half precision (LPIPS, the keypoint head) may use it, fp32 training may not, and
    matrix products, which move coordinates, never do.
    """
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.benchmark, cudnn.benchmark_limit, cudnn.allow_tf32, matmul.allow_tf32
    cudnn.benchmark, cudnn.benchmark_limit = True, _TRIED
    cudnn.allow_tf32, matmul.allow_tf32 = precision.half is not None, False
    try:
        yield
    finally:
        cudnn.benchmark, cudnn.benchmark_limit, cudnn.allow_tf32, matmul.allow_tf32 = before


@contextmanager
def without_trials() -> Iterator[None]:
    """No trials of algorithms: for batches of a shape that comes a few times in a training."""
    cudnn = torch.backends.cudnn
    before, cudnn.benchmark = cudnn.benchmark, False
    try:
        yield
    finally:
        cudnn.benchmark = before
