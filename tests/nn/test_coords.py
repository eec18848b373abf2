import torch

from retarget_cli.nn.coords import apply_affine, compose_affine, grid_axis, identity_affine, invert_affine


def some_affines() -> torch.Tensor:
    return identity_affine(5) + 0.3 * torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(1))


def some_points() -> torch.Tensor:
    return torch.rand(5, 7, 2, generator=torch.Generator().manual_seed(2)) * 2 - 1


def test_axis_runs_from_the_first_to_the_last_pixel_centre() -> None:
    assert grid_axis(5).tolist() == [-1.0, -0.5, 0.0, 0.5, 1.0]


def test_affine_acts_on_x_y_in_that_order() -> None:
    shear = torch.tensor([[1.0, 0.5, 0.25], [0.0, 2.0, -1.0]])
    moved = apply_affine(shear, torch.tensor([[[0.2, 0.4]]]))
    torch.testing.assert_close(moved, torch.tensor([[[0.2 + 0.2 + 0.25, 0.8 - 1.0]]]))


def test_inverse_brings_points_back() -> None:
    affines, points = some_affines(), some_points()
    torch.testing.assert_close(apply_affine(invert_affine(affines), apply_affine(affines, points)), points)


def test_composition_applies_the_inner_map_first() -> None:
    outer, inner, points = some_affines(), some_affines().flip(0), some_points()
    one_by_one = apply_affine(outer, apply_affine(inner, points))
    torch.testing.assert_close(apply_affine(compose_affine(outer, inner), points), one_by_one)
