import cv2
import numpy as np
import pytest

from retarget_cli.compositing.edges import edge_width, with_edges


def disc(sigma: float, size: int = 120) -> np.ndarray:
    """A disc whose outline went through a Gaussian, (size, size) float32."""
    hard = np.zeros((4 * size, 4 * size), np.float32)
    cv2.circle(hard, (2 * size, 2 * size), size, 1.0, -1)
    return cv2.resize(cv2.GaussianBlur(hard, (0, 0), 4 * sigma), (size, size), interpolation=cv2.INTER_AREA)


def red(alpha: np.ndarray) -> np.ndarray:
    return np.dstack([alpha, alpha * 0, alpha * 0, alpha])


@pytest.mark.parametrize("sigma", [2.0, 3.0, 5.0])
def test_width_grows_with_the_blur(sigma: float) -> None:
    assert edge_width(disc(sigma)) == pytest.approx(2.0 * sigma, rel=0.12)


def test_hardly_any_outline_has_no_width() -> None:
    assert edge_width(np.zeros((40, 40), np.float32)) is None
    assert edge_width(np.ones((40, 40), np.float32)) is None


@pytest.mark.parametrize(("sigma", "wanted"), [(4.0, 4.0), (3.0, 2.8), (1.2, 5.0)])
def test_the_outline_gets_the_width_and_stays_where_it_is(sigma: float, wanted: float) -> None:
    alpha = disc(sigma)
    own = edge_width(alpha)
    assert own is not None
    found = with_edges(red(alpha), own, wanted)
    assert edge_width(found[..., 3]) == pytest.approx(wanted, rel=0.15)
    assert (found[..., 3] > 0.5).sum() == pytest.approx((alpha > 0.5).sum(), rel=0.02)
    np.testing.assert_allclose(found[..., 0], found[..., 3], atol=1e-5)
    assert found.min() >= 0 and found.max() <= 1 + 1e-6


def test_narrowing_makes_the_inside_opaque_and_the_outside_clear() -> None:
    veiled = 0.08 + 0.84 * disc(4.0)
    found = with_edges(red(veiled), 10.0, 5.0)[..., 3]
    assert found[60, 60] == 1 and found[2, 2] == 0


def test_an_outline_in_great_doubt_stays_softer_than_asked_for() -> None:
    alpha = disc(9.0)
    found = edge_width(with_edges(red(alpha), 18.0, 2.0)[..., 3])
    assert found is not None and found > 5
