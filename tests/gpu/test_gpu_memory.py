"""Running out of a GPU's memory, for real."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from retarget_cli.training.device import pick_device
from retarget_cli.utils.memory import attempted, in_chunks

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]
MEGABYTE = 10**6


@pytest.fixture
def limited() -> Iterator[str]:
    yield pick_device("cuda", "400MB")
    pick_device("cuda")


def take(megabytes: int, device: str) -> torch.Tensor:
    return torch.empty(megabytes * MEGABYTE, dtype=torch.uint8, device=device)


def test_the_limit_holds_and_can_be_lifted(limited: str) -> None:
    assert attempted(lambda: take(600, limited)) == []
    assert len(attempted(lambda: take(200, limited))) == 1
    pick_device("cuda")
    assert len(attempted(lambda: take(600, limited))) == 1


def test_chunks_shrink_until_they_fit(limited: str) -> None:
    sizes = list(in_chunks(lambda start, stop: len(take(100 * (stop - start), limited)) // (100 * MEGABYTE), 8, 8))
    assert sum(sizes) == 8
    assert max(sizes) < 4
