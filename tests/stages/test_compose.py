from __future__ import annotations

import pytest

from retarget_cli.stages.compose import colour, cover


def test_colours() -> None:
    assert colour("black") == (0, 0, 0)
    assert colour("#80ff01") == (128, 255, 1)


@pytest.mark.parametrize(
    ("size", "onto", "grown", "corner"),
    [
        ((96, 64), (96, 64), (96, 64), (0, 0)),
        ((200, 100), (100, 100), (200, 100), (50, 0)),
        ((50, 100), (100, 100), (100, 200), (0, 50)),
        ((1920, 1080), (640, 480), (853, 480), (106, 0)),
    ],
)
def test_covering_keeps_the_aspect(
    size: tuple[int, int], onto: tuple[int, int], grown: tuple[int, int], corner: tuple[int, int]
) -> None:
    assert cover(size, onto) == (grown, corner)
