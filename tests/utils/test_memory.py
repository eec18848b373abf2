from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch

from retarget_cli.errors import UsageError
from retarget_cli.pipeline.settings import load_config
from retarget_cli.utils import hardware
from retarget_cli.utils.memory import attempted, in_chunks, is_out_of_memory, parse_size


class Large:
    """Something that takes memory."""


def exhaust(_amount: int = 0) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def test_the_cpu_says_so_too() -> None:
    with pytest.raises(RuntimeError) as torch_error:
        torch.empty(2**61, dtype=torch.uint8)
    with pytest.raises(MemoryError) as numpy_error:
        np.empty(2**61, np.uint8)
    assert is_out_of_memory(torch_error.value)
    assert is_out_of_memory(numpy_error.value)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("could not create a primitive"), True),
        (RuntimeError("could not create a primitive descriptor for a matmul primitive"), False),
        (RuntimeError("CUDA error: device-side assert triggered"), False),
        (RuntimeError("shapes do not match"), False),
        (OSError("out of memory"), False),
    ],
)
def test_which_errors_mean_that_memory_ran_out(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


def test_what_a_failed_attempt_had_made_is_gone_when_it_returns() -> None:
    made: list[weakref.ref[Large]] = []

    def work() -> None:
        large = Large()
        large.itself = large  # type: ignore[attr-defined] # only the garbage collector frees it
        made.append(weakref.ref(large))
        exhaust()

    assert attempted(work) == []
    assert made[0]() is None
    assert attempted(lambda: 7) == [7]
    with pytest.raises(ZeroDivisionError):
        attempted(lambda: 1 / 0)


def test_chunks_are_halved_once_memory_runs_out() -> None:
    tried: list[tuple[int, int]] = []

    def work(start: int, stop: int) -> list[int]:
        tried.append((start, stop))
        if start >= 4 and stop - start > 2:
            exhaust()
        return list(range(start, stop))

    assert [item for chunk in in_chunks(work, 11, 4) for item in chunk] == list(range(11))
    assert tried == [(0, 4), (4, 8), (4, 6), (6, 8), (8, 10), (10, 11)]


def test_one_item_that_is_too_large_is_an_error() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        list(in_chunks(lambda start, stop: exhaust(stop - start), 4, 4))
    assert list(in_chunks(lambda start, stop: stop, 0, 4)) == []


@pytest.mark.parametrize(
    ("text", "size"),
    [("4GB", 4 * 10**9), ("1.5g", 1_500_000_000), ("800 MB", 800_000_000), ("6GiB", 6 * 2**30), ("4096", 4096)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text, "--max-memory") == size


@pytest.mark.parametrize("text", ["", "much", "4 apples", "-1GB", "0", "4GBB", "1e9"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(UsageError):
        parse_size(text, "--max-memory")


def test_only_the_memory_of_a_gpu_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="on the CPU") as problem:
        load_config("draft", device="cpu", max_memory="4GB")
    assert problem.value.where == "--max-memory"
    monkeypatch.setattr(hardware, "cuda_devices", lambda: 1)
    assert load_config("draft", device="cuda", max_memory="4GB").max_memory == "4GB"
    with pytest.raises(UsageError, match="no size"):
        load_config("draft", device="cuda", max_memory="a lot")
