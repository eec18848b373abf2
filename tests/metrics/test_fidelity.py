"""Reconstructions against real frames, and the stand-ins for measures that need networks of others."""

from __future__ import annotations

import numpy as np
import pytest

from retarget_cli.metrics.fidelity import (
    Frame,
    keypoint_distance,
    missing_keypoints,
    patch_distance,
    picture_scores,
)


def square(left: int, colour: int = 200, noise: int = 0) -> Frame:
    """A square of 32 pixels on grey, from column `left` on."""
    image, mask = np.full((64, 64, 3), 128, np.uint8), np.zeros((64, 64), np.uint8)
    mask[16:48, left : left + 32] = 255
    rough = np.random.default_rng(noise).integers(-noise, noise + 1, (64, 64, 3)) if noise else 0
    image[mask > 0] = np.clip(colour + rough, 0, 255).astype(np.uint8)[mask > 0] if noise else colour
    return Frame(image, mask)


def test_the_same_picture_is_perfect() -> None:
    found = picture_scores(square(16), square(16))
    assert found is not None
    assert (found["l1"], found["psnr"]) == (0, 100)
    assert found["ssim"] == pytest.approx(1)
    assert patch_distance(square(16), square(16)) == 0


def test_what_is_drawn_beside_the_object_counts_and_what_is_left_out() -> None:
    moved = picture_scores(square(24), square(16))
    assert moved is not None
    # 40 columns are either; on 8 the object is missing, on 8 it is too much.
    assert moved["l1"] == pytest.approx(16 / 40 * 72 / 255)
    darker = picture_scores(square(16, colour=149), square(16))
    assert darker is not None
    assert darker["l1"] == pytest.approx(51 / 255)
    assert darker["psnr"] == pytest.approx(-20 * np.log10(51 / 255))


def test_nothing_cannot_be_compared_with_nothing() -> None:
    empty = Frame(np.full((64, 64, 3), 128, np.uint8), np.zeros((64, 64), np.uint8))
    assert picture_scores(empty, empty) is None
    assert picture_scores(empty, square(16)) is not None
    assert patch_distance(empty, square(16)) == float("inf")


def test_keypoints_differ_in_pixels_of_a_published_picture() -> None:
    wanted = np.zeros((3, 5, 2), np.float32)
    assert keypoint_distance(wanted, wanted) == 0
    assert keypoint_distance(wanted + np.array([0.5, 0]), wanted) == pytest.approx(32)  # half of 64 pixels to the right


def test_keypoints_are_lost_that_are_on_the_real_object_alone() -> None:
    real, drawn = square(8).mask, square(24).mask
    at = lambda x: (2 * x / 63 - 1, 0.0)  # noqa: E731
    points = np.array([at(12), at(30), at(50), at(2)], np.float32)  # real only, both, drawn only, nowhere
    assert missing_keypoints(points, drawn, real) == (1, 2)
    assert missing_keypoints(points, real, real) == (0, 2)
    assert missing_keypoints(np.array([[3.0, 0.0]]), drawn, real) == (0, 0)


def test_a_look_does_not_depend_on_the_pose() -> None:
    rough = square(16, noise=40)
    assert patch_distance(square(24, noise=40), rough) < 0.3 * patch_distance(square(16), rough)
