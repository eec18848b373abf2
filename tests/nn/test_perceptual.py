import pytest
import torch
from torch import Tensor

from retarget_cli.nn.perceptual import edge_differences, lpips_vgg

lpips = pytest.importorskip("lpips")


def random_features() -> dict[str, Tensor]:
    from torchvision.models import vgg

    torch.manual_seed(0)
    state = vgg.make_layers(vgg.cfgs["D"]).state_dict()
    return {f"features.{name}": value for name, value in state.items()} | {"classifier.0.weight": torch.zeros(1)}


def test_lpips_takes_the_features_it_is_given_and_its_own_linear_layers() -> None:
    features = random_features()
    network = lpips_vgg(features)
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert torch.equal(network.net.slice5[-2].weight, features["features.28.weight"])
    generator = torch.Generator().manual_seed(1)
    one, two = (torch.rand(2, 3, 32, 32, generator=generator) * 2 - 1 for _ in range(2))
    assert float(network(one, one).abs().max()) == 0
    near, far = network(one, one + 0.05 * (two - one)), network(one, two)
    assert near.shape == (2, 1, 1, 1)
    assert bool((near < far).all())
    assert float(network.lin0.model[-1].weight.min()) >= 0  # the published ones are not negative


def test_edges_see_blur_and_not_a_shift_in_brightness() -> None:
    sharp = torch.zeros(1, 3, 16, 16)
    sharp[..., 8:] = 1
    blurred = torch.nn.functional.avg_pool2d(sharp, 3, stride=1, padding=1, count_include_pad=False)
    assert float(edge_differences(sharp + 0.3 - sharp)) == pytest.approx(0, abs=1e-5)
    assert float(edge_differences(blurred - sharp)) > 0.1
