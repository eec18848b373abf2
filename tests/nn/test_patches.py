import torch

from retarget_cli.nn.coords import identity_affine
from retarget_cli.nn.patches import cut, cut_warped
from retarget_cli.nn.warp import warp_image

CORNERS = torch.tensor([[3, 5], [20, 0]])


def smooth_images() -> torch.Tensor:
    axis = torch.linspace(0, 6, 32)
    waves = torch.stack([torch.sin(axis)[:, None] + torch.cos(axis)[None], torch.cos(axis)[:, None] * axis[None]])
    return torch.stack([waves, waves.flip(2)])


def test_every_patch_is_cut_at_its_own_corner() -> None:
    images = torch.arange(2 * 3 * 32 * 32).reshape(2, 3, 32, 32)
    found = cut(images, CORNERS, 12)
    assert torch.equal(found[0], images[0, :, 3:15, 5:17])
    assert torch.equal(found[1], images[1, :, 20:32, 0:12])


def test_without_motion_a_warped_patch_is_the_patch() -> None:
    images = torch.rand(2, 4, 32, 32)
    found = cut_warped(images, identity_affine(2), CORNERS, 12)
    torch.testing.assert_close(found, cut(images, CORNERS, 12), atol=1e-4, rtol=0)


def test_a_warped_patch_is_a_part_of_the_warped_picture() -> None:
    images = smooth_images()
    affine = identity_affine(2) + torch.tensor([[0.02, -0.05, 0.04], [0.05, 0.03, -0.02]])
    corners = torch.tensor([[8, 9], [12, 10]])
    found, whole = cut_warped(images, affine, corners, 12), warp_image(images, affine)
    torch.testing.assert_close(found, cut(whole, corners, 12), atol=0.06, rtol=0)
    assert (found - cut(images, corners, 12)).abs().max() > 0.3
