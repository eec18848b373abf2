from __future__ import annotations

import numpy as np
import pytest
from segment_scenes import ArraySource

from retarget_cli.errors import InputError
from retarget_cli.segmentation.given import Given, fit_size

CLIP = ArraySource(np.zeros((3, 40, 60, 3), np.uint8))


def give(mattes: list[np.ndarray]):
    out: list[np.ndarray] = []
    report = Given(lambda: iter(mattes)).segment(CLIP, (), out.append, lambda done, total: None)
    return out, report


def square(height: int, width: int) -> np.ndarray:
    matte = np.zeros((height, width), np.uint8)
    matte[height // 4 : height // 2, width // 4 : width // 2] = 255
    return matte


def test_a_fitting_matte_passes_thresholded() -> None:
    grey = square(40, 60)
    grey[0, 0], grey[0, 1] = 127, 128
    out, report = give([grey] * 3)
    assert out[0][0, 0] == 0
    assert out[0][0, 1] == 255
    assert report.confidence == 1.0


def test_a_matte_of_the_same_shape_is_resized() -> None:
    out, _ = give([square(80, 120)] * 3)
    assert all(np.array_equal(m, square(40, 60)) for m in out)


def test_another_shape_is_refused_naming_both_sizes() -> None:
    with pytest.raises(InputError, match=r"50x50.*60x40"):
        fit_size(square(50, 50), (60, 40))


def test_one_percent_of_aspect_is_the_limit() -> None:
    assert fit_size(square(400, 605), (60, 40)).shape == (40, 60)
    with pytest.raises(InputError):
        fit_size(square(400, 609), (60, 40))


@pytest.mark.parametrize("count", [2, 5])
def test_another_count_is_refused_saying_both(count: int) -> None:
    with pytest.raises(InputError, match=rf"{count} frames.* 3"):
        give([square(40, 60)] * count)


def test_black_mattes_are_no_object() -> None:
    with pytest.raises(InputError, match="no object"):
        give([np.zeros((40, 60), np.uint8)] * 3)


def test_empty_frames_are_named() -> None:
    _, report = give([square(40, 60), np.zeros((40, 60), np.uint8), square(40, 60)])
    assert report.frame_confidence == (1.0, 0.0, 1.0)
    assert "frame 1" in report.notices[0]
