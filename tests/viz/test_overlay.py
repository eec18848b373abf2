import cv2
import numpy as np
import pytest

from retarget_cli.viz.overlay import draw_grid, draw_keypoints, draw_matte, keypoint_colours


def test_the_matte_is_tinted_outlined_and_nothing_else_is_touched():
    image = np.full((80, 100, 3), 100, np.uint8)
    matte = np.zeros((80, 100), np.uint8)
    matte[20:60, 30:70] = 255
    drawn = draw_matte(image, matte, colour=(200, 0, 0), opacity=0.5)
    assert drawn[40, 50].tolist() == [150, 50, 50]
    assert drawn[20, 50].tolist() == [200, 0, 0]
    beside = cv2.dilate(matte, np.ones((3, 3), np.uint8)) > matte
    assert (drawn[beside] == 33).all()
    assert (drawn[(matte == 0) & ~beside] == 100).all()
    assert (image == 100).all()
    assert np.array_equal(drawn, draw_matte(image, matte > 0, colour=(200, 0, 0), opacity=0.5))


def test_no_outline_where_the_object_leaves_the_frame():
    image = np.zeros((50, 50, 3), np.uint8)
    matte = np.zeros((50, 50), bool)
    matte[:, 20:] = True
    drawn = draw_matte(image, matte, colour=(200, 0, 0), opacity=0.5)
    assert drawn[25, 20].tolist() == [200, 0, 0]
    assert drawn[25, 49].tolist() == [100, 0, 0]


def test_a_matte_of_another_size_is_an_error():
    with pytest.raises(ValueError, match="does not fit"):
        draw_matte(np.zeros((10, 10, 3), np.uint8), np.zeros((5, 5), np.uint8))


def test_keypoints_sit_where_aligned_corners_put_them():
    image = np.zeros((65, 129, 3), np.uint8)
    drawn = draw_keypoints(image, np.array([[0.0, 0.0], [-1.0, -1.0], [1.0, 1.0]]), radius=2)
    colours = keypoint_colours(3)
    for (row, column), colour in zip(((32, 64), (0, 0), (64, 128)), colours, strict=True):
        assert drawn[row, column].tolist() == list(colour)
    assert len(set(colours)) == 3
    assert not image.any()


def test_points_outside_or_unknown_are_left_out():
    image = np.zeros((40, 40, 3), np.uint8)
    assert not draw_keypoints(image, np.array([[1.5, 0], [np.nan, 0]])).any()


def test_large_pictures_carry_numbers():
    points = np.zeros((1, 2))
    small, large = (draw_keypoints(np.zeros((n, n, 3), np.uint8), points, radius=2) for n in (64, 128))
    assert large.any(-1).sum() > small.any(-1).sum()


def test_a_grid_lies_where_its_numbers_say():
    image = np.zeros((240, 320, 3), np.uint8)
    drawn = draw_grid(image, (640, 480))
    columns = [x for x in range(320) if (drawn[120:130, x] > 0).all()]
    assert columns == [place * 320 // 640 for place in range(0, 640, 100)]
    assert not image.any()
    for size in ((16, 16), (7680, 4320)):
        draw_grid(np.zeros((90, 160, 3), np.uint8), size)
