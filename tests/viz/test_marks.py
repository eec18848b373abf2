import numpy as np
import pytest

from retarget_cli.viz.overlay import draw_frame, draw_hint, draw_text, text_size


def test_a_box_is_seen_on_light_and_on_dark():
    for ground in (0, 255):
        image = np.full((120, 160, 3), ground, np.uint8)
        drawn = draw_hint(image, (40, 30, 60, 50))
        assert (drawn[30, 40:100] == 255).all()
        assert (drawn[31:33, 50] == 0).any()
        assert (drawn[50:60, 60:70] == ground).all()
        assert (image == ground).all()


def test_points_on_and_beside_the_object_differ_in_colour_and_sign():
    image = np.full((120, 160, 3), 90, np.uint8)
    drawn = draw_hint(image, points=[(40, 60, True), (120, 60, False)])
    plus, minus = drawn[52:69, 32:49], drawn[52:69, 112:129]
    assert plus[8 + 3, 8 + 2][1] > 2 * plus[8 + 3, 8 + 2][0]
    assert minus[8 + 3, 8 + 2][0] > 2 * minus[8 + 3, 8 + 2][1]
    assert plus[8 + 2, 8].tolist() == [255] * 3
    assert minus[8 + 2, 8].tolist() != [255] * 3
    assert minus[8, 8 + 2].tolist() == [255] * 3


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (48, 64)])
def test_hints_beyond_a_tiny_frame_do_no_harm(size):
    image = np.zeros((*size, 3), np.uint8)
    assert draw_hint(image, (-50, -50, 400, 400), [(0, 0, True), (900, 2, False)]).shape == image.shape
    draw_text(image, "frame 0", (0, size[0] - 18), 18)
    draw_frame(image, (1, 2, 3))


def test_text_stands_on_its_own_ground():
    image = np.full((60, 200, 3), 255, np.uint8)
    draw_text(image, "frame 12", (10, 20), 20)
    width = text_size("frame 12", 20)
    ground = image[20:40, 10 : 10 + width]
    assert (ground[0] == 0).all()
    assert (ground == 255).any()
    assert (image[:20] == 255).all()
    assert (image[:, 10 + width :] == 255).all()
