from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from known_sam import BLUE, Knowing, Scene, Thing, draw, scores_of
from segment_scenes import ArraySource
from tiny_sam import save_tiny

from retarget_cli.segmentation.base import Hint
from retarget_cli.segmentation.sam.segmenter import Sam
from retarget_cli.segmentation.still import SamStill, make_looker

FRAME = 4


@pytest.fixture(scope="module")
def scene() -> Scene:
    """Two blocks apart from each other."""
    return draw(8, Thing(lambda frame: (8 + 4 * frame, 8)), Thing(lambda frame: (60, 40), BLUE))


def picture(scene: Scene) -> ArraySource:
    return ArraySource(scene.clip.frames[FRAME : FRAME + 1])


def middle(scene: Scene, thing: int) -> tuple[float, float]:
    x, y, width, height = scene.box(thing, FRAME)
    return x + width / 2, y + height / 2


def ious(found: np.ndarray | None, scene: Scene) -> Sequence[float]:
    assert found is not None and set(np.unique(found)) <= {0, 255}
    return [float(scores_of([found], masks[FRAME : FRAME + 1])[0]) for masks in scene.masks]


def test_clicks_say_which_thing_is_meant_and_the_picture_is_seen_once(scene: Scene) -> None:
    network = Knowing(scene)
    still = SamStill(network, picture(scene))
    for thing in (0, 1, 0):
        x, y = middle(scene, thing)
        found = still.found(Hint(0, None, ((x, y, True), (x, y - 14, False))), None)
        assert ious(found, scene)[thing] > 0.5  # of three like it, the network calls the one that is too large the best
        assert ious(found, scene)[1 - thing] == 0
    assert network.encoded == [FRAME]


def test_what_was_seen_before_needs_not_be_seen_again(scene: Scene) -> None:
    network = Knowing(scene)
    (embedding,) = network.encode(np.stack(list(picture(scene).read(network.grid.image_size))))
    network.encoded.clear()
    still = SamStill(network, picture(scene), embedding)
    assert ious(still.found(Hint(0, scene.box(1, FRAME)), None), scene)[1] > 0.9
    assert network.encoded == []


def test_a_click_beside_takes_what_it_lies_on_from_what_was_found(scene: Scene) -> None:
    both = np.where(scene.masks[0][FRAME] | scene.masks[1][FRAME], 255, 0).astype(np.uint8)
    found = SamStill(Knowing(scene), picture(scene)).found(Hint(0, None, ((*middle(scene, 0), False),)), both)
    assert ious(found, scene)[0] == 0 and ious(found, scene)[1] > 0.7


def test_where_the_network_sees_nothing_there_is_no_answer(scene: Scene) -> None:
    still = SamStill(Knowing(scene, blind=[FRAME]), picture(scene))
    assert still.found(Hint(0, scene.box(0, FRAME)), None) is None
    beside = Hint(0, None, ((1.0, 1.0, False),))
    assert still.found(beside, None) is None
    assert still.found(beside, np.zeros(scene.masks[0][FRAME].shape, np.uint8)) is None


def test_it_is_what_the_whole_clip_has_on_that_frame(scene: Scene, tmp_path: Path) -> None:
    """By a network of random numbers, which answers something else to every hint."""
    weights = save_tiny(tmp_path / "tiny.pth")
    hint = Hint(FRAME, None, ((48.0, 32.0, True), (10.0, 10.0, False)))
    mattes: list[np.ndarray] = []
    Sam(weights, "cpu").segment(scene.clip, [hint], mattes.append, lambda *step: None)
    found = make_looker("sam", weights, "cpu")(picture(scene), None).found(Hint(0, None, hint.points), None)
    assert found is not None and 0 < found.mean() < 255
    assert (found == mattes[FRAME]).all()
