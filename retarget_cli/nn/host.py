"""Bringing results of a GPU to the CPU without making either wait."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


class OnHost:
    """A tensor on its way to the CPU: the copy runs while the program goes on, and the GPU with what it does next."""

    def __init__(self, tensor: Tensor) -> None:
        self._values = tensor
        self._copied: torch.cuda.Event | None = None
        if tensor.is_cuda:
            # Only into pinned memory does a copy run by itself.
            self._values = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
            self._values.copy_(tensor.contiguous(), non_blocking=True)
            self._copied = torch.cuda.Event()
            self._copied.record(torch.cuda.current_stream(tensor.device))

    def numpy(self) -> np.ndarray:
        """The values, once they are here; the array shares their memory."""
        if self._copied is not None:
            self._copied.synchronize()
        return self._values.numpy()
