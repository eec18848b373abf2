import numpy as np
import pytest

from retarget_cli.metrics.image import gain, iou, psnr, ssim


def pictures(shape=(40, 48, 3)):
    random = np.random.default_rng(3)
    return random.integers(0, 256, shape, dtype=np.uint8), random.integers(0, 256, shape, dtype=np.uint8)


def test_iou_counts_pixels_and_reads_bytes():
    one, two = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    one[:2], two[1:3] = True, True
    assert iou(one, two) == pytest.approx(1 / 3)
    assert iou(one.astype(np.uint8) * 255, two.astype(np.uint8) * 255) == pytest.approx(1 / 3)
    assert iou(one.astype(np.uint8), two.astype(np.float32)) == pytest.approx(1 / 3)
    assert iou(np.zeros((4, 4)), np.zeros((4, 4))) == 1


def test_gain_is_the_share_of_what_a_still_misses():
    assert gain(0.9, 0.8) == pytest.approx(0.5)
    assert gain(0.7, 0.8) == pytest.approx(-0.5)
    assert gain(1.0, 1.0) == 0


def test_psnr_of_a_known_difference():
    black = np.zeros((10, 10, 3), np.uint8)
    grey = black + np.uint8(51)
    assert psnr(black, grey) == pytest.approx(-20 * np.log10(0.2))
    assert psnr(black, black) == 100


def test_masks_choose_where_to_look():
    one, _ = pictures()
    two = one.copy()
    two[:, :24] = 255 - two[:, :24]
    right = np.zeros(one.shape[:2], np.uint8)
    right[:, 30:] = 255
    assert psnr(one, two, right) == 100
    assert ssim(one, two, right) == pytest.approx(1)
    assert ssim(one, two, right == 0) < 0.5


def test_ssim_against_the_sum_over_one_window():
    one, two = pictures((11, 11))
    offset = np.arange(11) - 5
    window = np.exp(-(offset**2) / (2 * 1.5**2))
    weight = np.outer(window, window) / window.sum() ** 2
    a, b = one / 255, two / 255
    mean_a, mean_b = (weight * a).sum(), (weight * b).sum()
    var_a, var_b = (weight * a * a).sum() - mean_a**2, (weight * b * b).sum() - mean_b**2
    both = (weight * a * b).sum() - mean_a * mean_b
    expected = ((2 * mean_a * mean_b + 1e-4) * (2 * both + 9e-4)) / (
        (mean_a**2 + mean_b**2 + 1e-4) * (var_a + var_b + 9e-4)
    )
    assert ssim(one, two) == pytest.approx(expected, abs=1e-9)
    assert ssim(one, one) == pytest.approx(1)


def test_wrong_shapes_and_empty_masks_are_errors():
    one, two = pictures()
    with pytest.raises(ValueError, match="different shape"):
        psnr(one, two[:-1])
    with pytest.raises(ValueError, match="does not fit"):
        psnr(one, two, np.ones((3, 3), bool))
    with pytest.raises(ValueError, match="no pixel"):
        psnr(one, two, np.zeros(one.shape[:2], bool))
