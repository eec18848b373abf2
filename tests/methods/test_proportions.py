import numpy as np
import pytest

from retarget_cli.methods.jokr import alignment

BODY = np.array([(-0.5, -0.3), (0.5, -0.3), (-0.4, 0.0), (0.4, 0.0), (-0.4, 0.5), (0.4, 0.5)])
STEPS = np.sin(np.arange(40) * 0.7)


def moving(body: np.ndarray, *ways: tuple[int, tuple[float, float]]) -> np.ndarray:
    """(40, K, 2): `body` (K, 2), each named point swinging in time with the others."""
    poses = np.repeat(body[None], 40, axis=0)
    for point, way in ways:
        poses[:, point] += STEPS[:, None] * way
    return poses


def fitted(subject: np.ndarray, driver: np.ndarray) -> np.ndarray:
    return alignment.align("proportions", subject, driver, np.eye(2, 3)).apply(driver)


def test_the_same_body_elsewhere_and_in_another_size_is_the_subject() -> None:
    subject = moving(BODY, (4, (0.2, 0.05)), (5, (-0.2, 0.05)))
    np.testing.assert_allclose(fitted(subject, 0.4 * subject + [0.3, -0.2]), subject, atol=0.02)


def test_parts_get_the_subjects_length_along_each_axis() -> None:
    subject = moving(BODY, (4, (0.0, 0.05)))
    driver = subject * [1.05, 0.95]
    before, after = np.abs(driver - subject).mean(), np.abs(fitted(subject, driver) - subject).mean()
    assert after < 0.4 * before


def test_a_pose_along_the_way_things_move_is_taken_over() -> None:
    ways = (4, (0.15, 0.0)), (5, (0.15, 0.0))
    subject = moving(BODY, *ways)
    together, apart = subject.copy(), subject.copy()
    together[:, 4:, 0] += 0.03
    apart[:, 4, 0] += 0.03
    apart[:, 5, 0] -= 0.03
    taken = {
        name: (fitted(subject, driver) - subject)[:, 4, 0].mean()
        for name, driver in {"together": together, "apart": apart}.items()
    }
    assert 0.015 < taken["together"] < 0.035
    assert taken["apart"] < 0.5 * taken["together"]


def test_a_difference_too_great_for_a_pose_is_build() -> None:
    subject = moving(BODY, (4, (0.0, 0.2)))
    driver = subject.copy()
    driver[:, 4, 1] += 0.6
    assert abs((fitted(subject, driver) - subject)[:, 4, 1].mean()) < 0.06


def test_leaning_is_pose_whatever_moves() -> None:
    subject = moving(BODY)
    moved = fitted(subject, subject + subject[..., 1:] * [0.2, 0.0])
    lean = np.polyfit(BODY[:, 1], (moved - subject)[0, :, 0], 1)[0]
    assert 0.1 < lean < 0.2


@pytest.mark.parametrize("size", [0.0, 1e-6, 1.0])
def test_bodies_that_stand_still_or_are_a_point_have_an_answer(size: float) -> None:
    subject, driver = moving(BODY), moving(size * BODY)
    for found in (fitted(subject, driver), fitted(driver, subject)):
        assert np.isfinite(found).all()


def test_it_moves_no_more_than_subject_and_driver() -> None:
    subject, driver = moving(BODY, (4, (0.1, 0.0))), moving(BODY, (4, (0.3, 0.0)))
    swing = np.ptp(fitted(subject, driver)[:, 4, 0])
    assert 0.2 < swing < 0.6
