import numpy as np
import pytest

from retarget_cli.methods.jokr import alignment


def poses(seed: int, count: int = 20) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.3, (count, 6, 2))


def test_moments_bring_mean_and_spread_of_the_cloud_together() -> None:
    subject, driver = poses(0) * [1.0, 0.5] + [0.1, 0.2], poses(1, 30) * [0.4, 0.9] - [0.3, 0.0]
    moved = alignment.from_moments(subject, driver).apply(driver)
    np.testing.assert_allclose(moved.mean(axis=(0, 1)), subject.mean(axis=(0, 1)), atol=1e-6)
    np.testing.assert_allclose(moved.reshape(-1, 2).std(axis=0), subject.reshape(-1, 2).std(axis=0), atol=1e-6)


def test_relative_keeps_the_rest_pose_of_the_subject() -> None:
    subject, driver = poses(0), poses(1)
    moved = alignment.from_rest_pose(subject, driver).apply(driver)
    np.testing.assert_allclose(moved.mean(axis=0), subject.mean(axis=0), atol=1e-6)


def test_relative_scales_motion_with_the_body() -> None:
    rest = poses(0)[:1]
    sway = 0.1 * np.sin(np.arange(8))[:, None, None]
    moved = alignment.from_rest_pose(2 * rest.repeat(8, axis=0), rest + sway).apply(rest + sway)
    np.testing.assert_allclose(np.ptp(moved[:, 0, 0]), 2 * np.ptp(sway), rtol=1e-5)


def test_standardised_moves_every_point_as_much_as_the_subjects_does() -> None:
    subject, driver = poses(0) * [[1.0, 0.6]] + 0.1, poses(1)
    moved = alignment.standardised(subject, driver).apply(driver)
    np.testing.assert_allclose(moved.mean(axis=0), subject.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(moved.std(axis=0), subject.std(axis=0), atol=1e-5)


def test_points_that_hardly_move_are_not_blown_up() -> None:
    subject, driver = poses(0), poses(1)
    driver[:, 0] = driver[0, 0] + 1e-3 * driver[:, 0]
    assert alignment.standardised(subject, driver).linear.max() <= 2.5


def test_movement_is_scaled_as_a_whole() -> None:
    subject, driver = poses(0), poses(1) * 2
    scale = alignment.from_movement(subject, driver).linear[0, 0, 0]
    assert scale == pytest.approx(0.5, abs=0.05)


def test_learned_uses_the_map_and_none_changes_nothing() -> None:
    driver, learned = poses(1), np.array([[0.0, -1.0, 0.5], [1.0, 0.0, 0.0]])
    turned = alignment.align("learned", poses(0), driver, learned).apply(driver)
    np.testing.assert_allclose(turned[..., 0], 0.5 - driver[..., 1], atol=1e-6)
    np.testing.assert_allclose(alignment.align("none", poses(0), driver, learned).apply(driver), driver, atol=1e-6)


def test_mixtures_lie_between_their_ends() -> None:
    found = alignment.candidates(poses(0), poses(1), np.eye(2, 3))
    ends = found["moments"].apply(poses(1)), found["relative"].apply(poses(1))
    np.testing.assert_allclose(found["moments-relative-33"].apply(poses(1)), 0.67 * ends[0] + 0.33 * ends[1], atol=1e-5)


def test_unknown_modes_are_refused() -> None:
    with pytest.raises(ValueError, match="sideways"):
        alignment.align("sideways", poses(0), poses(1), np.eye(2, 3))


def test_points_that_never_move_do_not_divide_by_zero() -> None:
    still = np.zeros((5, 6, 2))
    assert np.isfinite(alignment.from_moments(poses(0), still).apply(still)).all()
    assert np.isfinite(alignment.from_rest_pose(poses(0), still).apply(still)).all()
