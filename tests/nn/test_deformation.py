"""The rigid deformation against its definition, computed place by place with complex numbers."""

import numpy as np
import torch

from retarget_cli.nn.coords import grid_axis
from retarget_cli.nn.deformation import rigid_places


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
