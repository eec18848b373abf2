"""What the published recipe trains on: borders, warps and masks."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from retarget_cli.methods.jokr.data import Frames
from retarget_cli.methods.jokr_paper import data
from retarget_cli.nn.coords import apply_affine


def square(size: int = 70, half: int = 10, count: int = 4) -> Frames:
    """A red square, everywhere else green that is not part of the object; one frame like the other."""
    pixels = torch.zeros(count, 4, size, size, dtype=torch.uint8)
    pixels[:, 1] = 200
    middle = slice(size // 2 - half, size // 2 + half)
    pixels[:, 0, middle, middle] = 255
    pixels[:, 1, middle, middle] = 0
    pixels[:, 3, middle, middle] = 255
    return Frames(pixels, torch.arange(count - 1), torch.arange(1), torch.arange(count))


def test_the_border_makes_the_object_smaller_and_the_background_is_zero() -> None:
    frame = data.bordered(square().pixels, 0.2)
    area = frame[:, 3].sum(dim=(1, 2))
    assert torch.allclose(area, torch.full((4,), 400 / 1.4**2), rtol=0.1)
    outside = frame[:, 3] == 0
    assert not frame[:, :3].permute(0, 2, 3, 1)[outside].any()
    assert set(frame[:, 3].unique().tolist()) == {0.0, 1.0}
    inside = frame[0, 0][frame[0, 3] == 1]
    assert float(inside.mean()) > 0.9  # red, in [-1, 1]


def test_what_is_taken_in_comes_back_without_the_border() -> None:
    y, x = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 64), indexing="ij")
    smooth = (torch.stack([x, y, x * y, torch.ones_like(x)])[None] * 100 + 128).clamp(0, 255).byte()
    smooth[:, 3] = 255
    back = data.without_border(data.bordered(smooth, 0.2), 0.2)
    expected = smooth.float() / 255 * 2 - 1
    assert float((back[:, :3] - expected[:, :3])[..., 4:-4, 4:-4].abs().max()) < 0.03


def test_points_and_pictures_agree_about_the_border() -> None:
    pixels = torch.zeros(1, 4, 71, 71, dtype=torch.uint8)
    pixels[0, :, 48:53, 13:18] = 255  # its middle is at 15, 50
    found = data.bordered(pixels, 0.2)[0, 3]
    y, x = torch.nonzero(found, as_tuple=True)
    centre = torch.stack([x.float().mean(), y.float().mean()]) / 35 - 1
    place = torch.tensor([[[15 / 35 - 1, 50 / 35 - 1]]])
    expected = apply_affine(data.border_map(0.2, inward=True), place)[0, 0]
    torch.testing.assert_close(centre, expected, atol=0.02, rtol=0)


def test_a_pair_shares_its_warp_and_pairs_differ() -> None:
    generator = torch.Generator().manual_seed(0)
    now, following = data.draw_pairs(square(), 3, 0.2, generator)
    torch.testing.assert_close(now, following)  # the clip stands still
    assert not torch.equal(now[0], now[1])


def test_no_pair_comes_twice_unless_the_clip_is_short() -> None:
    pixels = torch.zeros(9, 4, 16, 16, dtype=torch.uint8)
    pixels[:, 3] = 255
    pixels[:, 0] = torch.arange(9, dtype=torch.uint8)[:, None, None] * 28  # tells which frame it is
    clip = Frames(pixels, torch.arange(8), torch.arange(1), torch.arange(9))
    now, _ = data.draw_pairs(clip, 8, 0.0, torch.Generator().manual_seed(1))
    assert len(set(now[:, 0, 8, 8].round(decimals=2).tolist())) == 8
    few = Frames(pixels, torch.arange(2), torch.arange(1), torch.arange(9))
    assert data.draw_pairs(few, 5, 0.0, torch.Generator().manual_seed(1))[0].shape[0] == 5


@pytest.fixture(scope="module")
def warps() -> Tensor:
    return data.random_warps(4000, torch.Generator().manual_seed(0))


def test_warps_stay_within_the_published_bounds(warps: Tensor) -> None:
    area = torch.linalg.det(warps[:, :, :2])
    # First kind: a shear by ±15° both ways changes the area by at most 7 %. Second: 0.8² to 1.2², shear ±20°, crop.
    assert 0.5 < float(area.min()) < 0.75
    assert 1.4 < float(area.max()) < 2.2
    middle = (warps[:, :, 2]).abs().max()
    assert 0.2 < float(middle) < 0.6
    torch.testing.assert_close(warps.mean(dim=0), torch.eye(2, 3), atol=0.04, rtol=0)


def test_sixty_of_a_hundred_warps_are_of_the_first_kind(warps: Tensor) -> None:
    """Only the first kind keeps the area within 1 - tan²(15°) and 1 + tan²(15°); some of the second do by chance."""
    area = torch.linalg.det(warps[:, :, :2])
    kept = ((area > 1 - 0.0719) & (area < 1 + 0.0719)).float().mean()
    assert 0.62 < float(kept) < 0.78


@pytest.mark.parametrize(("end", "resized"), [(0, 0.8), (1, 1.1)])
def test_the_shift_is_the_published_share_of_the_width(end: int, resized: float) -> None:
    """Resized to 0.8, fifty pixels are more of the width. The shear comes after the shift."""
    moved = data._first_kind(lambda low, high: torch.tensor([(low, high)[end]]))[0, :, 2]
    shift = 2 * 50 / 417 / resized * (1, -1)[end == 0]
    expected = shift * (1 + math.tan(math.radians((-15, 15)[end])))
    torch.testing.assert_close(moved, torch.full((2,), expected))
