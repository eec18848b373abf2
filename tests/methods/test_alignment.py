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


def test_matched_turns_every_points_movement_into_the_subjects() -> None:
    subject, driver = poses(0, 400), poses(1, 400)
    subject[:, 2] = subject[:, 2] @ np.array([[1.5, 0.8], [0.0, 0.6]])
    moved = alignment.matched(subject, driver).apply(driver)
    np.testing.assert_allclose(moved.mean(axis=0), subject.mean(axis=0), atol=1e-5)
    for point in range(6):
        np.testing.assert_allclose(np.cov(moved[:, point].T), np.cov(subject[:, point].T), atol=0.01)


def test_points_that_hardly_move_are_not_blown_up() -> None:
    subject, driver = poses(0), poses(1)
    driver[:, 0] = driver[0, 0] + 1e-3 * driver[:, 0]
    assert np.abs(alignment.matched(subject, 0.1 * driver).linear).max() < np.abs(subject).std() / 0.04 * 2


def bodies(lift: float, swing: float) -> tuple[np.ndarray, np.ndarray]:
    """A subject, and a driver of the same build whose first point is held `lift` higher and swings by `swing`."""
    body = poses(2, 1)[0]
    time = np.sin(np.arange(40) * 0.7)
    subject, driver = np.repeat(body[None], 40, axis=0), np.repeat(body[None], 40, axis=0)
    subject[:, 0, 1] += swing * time
    driver[:, 0, 1] += swing * np.roll(time, 5) + lift
    return subject, driver


def test_balanced_takes_over_the_pose_of_what_moves_and_keeps_the_build_of_what_does_not() -> None:
    taken = {}
    for swing in (0.0, 0.2):
        subject, driver = bodies(0.03, swing)
        moved = alignment.balanced("balanced", subject, driver, 0.5).apply(driver)
        taken[swing] = (moved - subject)[..., 0, 1].mean()
    assert taken[0.0] < 0.001
    assert 0.01 < taken[0.2] < 0.03


def test_balanced_takes_a_great_difference_for_build() -> None:
    subject, driver = bodies(0.5, 0.2)
    moved = alignment.balanced("balanced", subject, driver, 0.5).apply(driver)
    assert abs((moved - subject)[..., 0, 1].mean()) < 0.02


def test_bodies_that_differ_by_place_and_size_alone_are_laid_over_each_other() -> None:
    subject = poses(0)
    moved = alignment.balanced("balanced", subject, 2 * subject + 0.3, 0.5).apply(2 * subject + 0.3)
    np.testing.assert_allclose(moved, subject, atol=5e-3)


def test_learned_uses_the_map_and_none_changes_nothing() -> None:
    driver, learned = poses(1), np.array([[0.0, -1.0, 0.5], [1.0, 0.0, 0.0]])
    turned = alignment.align("learned", poses(0), driver, learned).apply(driver)
    np.testing.assert_allclose(turned[..., 0], 0.5 - driver[..., 1], atol=1e-6)
    np.testing.assert_allclose(alignment.align("none", poses(0), driver, learned).apply(driver), driver, atol=1e-6)


def test_unknown_modes_are_refused() -> None:
    with pytest.raises(ValueError, match="sideways"):
        alignment.align("sideways", poses(0), poses(1), np.eye(2, 3))


def test_points_that_never_move_do_not_divide_by_zero() -> None:
    still = np.zeros((5, 6, 2))
    assert np.isfinite(alignment.from_moments(poses(0), still).apply(still)).all()
    for mode in (*alignment.MODES, *alignment.VARIANTS):
        found = alignment.align(mode, poses(0), still, np.eye(2, 3))
        assert np.isfinite(found.apply(still)).all()


def test_balanced_leans_as_the_driver_does_whatever_moves() -> None:
    body = np.array([(-0.3, -0.5), (0.3, -0.5), (-0.3, 0.5), (0.3, 0.5)])
    subject = np.repeat(body[None], 40, axis=0)
    driver = subject + subject[..., 1:] * [0.2, 0.0]
    moved = alignment.balanced("balanced", subject, driver, 0.5).apply(driver)
    lean = np.polyfit(body[:, 1], (moved - subject)[0, :, 0], 1)[0]
    assert 0.12 < lean < 0.2


@pytest.mark.parametrize(("shift", "low", "high"), [(0.02, 0.0, 0.15), (0.07, 0.45, 0.55), (0.6, 0.97, 1.0)])
def test_an_aligner_counts_by_how_much_it_differs_from_balanced(shift: float, low: float, high: float) -> None:
    subject, driver = poses(0), poses(1)
    plain = alignment.align("balanced", subject, driver, np.eye(2, 3))
    aligner = alignment.Aligner(lambda *_: lambda points: plain.apply(points) + np.array([shift, 0.0]), error=0.07)
    mixed = alignment.with_aligner(aligner, subject, driver)
    share = (mixed.apply(driver) - plain.apply(driver))[..., 0] / shift
    assert low < share.min()
    assert share.max() < high
    assert np.ptp(share) < 1e-3


@pytest.mark.parametrize(("shift", "least", "most"), [(0.001, 0.49, 0.51), (5.0, 0.99, 1.0)])
def test_at_least_half_of_the_movement_is_that_of_the_aligner(shift: float, least: float, most: float) -> None:
    subject, driver = poses(0), poses(1)
    plain = alignment.align("balanced", subject, driver, np.eye(2, 3)).apply(driver)
    strays = plain - plain.mean(axis=0)
    learned = plain.mean(axis=0) + shift + 2 * strays
    aligner = alignment.Aligner(lambda *_: lambda points: learned, error=0.07)
    moved = alignment.with_aligner(aligner, subject, driver).apply(driver)
    share = np.abs(moved - moved.mean(axis=0)).mean() / np.abs(strays).mean() - 1
    assert least < share <= most
    assert abs((moved.mean(axis=0) - plain.mean(axis=0)).mean()) == pytest.approx(0.0 if shift < 1 else shift, abs=0.01)
