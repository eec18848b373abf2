import cv2
import numpy as np

from retarget_cli.compositing.inpaint import inpaint, spread


def disc(h: int, w: int, x: int, y: int, r: int) -> np.ndarray:
    hole = np.zeros((h, w), np.uint8)
    cv2.circle(hole, (x, y), r, 1, -1)
    return hole == 0


def test_spread_continues_a_slope():
    y, x = np.mgrid[:96, :128].astype(np.float32)
    truth = np.dstack([x, 2 * y, 100 - 0.5 * x])
    known = disc(96, 128, 60, 50, 22)
    assert np.abs(spread(np.where(known[..., None], truth, -999), known) - truth)[~known].max() < 6


def test_spread_of_nothing_is_zero():
    assert not spread(np.ones((8, 9, 3), np.float32), np.zeros((8, 9), bool)).any()


def test_known_pixels_stay_and_a_layered_scene_is_continued():
    rng = np.random.default_rng(0)
    scene = np.zeros((120, 160, 3), np.float32)
    scene[:70], scene[70:] = (90, 130, 200), (120, 90, 50)
    scene = np.clip(scene + rng.normal(0, 6, (120, 160, 1)), 0, 255).astype(np.uint8)
    known = disc(120, 160, 80, 70, 26)
    damaged = np.where(known[..., None], scene, 255).astype(np.uint8)
    result = inpaint(damaged, known)
    np.testing.assert_array_equal(result[known], scene[known])
    assert np.abs(result.astype(int) - scene).mean(axis=2)[~known].mean() < 9  # two noises of 6 differ by 7 on average
    assert result.astype(float)[56:64, 70:90].std(axis=(0, 1)).mean() > 3  # texture, not a smear


def test_copies_come_from_sources_only():
    image = np.full((60, 80, 3), 100, np.uint8)
    image[:, 60:] = (255, 0, 255)
    known = disc(60, 80, 40, 30, 8)
    sources = known.copy()
    sources[:, 60:] = False
    np.testing.assert_allclose(inpaint(image, known, sources)[~known], 100, atol=1)


def test_nothing_to_do_and_nothing_to_go_by():
    image = np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    np.testing.assert_array_equal(inpaint(image, np.ones((20, 30), bool)), image)
    assert (inpaint(image, np.zeros((20, 30), bool)) == 128).all()
