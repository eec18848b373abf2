"""The watchman itself: he sees what he is there for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from step_guard import StepGuard
from torch import Tensor

OWN, OTHER = torch.Generator().manual_seed(5), torch.Generator().manual_seed(6)


@pytest.mark.parametrize(
    "forbidden",
    [
        lambda x: x.sum().item(),
        lambda x: bool((x > 0).any()),
        lambda x: x.tolist(),
        lambda x: x[x > 0],
        lambda x: x.nonzero(),
        lambda x: torch.masked_select(x, x > 0),
        lambda x: x.unique(),
        lambda x: torch.dropout(x, 0.5, True),
        lambda x: torch.randn(3),
        lambda x: torch.randint(5, (2,), generator=OTHER),
        lambda x: x.uniform_(),
    ],
)
def test_it_stops_what_a_graph_cannot_repeat(forbidden: Callable[[Tensor], object]) -> None:
    with pytest.raises(AssertionError), StepGuard(5):
        forbidden(torch.ones(3))


def test_it_lets_the_own_generator_draw_and_tells_shapes() -> None:
    kernels = []
    for size in (3, 3, 4):
        with StepGuard(5) as guard:
            x = torch.rand(size, generator=OWN)
            x[torch.randint(size, (2,), generator=OWN)] + x[:1]
        kernels.append(guard.kernels)
    assert kernels[0] == kernels[1] != kernels[2]
