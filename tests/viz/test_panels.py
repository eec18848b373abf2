"""Pictures with names above them."""

from __future__ import annotations

import numpy as np

from retarget_cli.viz.overlay import PAPER
from retarget_cli.viz.panels import panel_size, panels


def test_pictures_stand_in_rows_under_their_names() -> None:
    colours = {"one": (200, 0, 0), "two": (0, 200, 0), "three": (0, 0, 200)}
    page = panels({name: np.full((10, 10, 3), colour, np.uint8) for name, colour in colours.items()}, 40, 2)
    width, height = panel_size(3, 40, 2)
    assert page.shape == (height, width, 3)
    line = height // 2 - 40
    for number, colour in enumerate(colours.values()):
        top, left = number // 2 * height // 2, number % 2 * 40
        assert (page[top + line : top + line + 40, left : left + 40] == colour).all()
        assert (page[top : top + line, left : left + 40] != PAPER).any()  # the name
    assert (page[height // 2 :, 40:] == PAPER).all()


def test_one_row_is_no_wider_than_its_pictures() -> None:
    assert panel_size(2, 40, 6)[0] == 80
    assert panel_size(6, 40, 6)[1] == panel_size(1, 40, 6)[1]


def test_a_long_name_stays_above_its_picture() -> None:
    black = np.zeros((40, 40, 3), np.uint8)
    page = panels({"a name that is far too long for this": black, "": black}, 40, 2)
    line = panel_size(1, 40, 1)[1] - 40
    assert (page[:line, 40 + line // 2 :] == PAPER).all()


def test_a_picture_that_is_not_square_is_not_stretched() -> None:
    page = panels({"wide": np.full((10, 20, 3), 255, np.uint8)}, 40, 1)
    assert (page[-40:-31] == PAPER).all()
    assert (page[-30:-10] == 255).all()
