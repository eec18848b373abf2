"""What a device that fails under a network means to the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from retarget_cli.errors import EnvironmentProblem
from retarget_cli.memory import is_out_of_memory

_ELSEWHERE = "use --backend embedded, or the CPU (CUDA_VISIBLE_DEVICES= in front of the command)"
_GPU_WORDS = ("CUDA error", "CUDA driver", "cuDNN", "CUBLAS_STATUS", "CUDNN_STATUS")


@contextmanager
def device_problems() -> Iterator[None]:
    """Turn a lack of memory and a failing GPU into an EnvironmentProblem."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            raise EnvironmentProblem(
                "There is not enough memory for this segmentation network.",
                fix=f"Take a smaller network (--weights sam-vit-b), {_ELSEWHERE}.",
            ) from error
        if any(word in str(error) for word in _GPU_WORDS):
            line = str(error).strip().splitlines()[0]
            raise EnvironmentProblem(
                f"The GPU failed under the segmentation network: {line}",
                fix=f"Run it again; if it stays so, {_ELSEWHERE}.",
            ) from error
        raise
