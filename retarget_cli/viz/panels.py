"""Pictures with names above them, in rows, as the frame of a video that shows several at once."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

import numpy as np

from retarget_cli.viz.overlay import PAPER, draw_text
from retarget_cli.viz.sheet import fitted

_NAME = 24  # pixels of the line with a name


def panel_size(count: int, cell: int, columns: int) -> tuple[int, int]:
    """Width and height of :func:`panels` of `count` pictures."""
    return min(count, columns) * cell, ceil(count / columns) * (cell + _NAME)


def panels(pictures: Mapping[str, np.ndarray], cell: int, columns: int) -> np.ndarray:
    """Pictures (H, W, 3) uint8 by name, `columns` in a row, each fitted into a square of `cell` pixels.

    Returns (height, width, 3) uint8 of the size that :func:`panel_size` says. A name that is too long is cut.
    """
    width, height = panel_size(len(pictures), cell, columns)
    page = np.full((height, width, 3), PAPER, np.uint8)
    for number, (name, picture) in enumerate(pictures.items()):
        row, column = divmod(number, columns)
        left, top = column * cell, row * (cell + _NAME)
        draw_text(page[top : top + _NAME, left : left + cell], name, (0, 0), _NAME, PAPER)
        page[top + _NAME : top + _NAME + cell, left : left + cell] = fitted(picture, cell, cell)
    return page
