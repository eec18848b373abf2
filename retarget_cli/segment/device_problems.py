"""What a device that fails under a network means to the user."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from retarget_cli.errors import EnvironmentProblem

_ELSEWHERE = "use --backend embedded, or the CPU (CUDA_VISIBLE_DEVICES= in front of the command)"
_GPU_WORDS = ("CUDA error", "CUDA driver", "cuDNN", "CUBLAS_STATUS", "CUDNN_STATUS")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory, of the GPU or of the machine, was too small."""
    named = any(kind.__name__ == "OutOfMemoryError" for kind in type(error).__mro__)
    return named or isinstance(error, MemoryError) or "can't allocate memory" in str(error)


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


def release_memory() -> None:
    """Give back what torch holds of the GPU's memory without using it."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
