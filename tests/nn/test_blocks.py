import pytest
import torch

from retarget_cli.nn.blocks import ConvBlock, UNet


@pytest.mark.parametrize("widths", [(8, 16), (8, 16, 24)])
def test_unet_keeps_the_size(widths: tuple[int, ...]) -> None:
    assert UNet(3, widths)(torch.rand(2, 3, 16, 24)).shape == (2, 8, 16, 24)


def test_every_part_of_the_unet_learns() -> None:
    net = UNet(3, (8, 16, 24))
    net(torch.rand(1, 3, 16, 16)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in net.parameters())


def test_frames_of_a_batch_do_not_influence_each_other() -> None:
    net, frames = ConvBlock(3, 8), torch.rand(4, 3, 8, 8)
    torch.testing.assert_close(net(frames)[:1], net(frames[:1]))
