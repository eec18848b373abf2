import numpy as np

from retarget_cli.compositing.anchors import choose_anchors, gain, masked_median, object_hole


def test_hole_holds_the_object_with_a_rim_and_more_below():
    matte = np.zeros((240, 320), np.uint8)
    matte[60:180, 100:200] = 255
    hole = object_hole(matte)
    assert hole[matte > 0].all()
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    assert 2 <= 60 - rows[0] <= 6 and rows[-1] - 179 > 2 * (60 - rows[0])
    assert 2 <= 100 - columns[0] <= 14
    assert not object_hole(np.zeros((240, 320), np.uint8)).any()


def test_anchors_spread_over_the_clip_and_fit_into_memory():
    assert choose_anchors(3, 1000) == [0, 1, 2]
    few, many = choose_anchors(200, 40 << 20), choose_anchors(200, 1000)
    assert len(few) < len(many) <= 31
    for chosen in (few, many):
        assert chosen[0] == 0 and chosen[-1] == 199
        assert np.diff(chosen).max() - np.diff(chosen).min() <= 1


def test_masked_median_agrees_with_numpy():
    rng = np.random.default_rng(0)
    samples, count = rng.integers(0, 256, (9, 50, 3), dtype=np.uint8), rng.integers(0, 10, 50)
    found = masked_median(samples, count)
    for n in range(50):
        truth = np.median(samples[: count[n], n], axis=0) if count[n] else np.zeros(3)
        assert np.abs(found[n] - truth).max() <= 0.5


def test_gain_is_found_despite_outliers():
    dark = np.random.default_rng(0).integers(20, 150, (90, 90, 3), dtype=np.uint8)
    bright = np.clip(dark * np.array([1.3, 1.2, 1.0]), 0, 255).astype(np.uint8)
    bright[:30] = 255
    np.testing.assert_allclose(gain(dark, bright, np.ones((90, 90), bool)), (1.3, 1.2, 1.0), atol=0.04)
    assert (gain(dark, bright, np.zeros((90, 90), bool)) == 1).all()
