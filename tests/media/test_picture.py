from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from retarget_cli.media.picture import Geometry, Orientation, to_gray

ALL = [Orientation(s, x, y) for s in (False, True) for x in (False, True) for y in (False, True)]


@pytest.mark.parametrize("turn", ALL, ids=str)
def test_rotation_and_mirroring_describe_what_apply_does(turn: Orientation):
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    expected = image[:, ::-1] if turn.mirrored else image
    expected = np.rot90(expected, -turn.rotation // 90)
    assert np.array_equal(turn.apply(image), expected)


def test_aspect_widens_or_heightens_and_never_loses_pixels():
    assert Geometry((100, 50), Fraction(2)).upright == (200, 50)
    assert Geometry((100, 50), Fraction(1, 2)).upright == (100, 100)
    assert Geometry((100, 50), Fraction(2), Orientation(swap=True)).upright == (50, 200)


def test_gray_keeps_equal_channels_and_weighs_the_others():
    levels = np.arange(256, dtype=np.uint8)
    assert np.array_equal(to_gray(np.repeat(levels[None, :, None], 3, axis=2))[0], levels)
    red, green, blue = to_gray(np.eye(3, dtype=np.uint8)[None] * 255)[0]
    assert green > red > blue > 0
