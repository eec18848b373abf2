import numpy as np
import pytest

from retarget_cli.metrics.motion import leg_columns, motion_score, spearman


def walker(phases, build=1.0, legs=2, size=(90, 120)):
    """A trunk on legs that swing; `build` changes its proportions."""
    clip = []
    for phase in phases:
        mask = np.zeros(size, bool)
        mask[20 : int(40 * build), 15:105] = True
        for leg in range(legs):
            middle = 28 + leg * 64 + 11 * np.sin(phase + 2.1 * leg)
            for row in range(35, 80):
                x = 28 + leg * 64 + (middle - 28 - leg * 64) * (row - 35) / 45
                mask[row, int(x - 4 * build) : int(x + 4 * build)] = True
        clip.append(mask)
    return np.stack(clip)


def test_spearman_shares_ranks_among_ties():
    # By hand: ranks (1, 2.5, 2.5, 4) and (1, 2, 3.5, 3.5).
    one, two = np.array([1, 2.5, 2.5, 4]), np.array([1, 2, 3.5, 3.5])
    expected = np.corrcoef(one, two)[0, 1]
    assert spearman(np.array([0, 5, 5, 9]), np.array([1, 2, 7, 7])) == pytest.approx(expected)


def test_spearman_sees_order_only():
    x = np.random.default_rng(0).random(50)
    assert spearman(x, np.exp(5 * x)) == pytest.approx(1)
    assert spearman(x, -(x**3)) == pytest.approx(-1)
    assert spearman(x, np.ones(50)) == 0


def test_a_clip_moves_like_itself_whatever_its_size_and_side():
    clip = walker(np.linspace(0, 14, 40))
    assert motion_score(clip, clip) == pytest.approx(1)
    assert motion_score(clip, clip[:, :, ::-1]) == pytest.approx(1, abs=1e-3)
    assert motion_score(clip, clip.repeat(2, axis=1).repeat(2, axis=2)) == pytest.approx(1, abs=0.02)


def test_the_same_phases_on_another_body_score_high_and_others_low():
    phases = np.linspace(0, 14, 40) + 0.7 * np.sin(np.arange(40))
    other = np.random.default_rng(1).uniform(0, 6.28, 40)
    driver = walker(phases)
    assert motion_score(driver, walker(phases, build=1.2)) > 0.9
    assert abs(motion_score(driver, walker(other, build=1.2))) < 0.25


def test_stillness_short_clips_and_missing_objects_are_not_motion():
    clip = walker(np.linspace(0, 14, 20))
    assert motion_score(clip, clip[:1].repeat(20, axis=0)) == 0
    assert motion_score(clip, np.zeros_like(clip)) == 0
    assert motion_score(clip[:3], clip[:3]) == 0
    gap = clip.copy()
    gap[5] = False
    assert np.isfinite(motion_score(clip, gap))


def test_long_clips_are_thinned_out_evenly():
    clip = walker(np.linspace(0, 40, 60), size=(90, 120))
    long = [clip[i * 60 // 1300] for i in range(1300)]
    assert motion_score(long, long) == pytest.approx(1)


def test_different_lengths_are_an_error():
    clip = walker(np.linspace(0, 14, 20))
    with pytest.raises(ValueError, match="differ in length"):
        motion_score(clip, clip[:-1])


def test_leg_columns_ignore_the_upper_part():
    clip = walker([0.3])
    headless = clip.copy()
    headless[:, 25:35, 40:80] = False
    assert np.array_equal(leg_columns(clip), leg_columns(headless))
