import numpy as np
import pytest

from retarget_cli.compositing.composite import composite, place, straight
from retarget_cli.vision.framing import Framing, cut


def smooth_image(h: int, w: int, cx: float, cy: float, scale: float = 1.0) -> np.ndarray:
    """A Gaussian blob on grey, its centre at pixel edges (cx, cy), as (h, w, 3) uint8."""
    y, x = np.mgrid[:h, :w] + 0.5
    blob = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * (12 * scale) ** 2))
    return np.rint(40 + 180 * blob[..., None] * np.array([1.0, 0.8, 0.6])).astype(np.uint8)


def opaque(image: np.ndarray) -> np.ndarray:
    return np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])


def test_cut_then_place_at_scale_one_returns_the_same_pixels():
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    framing = Framing(np.array([64.0]), np.array([[60.0, 45.0]]))
    crop = cut(image, framing, 0, 64)
    placed = place(opaque(crop), framing.matrix(0, 64), (120, 90))
    np.testing.assert_array_equal(crop, image[13:77, 28:92])
    np.testing.assert_array_equal(composite(np.zeros_like(image), placed)[13:77, 28:92], image[13:77, 28:92])
    assert placed[:13].max() == 0 and placed[:, 92:].max() == 0


@pytest.mark.parametrize(("side", "size"), [(64.0, 96), (80.0, 32), (73.5, 50), (60.0, 60)])
def test_cut_then_place_keeps_sub_pixel_positions(side, size):
    image = smooth_image(100, 140, 70.3, 48.6)
    framing = Framing(np.array([side]), np.array([[68.37, 50.81]]))
    placed = place(opaque(cut(image, framing, 0, size)), framing.matrix(0, size), (140, 100))
    result = composite(np.zeros_like(image), placed)
    inside = np.s_[35:66, 50:88]
    assert np.abs(result[inside].astype(int) - image[inside]).max() <= (12 if size < side else 4)
    weight = (
        (result[inside].astype(float) - 40).clip(0).sum(axis=2),
        (image[inside].astype(float) - 40).clip(0).sum(axis=2),
    )
    for axis in (0, 1):  # centre of mass: no shift of even a tenth of a pixel
        means = [(w.sum(axis=axis) * np.arange(w.shape[1 - axis])).sum() / w.sum() for w in weight]
        assert abs(means[0] - means[1]) < 0.1


def test_a_square_lands_where_the_matrix_says():
    layer = np.zeros((8, 8, 4), np.uint8)
    layer[:] = (200, 100, 50, 255)
    placed = place(layer, np.array([[0.5, 0, 10.0 - 0.25], [0, 0.5, 20.0 - 0.25]]), (40, 40))
    truth = np.zeros((40, 40), np.float32)
    truth[20:24, 10:14] = 1
    assert abs(placed[..., 3].sum() - 16) < 0.5
    np.testing.assert_allclose(placed[21:23, 11:13, 3], 1.0, atol=1e-3)
    assert np.abs(placed[..., 3] - truth)[18:26, 8:16].max() < 0.3


def test_colour_under_transparency_never_shows():
    layer = np.zeros((20, 20, 4), np.uint8)
    layer[..., 1] = 255  # green where transparent
    layer[5:15, 5:15] = (200, 0, 0, 255)
    for step in (0.4, 1.0, 2.7):
        placed = place(layer, np.array([[step, 0, 2.3], [0, step, 1.7]]), (64, 64))
        assert placed[..., 1].max() == 0
        assert composite(np.zeros((64, 64, 3), np.uint8), placed)[..., 1].max() == 0
        colour = straight(placed)
        assert colour[..., 0][colour[..., 3] > 8].min() >= 190


def test_values_stay_in_range_when_cubics_overshoot():
    layer = np.zeros((16, 16, 4), np.uint8)
    layer[4:12, 4:12] = 255
    placed = place(layer, np.array([[2.6, 0, 1.1], [0, 2.6, 0.4]]), (48, 48))
    assert placed.min() >= 0 and placed.max() <= 1
    assert (placed[..., :3] <= placed[..., 3:]).all()


def test_background_is_untouched_away_from_the_layer_and_outside_the_frame():
    background = np.random.default_rng(1).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    layer = np.full((8, 8, 4), 255, np.uint8)
    partly = composite(background, place(layer, np.array([[1.0, 0, -4], [0, 1.0, -4]]), (40, 30)))
    assert (partly[:4, :4] == 255).all()
    np.testing.assert_array_equal(partly[6:], background[6:])
    away = place(layer, np.array([[1.0, 0, 500], [0, 1.0, 0]]), (40, 30))
    np.testing.assert_array_equal(composite(background, away), background)


def test_half_transparent_layers_mix():
    layer = np.full((10, 10, 4), (255, 255, 255, 128), np.uint8)
    mixed = composite(np.zeros((10, 10, 3), np.uint8), place(layer, np.eye(2, 3), (10, 10)))
    assert (mixed == 128).all()
