"""The published recipe against numbers that its authors' implementation computed (tests/reference)."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from retarget_cli.methods.jokr_paper import losses, networks
from retarget_cli.methods.jokr_paper.config import PRESETS, GeometryConfig
from retarget_cli.methods.jokr_paper.networks import AntiAliasShrink, ResidualGenerator
from retarget_cli.nn.coords import apply_affine, invert_affine

FOLDER = Path(__file__).parents[1] / "reference"


def read(name: str) -> dict[str, Tensor]:
    return load_file(FOLDER / f"{name}.safetensors")


def filled(net: nn.Module, tensors: dict[str, Tensor]) -> nn.Module:
    """`net` with the reference's weights; every name and shape has to agree."""
    state = {key.removeprefix("state."): value for key, value in tensors.items() if key.startswith("state.")}
    net.load_state_dict(state, strict=True)
    return net


def check(found: Tensor, expected: Tensor) -> None:
    """Relative error below 1e-4, as a share of the largest value."""
    assert found.shape == expected.shape
    assert float((found - expected).abs().max() / expected.abs().max()) < 1e-4


@pytest.fixture(scope="module")
def functions() -> dict[str, Tensor]:
    return read("functions")


@torch.no_grad()
def test_keypoint_extractor() -> None:
    tensors = read("keypoint_extractor")
    net = filled(
        networks.KeypointExtractor(GeometryConfig(keypoints=6, widths=8, most_width=64, levels=4)), tensors
    ).train()
    points, maps = net(tensors["x"])
    check(points, tensors["keypoints_batch_stats"])
    check(maps, tensors["heatmap_batch_stats"])
    after_one_batch, _ = net.eval()(tensors["x"])
    check(after_one_batch, tensors["keypoints_running_stats_after_one_batch"])


def test_kernel_of_the_shrinking() -> None:
    check(AntiAliasShrink(3).weight, read("keypoint_extractor")["state.down.weight"])


@torch.no_grad()
def test_shape_generator() -> None:
    tensors = read("shape_generator")
    net = filled(networks.silhouette_generator(GeometryConfig(keypoints=6, generator_width=8)), tensors).eval()
    drawn = net(tensors["x"])
    for channel, name in enumerate(("silhouette_a", "silhouette_b")):
        check(drawn[:, channel : channel + 1].expand(-1, 3, -1, -1), tensors[name])


@torch.no_grad()
def test_texture_generator() -> None:
    tensors = read("texture_generator")
    net = filled(ResidualGenerator(3, 3, 8, 9, 0.5, nn.Tanh()), tensors).eval()
    check(net(tensors["x"]), tensors["rgb"])


@torch.no_grad()
def test_keypoint_discriminator() -> None:
    tensors = read("keypoint_discriminator")
    net = filled(networks.KeypointDiscriminator(6, 32), tensors)
    check(net(tensors["keypoints"]), tensors["probability"])


def test_maps_of_keypoints(functions: dict[str, Tensor]) -> None:
    check(losses.keypoint_maps(functions["keypoints"], 64, 0.04), functions["heatmap_from_keypoints"])


def test_affine_and_its_inverse(functions: dict[str, Tensor]) -> None:
    theta, points = functions["theta"][0], functions["keypoints"]
    check(apply_affine(theta, points), functions["affine"])
    check(apply_affine(invert_affine(theta), points), functions["affine_inverse"])


def test_separation(functions: dict[str, Tensor]) -> None:
    found = losses.separation(functions["keypoints"], 0.12, 10)
    check(found[None], functions["separation_first_ten_delta_0_12"])


def test_silhouette_hit(functions: dict[str, Tensor]) -> None:
    check(losses.inside(functions["heatmap"], functions["mask"][:, :1])[None], functions["silhouette"])


def test_temporal(functions: dict[str, Tensor]) -> None:
    found = PRESETS["paper"].geometry.temporal * losses.temporal(functions["keypoints"], functions["keypoints_next"])
    check(found[None], functions["temporal_alpha_13"])


def test_equivariance_warp(functions: dict[str, Tensor]) -> None:
    theta = functions["equivariance_theta"]
    check(losses.warp_frame(functions["equivariance_frame"], theta), functions["equivariance_warped"])
    points = functions["equivariance_points"]
    check(apply_affine(theta, points), functions["equivariance_points_warped"])
    shifted = functions["equivariance_points_warped"] + torch.tensor([0.25, -0.75])
    assert float(losses.equivariance(shifted, points, theta)) == pytest.approx(0.5, rel=1e-4)


def test_cross_entropies() -> None:
    of_a, of_b = torch.tensor([0.5, 0.25]), torch.tensor([0.125, 0.5])
    odds = torch.logit(of_a), torch.logit(of_b)
    bits = torch.log(torch.tensor(2.0))
    torch.testing.assert_close(losses.confusion(*odds), (1.5 + 2) * bits)
    torch.testing.assert_close(losses.discrimination(*odds), 1.5 * bits - torch.log(of_b.neg() + 1).mean())


def test_temporal_term_of_a_still_clip_has_a_slope() -> None:
    points = torch.zeros(2, 3, 2, requires_grad=True)
    losses.temporal(points, torch.zeros(2, 3, 2)).backward()
    assert bool(torch.isfinite(points.grad).all())


def count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_parameters_of_the_full_size() -> None:
    geometry, texture = PRESETS["paper"].geometry, PRESETS["paper"].texture
    assert count(networks.KeypointExtractor(geometry)) == 14_153_592
    assert count(networks.KeypointExtractor(PRESETS["paper-no-affine"].geometry)) == 11_412_686
    assert count(networks.silhouette_generator(geometry)) == 11_409_538
    assert count(networks.texture_generator(texture)) == 11_378_179
    assert count(networks.KeypointDiscriminator(14, geometry.discriminator_width)) == 310_401


def test_first_weights() -> None:
    torch.manual_seed(0)
    net = networks.silhouette_generator(GeometryConfig(generator_width=16))
    weights = torch.cat([value.detach().flatten() for name, value in net.named_parameters() if name.endswith("weight")])
    assert float(weights.std()) == pytest.approx(0.02, rel=0.02)
    assert not any(value.any() for name, value in net.named_parameters() if name.endswith("bias"))


def test_maps_of_the_full_size() -> None:
    assert [PRESETS[name].geometry.size for name in ("paper", "paper-no-affine")] == [256, 256]
    small = GeometryConfig(widths=2, most_width=4, generator_width=2)
    with torch.no_grad():
        frame = torch.zeros(2, 3, 256, 256)
        assert networks.KeypointExtractor(small)(frame)[1].shape == (2, 14, 58, 58)
        assert networks.KeypointExtractor(dataclasses.replace(small, strong=True))(frame)[1].shape == (2, 14, 64, 64)
