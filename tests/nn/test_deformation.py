"""Deformations against their definitions: computed place by place with complex numbers, or by SciPy."""

import numpy as np
import pytest
import torch

from retarget_cli.nn.coords import grid_axis
from retarget_cli.nn.deformation import affine_places, rigid_places, solve, spline_places


def some_points(count: int = 7) -> torch.Tensor:
    return torch.rand(2, count, 2, generator=torch.Generator().manual_seed(2)) * 1.6 - 0.8


def grid(size: int) -> torch.Tensor:
    axis = grid_axis(size)
    return torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1)


def test_points_that_stay_move_nothing() -> None:
    torch.testing.assert_close(rigid_places(some_points(), some_points(), 9)[1], grid(9), atol=1e-5, rtol=0)


def test_a_turn_and_a_shift_of_all_points_are_those_of_every_place() -> None:
    turn = torch.tensor([[0.8, -0.6], [0.6, 0.8]])
    shift = torch.tensor([0.3, -0.2])
    found = rigid_places(some_points(), some_points() @ turn.T + shift, 9)
    torch.testing.assert_close(found[0], grid(9) @ turn.T + shift, atol=1e-5, rtol=0)


def test_places_at_points_lie_at_the_other_points() -> None:
    here = grid(9)[[1, 3, 7, 6], [2, 6, 3, 7]][None]
    there = here + torch.tensor([[[0.1, 0.0], [0.0, 0.2], [-0.1, 0.1], [0.05, 0.0]]])
    found = rigid_places(here, there, 9)[0, [1, 3, 7, 6], [2, 6, 3, 7]]
    torch.testing.assert_close(found, there[0], atol=2e-3, rtol=0)


def test_it_is_the_rigid_form_of_moving_least_squares() -> None:
    here, there = some_points(5).double().numpy(), some_points(5).flip(1).double().numpy()
    found = rigid_places(torch.from_numpy(here), torch.from_numpy(there), 6)
    axis = np.linspace(-1, 1, 6)
    for clip in range(2):
        p, q = (each[clip, :, 0] + 1j * each[clip, :, 1] for each in (here, there))
        for row, y in enumerate(axis):
            for column, x in enumerate(axis):
                place = x + 1j * y
                weight = 1 / (np.abs(p - place) ** 2 + 1e-3) ** 2
                middle, goal = (weight @ p) / weight.sum(), (weight @ q) / weight.sum()
                turn = (weight * np.conj(p - middle)) @ (q - goal)
                expected = goal + turn / abs(turn) * (place - middle)
                np.testing.assert_allclose(found[clip, row, column], [expected.real, expected.imag], atol=1e-4)


def test_autocast_does_not_make_it_coarse() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        found = rigid_places(some_points(), some_points().flip(1), 9)
    torch.testing.assert_close(found, rigid_places(some_points(), some_points().flip(1), 9), rtol=0, atol=0)


def test_systems_are_solved_whatever_the_order_of_their_rows() -> None:
    matrices = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    matrices[0, 0, :, 0] = 0.0
    matrices[0, 0, 5, 0] = 1.0  # without pivoting, the first division would be by nothing
    right = torch.randn(3, 4, 8, 2, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    torch.testing.assert_close(matrices @ solve(matrices, right), right, atol=1e-8, rtol=0)


@pytest.mark.parametrize("ridge", [0.0, 0.01])
def test_splines_are_thin_plate_splines(ridge: float) -> None:
    interpolate = pytest.importorskip("scipy.interpolate")
    here = torch.rand(2, 3, 5, 2, generator=torch.Generator().manual_seed(5)) * 1.6 - 0.8
    there = here + 0.2 * torch.randn(2, 3, 5, 2, generator=torch.Generator().manual_seed(6))
    found = spline_places(here, there, 17, ridge)
    places = grid(17).reshape(-1, 2).numpy()
    for batch, number in ((0, 0), (1, 2)):
        known, wanted = (each[batch, number].double().numpy() for each in (here, there))
        # The kernel there is r² log r, half of this one.
        spline = interpolate.RBFInterpolator(known, wanted, kernel="thin_plate_spline", smoothing=ridge / 2)
        np.testing.assert_allclose(found[batch, number].reshape(-1, 2), spline(places), atol=1e-4)


def test_an_affine_map_of_all_points_is_the_motion_around_each() -> None:
    linear, shift = torch.tensor([[0.9, -0.3], [0.2, 1.1]]), torch.tensor([0.1, -0.2])
    near = torch.ones(7, 7)
    found = affine_places(some_points(), some_points() @ linear.T + shift, near, 9)
    assert found.shape == (2, 7, 9, 9, 2)
    # A little of it is held back: for nothing being turned or stretched.
    torch.testing.assert_close(found, (grid(9) @ linear.T + shift).expand_as(found), atol=0.2, rtol=0)
    still = affine_places(some_points(), some_points(), near, 9)
    torch.testing.assert_close(still, grid(9).expand_as(still), atol=1e-4, rtol=0)


def test_the_linear_part_around_a_point_is_that_of_finite_differences() -> None:
    near = torch.exp(-torch.cdist(some_points()[0], some_points()[0]))
    found = affine_places(some_points(), some_points().flip(1), near, 65)
    step = 2 / 64
    along_x, along_y = found.diff(dim=3) / step, found.diff(dim=2) / step
    for slopes in (along_x, along_y):  # the same everywhere: the map is linear
        torch.testing.assert_close(slopes, slopes[:, :, :1, :1].expand_as(slopes), atol=1e-4, rtol=0)
    # At the point itself lies the other one.
    at = some_points()
    linear = torch.stack([along_x[:, :, 0, 0], along_y[:, :, 0, 0]], dim=-1)  # (B, K, 2, 2)
    there = found[:, :, 0, 0] + (linear @ (at - grid(65)[0, 0])[..., None])[..., 0]
    torch.testing.assert_close(there, at.flip(1), atol=1e-4, rtol=0)
