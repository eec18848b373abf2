"""Which arithmetic the networks train in."""

from __future__ import annotations

import torch

from retarget_cli.errors import EnvironmentProblem


def uses_bf16(device: str, precision: str) -> bool:
    """Whether networks on `device` run under bf16 autocast. precision: ``auto``, ``fp32`` or ``bf16``.

    ``auto`` means bf16 where a GPU has it natively and fp32 elsewhere: on CPUs without matrix units bf16 is slower.
    Raises EnvironmentProblem when bf16 is asked of a GPU that only emulates it.
    """
    if precision == "fp32" or (precision == "auto" and not device.startswith("cuda")):
        return False
    if not device.startswith("cuda"):
        return True
    native = torch.cuda.is_bf16_supported(including_emulation=False)
    if precision == "bf16" and not native:
        raise EnvironmentProblem(
            "this GPU has no bf16 arithmetic", where=device, fix="Leave --precision out, or use --precision fp32."
        )
    return bool(native)
