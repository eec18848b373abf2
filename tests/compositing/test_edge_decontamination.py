import cv2
import numpy as np

from retarget_cli.compositing.edges import decontaminate

SKY, FUR, NOSE = (90, 140, 250), (150, 60, 30), (20, 10, 5)
AGAINST = np.full((96, 96, 3), SKY, np.float32)


def filmed(draw_on: np.ndarray) -> np.ndarray:
    """A brown shape cut out of a blue sky: its colours fade into the sky along the outline of `draw_on` (h, w)."""
    share = cv2.GaussianBlur(draw_on, (0, 0), 1.5)[..., None]
    alpha = np.where(cv2.GaussianBlur(draw_on, (0, 0), 1.0) > 0.25, 255, 0).astype(np.uint8)
    return np.dstack([np.rint(share * FUR + (1 - share) * SKY).astype(np.uint8), alpha])


def shape() -> np.ndarray:
    drawn = np.zeros((96, 96), np.float32)
    cv2.circle(drawn, (48, 40), 22, 1.0, -1)
    cv2.line(drawn, (48, 60), (54, 90), 1.0, 3)
    return drawn


def blueness(layer: np.ndarray) -> np.ndarray:
    return (layer[..., 2].astype(float) - layer[..., 0])[layer[..., 3] > 127]


def test_the_rim_takes_the_colours_of_the_inside() -> None:
    layer = filmed(shape())
    found = decontaminate(layer, 2.0, AGAINST)
    assert blueness(layer).max() > 40
    assert blueness(found).max() < 0
    leg = found[72:88, 45:60]
    assert np.median(blueness(leg)) < -60
    np.testing.assert_array_equal(found[..., 3], layer[..., 3])


def test_a_dark_nose_at_the_rim_stays() -> None:
    """Away from the sky: it cannot come from there. Against the dark it may."""
    layer = filmed(shape())
    layer[36:45, 68:71, :3] = NOSE
    dark = np.zeros((96, 96, 3), np.float32)
    against_sky, against_dark = (decontaminate(layer, 2.0, ground)[38:43, 69, :3] for ground in (AGAINST, dark))
    assert against_sky[:, 0].max() < 90  # half way from the fur's 150 to the nose's 20
    assert against_dark[:, 0].min() > 105


def test_the_inside_keeps_its_own_colours() -> None:
    layer = filmed(shape())
    layer[30:50, 40:56, :3] = np.random.default_rng(0).integers(0, 256, (20, 16, 3), dtype=np.uint8)
    found = decontaminate(layer, 2.0, AGAINST)
    np.testing.assert_array_equal(found[30:50, 40:56], layer[30:50, 40:56])


def test_transparent_pixels_continue_the_outline() -> None:
    found = decontaminate(filmed(shape()), 2.0, AGAINST)
    assert found[40, 75, 0] > found[40, 75, 2]  # brown, five pixels outside


def test_specks_go_and_pinholes_close() -> None:
    layer = filmed(shape())
    layer[5:8, 5:8, 3] = 255
    layer[40, 48, 3] = 20
    alpha = decontaminate(layer, 2.0, AGAINST)[..., 3]
    assert alpha[5:8, 5:8].max() == 0 and alpha[40, 48] == 255


def test_an_empty_layer_stays_empty() -> None:
    assert decontaminate(np.zeros((32, 32, 4), np.uint8), 2.0, AGAINST[:32, :32]).max() == 0
