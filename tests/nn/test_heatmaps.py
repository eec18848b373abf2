import math

import pytest
import torch

from retarget_cli.nn.heatmaps import draw_keypoints, soft_argmax


def test_a_single_peak_is_found_at_its_pixel() -> None:
    logits = torch.zeros(1, 1, 9, 5)
    logits[0, 0, 8, 1] = 100
    points, maps = soft_argmax(logits, sharpness=10)
    torch.testing.assert_close(points[0, 0], torch.tensor([-0.5, 1.0]))
    torch.testing.assert_close(maps.sum(dim=(2, 3)), torch.ones(1, 1))


def test_flat_logits_point_to_the_centre() -> None:
    points, _ = soft_argmax(torch.zeros(2, 3, 8, 8), sharpness=10)
    torch.testing.assert_close(points, torch.zeros(2, 3, 2))


def test_soft_argmax_works_in_single_precision() -> None:
    points, maps = soft_argmax(torch.zeros(1, 1, 4, 4, dtype=torch.bfloat16), sharpness=10)
    assert points.dtype == maps.dtype == torch.float32


def test_maps_fall_off_with_the_distance() -> None:
    maps = draw_keypoints(torch.tensor([[[0.0, -1.0]]]), size=5, width=0.5)
    assert maps[0, 0, 0, 2].item() == pytest.approx(1, abs=0.01)
    assert maps[0, 0, 1, 4].item() == pytest.approx(math.exp(-math.hypot(1.0, 0.5) / 0.5), rel=1e-3)


def test_a_keypoint_on_a_pixel_has_a_slope() -> None:
    points = torch.zeros(1, 1, 2, requires_grad=True)
    draw_keypoints(points, size=5, width=0.5).square().sum().backward()
    assert points.grad is not None
    assert torch.isfinite(points.grad).all()


def test_drawing_and_reading_agree() -> None:
    points = torch.tensor([[[0.31, -0.42], [-0.77, 0.05]]])
    logits = torch.log(draw_keypoints(points, size=65, width=0.02))
    found, _ = soft_argmax(logits, sharpness=1)
    torch.testing.assert_close(found, points, atol=0.02, rtol=0)
