import pytest
import torch

from retarget_cli.methods.jokr.model import OnHost

DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")],
    ),
]


@pytest.mark.parametrize("device", DEVICES)
def test_values_arrive_in_their_order(device: str) -> None:
    values = torch.arange(24, device=device).reshape(2, 3, 4)
    turned = OnHost(values.permute(2, 0, 1))
    assert turned.numpy().tolist() == values.permute(2, 0, 1).tolist()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_what_happens_afterwards_on_the_gpu_does_not_show() -> None:
    values = torch.ones(4000, 4000, device="cuda")
    brought = OnHost(values)
    values.zero_()
    assert brought.numpy().min() == 1
