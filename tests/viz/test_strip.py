import numpy as np
import pytest

from retarget_cli.viz.strip import Footer, bar_colour, confidence_strip

PAPER = [24, 24, 28]


def bar_heights(strip: np.ndarray) -> np.ndarray:
    return (strip != PAPER).any(axis=2).sum(axis=0)


def test_colours_go_from_red_over_amber_to_green():
    bad, doubtful, good = (bar_colour(value) for value in (0.0, 0.5, 1.0))
    assert bad[0] > 2 * bad[1]
    assert min(doubtful[:2]) > 2 * doubtful[2]
    assert good[1] > 2 * good[0]


def test_one_bar_a_frame_as_high_as_it_is_certain():
    strip = confidence_strip(np.array([1.0, 0.0, 0.5, 1.0]), 40, 20)
    heights = bar_heights(strip)
    assert heights[[4, 14, 24, 34]].tolist() == [20, 3, 12, 20]
    assert heights[[9, 19, 29]].tolist() == [0, 0, 0]
    assert strip[19, 14].tolist() == list(bar_colour(0.0))


@pytest.mark.parametrize("count", [961, 10_000, 100_003])
def test_one_bad_frame_of_a_long_clip_is_still_seen(count):
    confidence = np.full(count, 0.9)
    confidence[2 * count // 3] = 0.1
    strip = confidence_strip(confidence, 960, 30)
    low = np.flatnonzero(bar_heights(strip) < 15)
    assert abs(low - 640).max() <= 1
    assert len(low) == 1


@pytest.mark.parametrize(("count", "width"), [(1, 320), (2, 33), (33, 33), (82, 320), (10_000, 540), (5, 1)])
def test_the_current_frame_is_marked_in_its_place(count, width):
    footer = Footer(width, 20, [0.5] * count)
    for index in {0, count // 2, count - 1}:
        drawn = footer.at(index)
        assert drawn.shape == (20, width, 3)
        white = np.flatnonzero((drawn == 255).all(axis=(0, 2)))
        assert len(white)
        bars = np.flatnonzero((footer.at((index + count // 2) % count)[-1] != PAPER).any(axis=1))
        place = bars[0] + (index + 0.5) / count * (bars[-1] - bars[0])
        assert abs(white.mean() - place) <= 3


def test_number_and_confidence_are_written_where_there_is_room():
    wide, narrow = Footer(160, 20, [0.5, 0.25]), Footer(60, 20, [0.5, 0.25])
    assert not np.array_equal(wide.at(0)[:, :70], wide.at(1)[:, :70])
    assert bar_heights(wide.at(0))[:3].max() == 0
    assert bar_heights(narrow.at(1))[0] > 0
