import torch

from retarget_cli.nn.coords import apply_affine, identity_affine, random_affine, warp_image
from retarget_cli.nn.heatmaps import draw_keypoints, soft_argmax


def test_the_identity_changes_nothing() -> None:
    image = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(warp_image(image, identity_affine(2)), image, atol=1e-5, rtol=0)


def test_content_moves_with_the_points() -> None:
    points = torch.tensor([[[0.2, -0.1]]])
    affine = torch.tensor([[[0.9, 0.2, 0.1], [-0.1, 1.1, -0.2]]])
    warped = warp_image(draw_keypoints(points, 129, 0.05), affine)
    found, _ = soft_argmax(torch.log(warped + 1e-9), sharpness=3)
    torch.testing.assert_close(found, apply_affine(affine, points), atol=0.02, rtol=0)


def test_random_maps_repeat_with_their_generator() -> None:
    first = random_affine(4, 0.1, torch.Generator().manual_seed(3))
    second = random_affine(4, 0.1, torch.Generator().manual_seed(3))
    assert torch.equal(first, second)
    assert 0 < (first - identity_affine(4)).abs().max() < 1
