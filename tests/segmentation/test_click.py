from __future__ import annotations

import cv2
import numpy as np
import pytest

from retarget_cli.metrics.image import iou
from retarget_cli.segmentation.base import Hint
from retarget_cli.segmentation.click import boxed, clicked
from retarget_cli.segmentation.embedded.proxy_clip import ProxyClip

SIZE = (192, 128)


def scene(shift: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A picture, the matte of its red body with a blue head, and that of the body alone."""
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    noise = np.random.default_rng(3).integers(0, 12, (SIZE[1], SIZE[0], 3), np.uint8)
    body = ((columns - 80 - shift) / 44) ** 2 + ((rows - 76) / 22) ** 2 < 1
    head = ((columns - 134 - shift) / 16) ** 2 + ((rows - 62) / 15) ** 2 < 1
    image = np.full((SIZE[1], SIZE[0], 3), (70, 120, 60), np.uint8) + noise
    image[body] = (190, 50, 40)
    image[head & ~body] = (40, 60, 190)
    whole = np.where(body | head, 255, 0).astype(np.uint8)
    return image, whole, np.where(body, 255, 0).astype(np.uint8)


def test_a_click_on_a_missing_part_adds_all_of_it_and_nothing_else() -> None:
    image, whole, body = scene()
    found = clicked(image, body, [(136, 62, True)])
    assert iou(body > 127, whole > 127) < 0.9
    assert iou(found > 127, whole > 127) > 0.97


def test_a_click_on_what_is_too_much_takes_it_away() -> None:
    image, whole, body = scene()
    found = clicked(image, whole, [(136, 62, False)])
    assert iou(found > 127, body > 127) > 0.97


def test_what_is_far_from_the_click_stays_as_it_was() -> None:
    image, _, body = scene()
    odd = body.copy()
    odd[5:20, 5:20] = 255  # wrong, but nobody clicked there
    found = clicked(image, odd, [(136, 62, True)])
    assert (found[:30, :60] == odd[:30, :60]).all()


def test_a_click_beside_where_nothing_was_found_changes_nothing() -> None:
    image, _, body = scene()
    assert (clicked(image, body, [(10, 10, False)]) == body).all()
    assert (clicked(image, np.full_like(body, 255), [(80, 76, True)]) == 255).all()


def test_earlier_clicks_stay_true() -> None:
    image, _, body = scene()
    first = clicked(image, body, [(136, 62, True)])
    both = clicked(image, first, [(136, 62, True), (150, 80, False)])
    assert both[62, 136] == 255 and both[80, 150] == 0


@pytest.mark.parametrize("place", [(-5, -5), (400, 300), (0, 0), (191, 127)])
def test_a_click_at_or_over_the_edge_is_taken_to_the_edge(place: tuple[int, int]) -> None:
    image, _, body = scene()
    assert clicked(image, body, [(*place, True)]).shape == body.shape


class Few:
    size, count = SIZE, 3

    def read(self, size: tuple[int, int] | None = None):  # type: ignore[no-untyped-def]
        for index in range(self.count):
            image = scene(2 * index)[0]
            yield image if size is None else cv2.resize(image, size)


def test_a_box_alone_finds_the_object_in_it() -> None:
    image, whole, _ = scene(2)
    found = boxed(ProxyClip(Few()), 1, image, Hint(40, box=(30, 40, 130, 70)))
    assert iou(found > 127, whole > 127) > 0.9
