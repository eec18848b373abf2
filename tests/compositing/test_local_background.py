import numpy as np

from retarget_cli.compositing.edges import local_background


def crops(ground: np.ndarray) -> list[np.ndarray]:
    """A white square that moves over `ground` (64, 64, 3)."""
    frames = []
    for left in (20, 24, 28):
        frame = np.dstack([ground, np.zeros((64, 64), np.uint8)])
        frame[20:44, left : left + 16] = 255
        frames.append(frame)
    return frames


def test_it_is_the_colour_beside_the_object_and_not_the_objects() -> None:
    ground = np.full((64, 64, 3), (40, 80, 120), np.uint8)
    np.testing.assert_allclose(local_background(crops(ground), 64), ground, atol=1)
    np.testing.assert_allclose(local_background(crops(ground), 32), ground[::2, ::2], atol=1)


def test_each_side_has_its_own() -> None:
    ground = np.full((64, 64, 3), (200, 200, 200), np.uint8)
    ground[32:] = (30, 60, 20)
    found = local_background(crops(ground), 64)
    np.testing.assert_allclose(found[16, 30], (200, 200, 200), atol=12)
    np.testing.assert_allclose(found[48, 30], (30, 60, 20), atol=12)


def test_black_beyond_the_picture_is_no_background() -> None:
    ground = np.full((64, 64, 3), (200, 190, 180), np.uint8)
    ground[50:] = 0
    np.testing.assert_allclose(local_background(crops(ground), 64)[48, 30], (200, 190, 180), atol=3)


def test_an_object_that_fills_the_crop_has_none() -> None:
    assert np.isfinite(local_background([np.full((64, 64, 4), 255, np.uint8)], 64)).all()
