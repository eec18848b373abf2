import numpy as np
import pytest

from retarget_cli.metrics.temporal import changed_colour, changed_share, jitter


def swing(offsets):
    """A block whose notch sits at the given column."""
    clip = np.zeros((len(offsets), 64, 64), bool)
    for mask, offset in zip(clip, offsets, strict=True):
        mask[8:56, 8:56] = True
        mask[30:56, round(offset) : round(offset) + 8] = False
    return clip


def test_a_clip_is_as_steady_as_itself_and_trembling_shows():
    smooth = swing(20 + 10 * np.sin(np.arange(30) / 4))
    shaken = swing(20 + 10 * np.sin(np.arange(30) / 4) + 3 * (-1.0) ** np.arange(30))
    assert jitter(smooth, smooth) == pytest.approx(1)
    assert jitter(shaken, smooth) > 3


def test_moments_without_a_driver_do_not_count():
    smooth = swing(20 + 10 * np.sin(np.arange(30) / 4))
    holed = smooth.copy()
    holed[10] = False
    whole = [i for i in range(30) if i != 10]
    assert jitter(holed, holed) == pytest.approx(1)
    assert jitter(smooth[whole], smooth[whole]) == pytest.approx(1)
    # The output may not vanish, though.
    assert jitter(holed, smooth) > 1.5


def test_a_motionless_driver_gives_a_finite_number():
    still = swing([20] * 12)
    assert jitter(still, still) == 1
    assert np.isfinite(jitter(swing([20, 30] * 6), still))
    assert jitter(still[:2], still[:2]) == 1


def test_different_lengths_are_an_error():
    still = swing([20] * 12)
    with pytest.raises(ValueError, match="differ in length"):
        jitter(still, still[:5])


def test_a_matte_where_it_was_expected_changes_nothing() -> None:
    matte = np.zeros((20, 20), np.uint8)
    matte[5:15, 5:15] = 255
    assert changed_share(matte, matte) == 0
    assert changed_share(matte > 0, matte) == 0


def test_gains_and_losses_count_as_shares_of_the_area() -> None:
    before, now = np.zeros((20, 20), bool), np.zeros((20, 20), bool)
    before[5:15, 5:15] = now[5:15, 6:16] = True
    assert changed_share(now, before) == pytest.approx(0.2)
    assert changed_share(now, np.zeros_like(now)) == 2


def test_nothing_to_compare() -> None:
    assert changed_share(np.zeros((4, 4), bool), np.zeros((4, 4), bool)) is None
    with pytest.raises(ValueError, match="shape"):
        changed_share(np.zeros((4, 4), bool), np.zeros((4, 5), bool))


def test_colours_that_change_flicker_only_inside_the_object():
    mask = np.zeros((16, 16), np.uint8)
    mask[4:8, 4:8] = 255
    before = np.full((16, 16, 3), 100, np.uint8)
    assert changed_colour(before, before, mask) == 0
    brighter = before.copy()
    brighter[:8] += 51
    assert changed_colour(brighter, before, mask) == pytest.approx(0.2)
    assert changed_colour(before, brighter, mask) == pytest.approx(0.2)
    assert changed_colour(brighter, before, np.zeros_like(mask)) is None
