"""FLOPs of networks that can be counted by hand."""

from __future__ import annotations

import torch
from every_phase import builder
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from retarget_cli.bench.flops import count_flops


def test_a_convolution_and_its_gradients() -> None:
    first, second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 4, 5, padding=2, stride=2)
    picture = torch.randn(2, 3, 16, 16)
    ahead = 2 * (2 * 16 * 16 * 3 * 8 * 9), 2 * (2 * 8 * 8 * 8 * 4 * 25)
    assert count_flops(lambda: second(first(picture))) == sum(ahead)
    # The weights of both, and the picture between them, have gradients; the input has none.
    assert count_flops(lambda: second(first(picture)).sum().backward()) == 2 * ahead[0] + 3 * ahead[1]


def test_slopes_of_slopes_count() -> None:
    layer, x = nn.Linear(5, 7, bias=False), torch.randn(3, 5, requires_grad=True)

    def penalty() -> None:
        (slope,) = torch.autograd.grad(layer(x).square().sum(), x, create_graph=True)
        slope.square().sum().backward(inputs=[layer.weight])

    assert count_flops(penalty) > 3 * (2 * 3 * 5 * 7)
    assert count_flops(lambda: torch.autograd.grad(layer(x).sum(), x)) == 2 * (2 * 3 * 5 * 7)


def test_it_counts_as_torch_does_where_torch_can(tmp_path: object) -> None:
    phase = builder("texture", tmp_path)()  # type: ignore[arg-type]
    with FlopCounterMode(display=False) as known:
        phase.gradients()
    assert count_flops(phase.gradients) == known.get_total_flops() > 1e6


def test_what_is_no_product_is_free() -> None:
    assert count_flops(lambda: F.relu(torch.randn(100) * 2)) == 0
