from __future__ import annotations

import cv2
import numpy as np
import pytest

from retarget_cli.vision.flow import dense_flow, warp_by_flow


def scenery() -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 256, (80, 120)).astype(np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)


def test_flow_points_from_the_first_image_to_the_second() -> None:
    image = scenery()
    flow = dense_flow(image[:, 10:90], image[:, 6:86])  # what is at x in the first is at x + 4 in the second
    assert np.median(flow[..., 0]) == pytest.approx(4, abs=0.2)
    assert np.median(flow[..., 1]) == pytest.approx(0, abs=0.2)
    assert flow.dtype == np.float32


def test_warping_brings_the_second_image_back_to_the_first() -> None:
    image = scenery()
    first, second = image[:, 10:90], image[:, 6:86]
    back = warp_by_flow(second, dense_flow(first, second))
    inner = (slice(8, -8), slice(8, -8))
    assert np.abs(back[inner].astype(int) - first[inner]).mean() < 3


def test_warping_keeps_type_and_channels() -> None:
    flow = np.zeros((20, 30, 2), np.float32)
    flow[..., 0] = 2
    image = np.arange(20 * 30 * 3, dtype=np.float32).reshape(20, 30, 3)
    out = warp_by_flow(image, flow)
    assert out.dtype == np.float32
    assert np.allclose(out[:, :-2], image[:, 2:])


def test_tiny_images_have_no_flow_and_other_sizes_are_refused() -> None:
    assert not dense_flow(np.zeros((8, 40), np.uint8), np.ones((8, 40), np.uint8)).any()
    with pytest.raises(ValueError, match="one size"):
        dense_flow(np.zeros((20, 20), np.uint8), np.zeros((20, 21), np.uint8))
