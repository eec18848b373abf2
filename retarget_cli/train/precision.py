"""Which arithmetic the networks train in."""

from __future__ import annotations

from typing import Any

import torch

from retarget_cli.errors import EnvironmentProblem


def uses_bf16(device: str, precision: str) -> bool:
    """Whether networks on `device` run under bf16 autocast. precision: ``auto``, ``fp32`` or ``bf16``.

    ``auto`` means bf16 where the processor multiplies it natively, and fp32 elsewhere, where bf16 would be slower.
    Raises EnvironmentProblem when bf16 is asked of a GPU that only emulates it.
    """
    if precision == "fp32":
        return False
    if not device.startswith("cuda"):
        return precision == "bf16" or cpu_multiplies_bf16()
    native = torch.cuda.is_bf16_supported(including_emulation=False)
    if precision == "bf16" and not native:
        raise EnvironmentProblem(
            "this GPU has no bf16 arithmetic", where=device, fix="Leave --precision out, or use --precision fp32."
        )
    return bool(native)


def cpu_multiplies_bf16() -> bool:
    """Whether the CPU has instructions for bf16 products (AVX-512 BF16 or AMX): a step takes 0.6 the time."""
    known: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # torch before 2.12 cannot tell
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))
