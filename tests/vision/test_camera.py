import cv2
import numpy as np
import pytest

from retarget_cli.vision.camera import (
    CameraPath,
    camera_motion,
    compose,
    displacement,
    estimate_motion,
    identity,
    invert,
)


def texture(h: int = 180, w: int = 240, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(h, w)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 2.0)
    return np.clip(128 + soft * 50 / soft.std(), 0, 255).astype(np.uint8)


def moved(gray: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return cv2.warpAffine(gray, matrix, gray.shape[::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def error(found: np.ndarray, truth: np.ndarray, gray: np.ndarray) -> float:
    return displacement(compose(found, invert(truth)), gray.shape[::-1])


def affine(turn: float = 0.0, zoom: float = 1.0, x: float = 0.0, y: float = 0.0) -> np.ndarray:
    c, s = zoom * np.cos(turn), zoom * np.sin(turn)
    return np.array([[c, -s, x], [s, c, y]])


@pytest.mark.parametrize("truth", [affine(x=3.4, y=-1.7), affine(x=22, y=3), affine(0.02, 1.03, -2, 4)])
def test_follows_a_moving_camera(truth):
    gray = texture()
    assert error(camera_motion(gray, moved(gray, truth)), truth, gray) < 0.4


def test_big_frames_are_measured_in_their_own_pixels():
    gray, truth = texture(720, 960), affine(x=8.5, y=-5.0)
    assert error(camera_motion(gray, moved(gray, truth)), truth, gray) < 0.4


def test_a_still_camera_is_exactly_still_under_noise():
    rng, gray = np.random.default_rng(1), texture().astype(np.float32)
    views = [np.clip(gray + rng.normal(0, 3, gray.shape), 0, 255).astype(np.uint8) for _ in range(2)]
    np.testing.assert_array_equal(camera_motion(*views), identity())


def scene_with_object(camera: np.ndarray, backdrop: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A textured object over 45 % of the frame that moves otherwise than the camera does."""
    first, second, thing = backdrop.copy(), moved(backdrop, camera), texture(seed=9)
    first[30:150, 40:200] = thing[:120, :160]
    second[34:154, 31:191] = thing[:120, :160]
    keep = np.ones(first.shape, bool)
    keep[26:154, 36:204] = False
    return first, second, keep


@pytest.mark.parametrize("masked", [True, False])
def test_a_big_moving_object_does_not_lead_astray(masked):
    truth = affine(x=4.0, y=-1.5)
    first, second, keep = scene_with_object(truth, texture())
    assert error(camera_motion(first, second, keep if masked else None), truth, first) < 0.6


def test_an_object_moving_over_a_plain_backdrop_is_no_camera_motion():
    first, second, _ = scene_with_object(identity(), np.full((180, 240), 120, np.uint8))
    np.testing.assert_array_equal(camera_motion(first, second), identity())


def test_nothing_to_see_gives_the_identity_and_says_so():
    blank = np.full((90, 120), 77, np.uint8)
    motion = estimate_motion(blank, blank)
    np.testing.assert_array_equal(motion.matrix, identity())
    assert not motion.known and motion.inliers == 0
    gray = texture()
    assert estimate_motion(gray, moved(gray, affine(x=2))).inliers > 0.8
    assert not estimate_motion(gray, gray, np.zeros(gray.shape, bool)).known


def test_path_joins_the_steps_both_ways():
    steps = [affine(0.01, 1.01, 3, 0), affine(-0.02, 0.99, 0, 2), affine(x=5)]
    path = CameraPath()
    for step in steps:
        path.step(step)
    assert len(path) == 4
    np.testing.assert_allclose(path.between(1, 3), compose(steps[2], steps[1]), atol=1e-12)
    np.testing.assert_allclose(compose(path.between(3, 0), path.between(0, 3)), identity(), atol=1e-12)
    with pytest.raises(IndexError):
        path.between(0, 4)
