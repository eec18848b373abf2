"""The driver's way in the subject's picture."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from retarget_cli.media.playback import Tempo, play
from retarget_cli.media.timing import Timing
from retarget_cli.stages.compose import along, followed, share_lost
from retarget_cli.vision.framing import Framing

STANDING = Framing(np.full(5, 40.0), np.tile([100.0, 60.0], (5, 1)))
WALKING = Framing(np.full(4, 80.0), np.array([(200.0, 300.0), (240.0, 300.0), (280.0, 310.0), (320.0, 310.0)]))


def centres(path: Framing, **tempo: str) -> np.ndarray:
    """Where the middle of a layer of 64 pixels goes, (N, 2)."""
    playing = play(Tempo.parse(None, None, None, tempo.get("slow"), 1), Timing.constant(4, Fraction(10)), "driver.mp4")
    matrix = along(path, playing, 64)
    return np.stack([matrix(i) @ (31.5, 31.5, 1) for i in range(playing.timing.frames)]) + 0.5


def test_the_way_is_round_the_subjects_place_in_its_size() -> None:
    path = followed(STANDING, WALKING, opposite=False)
    np.testing.assert_allclose(path.sides, 40.0)
    np.testing.assert_allclose(path.centres, [(70, 57.5), (90, 57.5), (110, 62.5), (130, 62.5)])
    np.testing.assert_allclose(centres(path), path.centres)


def test_what_comes_nearer_does_so_in_the_subjects_picture() -> None:
    nearing = Framing(np.array([40.0, 80.0, 160.0, 80.0]), WALKING.centres)
    path = followed(STANDING, nearing, opposite=False)
    np.testing.assert_allclose(path.sides / path.sides[0], [1, 2, 4, 2])
    assert np.exp(np.log(path.sides).mean()) == pytest.approx(40)


def test_a_mirrored_pair_goes_where_the_subject_faces() -> None:
    right, left = (followed(STANDING, WALKING, opposite) for opposite in (False, True))
    np.testing.assert_allclose(left.centres - (100, 60), (right.centres - (100, 60)) * (-1, 1))


def test_between_two_frames_it_is_between_two_places() -> None:
    path = followed(STANDING, WALKING, opposite=False)
    slow = centres(path, slow="2")
    np.testing.assert_allclose(slow[::2], path.centres)
    np.testing.assert_allclose(slow[1:6:2], (path.centres[:-1] + path.centres[1:]) / 2)


def test_what_leaves_the_picture_is_told() -> None:
    solid = np.full((4, 64, 64), 255, np.uint8)
    places = iter(np.repeat([[0.0, 33.0, 90.0, -31.0]], 3, axis=0).ravel())

    def matrix(index: int) -> np.ndarray:
        return np.array([[1.0, 0.0, next(places)], [0.0, 1.0, 0.0]])

    assert share_lost(solid, matrix, (64, 64)) == 0.5
    solid[2] = 0
    assert share_lost(solid, lambda i: np.array([[1.0, 0, 90.0 * (i == 2)], [0, 1, 0]]), (64, 64)) == 0.0
