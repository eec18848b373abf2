import json

import numpy as np
import pytest

from retarget_cli.errors import InputError
from retarget_cli.vision.framing import Framing, cut, frame_object

FPS = 25.0


def animal(centres: np.ndarray, stride: float = 0.8, reach: float = 30.0) -> np.ndarray:
    """Boxes of a 160 x 100 body whose hind end (its left) reaches out with every stride, jittering by a pixel."""
    n = len(centres)
    out = reach * (1 + np.sin(2 * np.pi * np.arange(n) / FPS / stride)) / 2
    noise = np.random.default_rng(0).normal(0, 0.5, (n, 2))
    x, y = centres[:, 0] - 80 - out, centres[:, 1] - 50 + noise[:, 0]
    return np.stack([x, y, 160 + out, 100 + noise[:, 1]], axis=1)


def line(n: int, start: tuple[float, float], end: tuple[float, float]) -> np.ndarray:
    return np.stack([np.linspace(a, b, n) for a, b in zip(start, end, strict=True)], axis=1)


def framing_of(side: float, centres: np.ndarray) -> Framing:
    return Framing(np.full(len(centres), side), centres)


def inside(boxes: np.ndarray, framing: Framing) -> np.ndarray:
    low, sides = framing.centres - framing.sides[:, None] / 2, framing.sides[:, None]
    return ((boxes[:, :2] >= low) & (boxes[:, :2] + boxes[:, 2:] <= low + sides)).all(axis=1)


def test_stays_exactly_put_when_the_object_does():
    boxes = animal(np.tile((300.0, 200.0), (100, 1)), reach=10)
    framing = frame_object(boxes, FPS)
    assert (framing.centres == framing.centres[0]).all()
    assert inside(boxes, framing).all()
    assert 1.1 < framing.sides[0] / boxes[:, 2].max() < 1.25  # about a fourteenth of padding on each side


@pytest.mark.parametrize("stride", [0.5, 0.8, 1.0])
def test_a_stride_does_not_shake_a_moving_crop(stride):
    walk = line(100, (150, 200), (650, 200))
    framing = frame_object(animal(walk, stride), FPS)
    rest = framing.centres[:, 0] - np.polyval(np.polyfit(np.arange(100), framing.centres[:, 0], 1), np.arange(100))
    assert np.abs(rest).max() < 0.02 * framing.sides[0]  # the boxes' own centres wobble by 7.5 px, 3 % of the side
    assert np.abs(rest[25:-25]).max() < 0.006 * framing.sides[0]
    assert np.abs(np.diff(framing.centres[:, 0], n=2)).max() < 0.2
    assert (framing.centres[:, 1] == framing.centres[0, 1]).all()


def test_follows_without_lag_and_never_loses_the_object():
    way = np.concatenate(
        [line(40, (100, 100), (100, 100)), line(60, (100, 100), (500, 300)), line(40, (500, 300), (500, 300))]
    )
    boxes = animal(way)
    framing = frame_object(boxes, FPS)
    assert inside(boxes, framing).all()
    assert framing.sides[0] < 1.8 * boxes[:, 2].max()
    assert np.ptp(framing.centres[:15], axis=0).max() < 5 and np.ptp(framing.centres[-15:], axis=0).max() < 5
    middle = boxes[:, :2] + boxes[:, 2:] / 2
    assert np.abs((framing.centres - middle)[55:85].mean(axis=0)).max() < 0.04 * framing.sides[0]


def test_gait_bobbing_stays_inside_the_crop():
    bob = np.tile((300.0, 200.0), (100, 1))
    bob[:, 1] += 6 * np.sin(2 * np.pi * np.arange(100) / 12)
    assert np.ptp(frame_object(animal(bob), FPS).centres[:, 1]) == 0


def test_gaps_are_crossed_and_single_wrong_boxes_ignored():
    walk = line(100, (150, 200), (650, 200))
    boxes = animal(walk)
    clean = frame_object(boxes, FPS)
    boxes[40:48] = np.nan
    boxes[70] = (0, 0, 900, 500)
    framing = frame_object(boxes, FPS)
    assert np.isfinite(framing.centres).all() and len(framing) == 100
    assert np.abs(framing.centres - clean.centres).max() < 0.02 * clean.sides[0]
    assert abs(framing.sides[0] / clean.sides[0] - 1) < 0.05


def test_the_same_scale_in_every_frame_and_one_frame_is_enough():
    framing = frame_object(np.array([[10.0, 20.0, 40.0, 30.0]]), FPS)
    np.testing.assert_allclose(framing.centres, [[30.0, 35.0]])
    assert framing.sides[0] == pytest.approx(40 / 0.86)
    np.testing.assert_allclose(framing.matrix(0, 25)[:, :2], np.eye(2) * 40 / 0.86 / 25)


def test_no_object_at_all_is_the_users_error():
    with pytest.raises(InputError):
        frame_object(np.full((5, 4), np.nan), FPS)


def test_one_scale_serves_an_object_that_keeps_its_size():
    framing = frame_object(animal(line(100, (150, 200), (650, 200))), FPS)
    assert (framing.sides == framing.sides[0]).all()


def test_the_scale_follows_an_object_that_goes_away():
    boxes = animal(np.tile((300.0, 200.0), (100, 1)))
    shrink = np.linspace(1.0, 0.5, 100)
    middle = boxes[:, :2] + boxes[:, 2:] / 2
    boxes[:, 2:] *= shrink[:, None]
    boxes[:, :2] = middle - boxes[:, 2:] / 2
    framing = frame_object(boxes, FPS)
    assert inside(boxes, framing).mean() > 0.95
    share = boxes[:, 3] / framing.sides  # the height, which does not breathe with the stride
    assert share.max() / share.min() < 1.2
    assert np.abs(np.diff(framing.sides, n=2)).max() < 0.2


def test_matrix_maps_crop_edges_onto_the_square_and_back():
    framing = framing_of(60.0, np.array([[100.0, 50.0], [130.5, 61.25]]))
    for size in (15, 60, 128):
        matrix, inverse = framing.matrix(1, size), framing.inverse(1, size)
        corner = matrix @ (-0.5, -0.5, 1)  # the outer corner of the first pixel
        np.testing.assert_allclose(corner + 0.5, (130.5 - 30, 61.25 - 30))
        np.testing.assert_allclose(inverse @ (*(matrix @ (3.0, 7.0, 1)), 1), (3.0, 7.0))


def test_json_round_trip_is_exact():
    framing = frame_object(animal(line(30, (50, 80), (300, 90))), FPS)
    again = Framing.from_json(json.loads(json.dumps(framing.to_json())))
    np.testing.assert_array_equal(again.sides, framing.sides)
    np.testing.assert_array_equal(again.centres, framing.centres)


def test_cut_averages_when_shrinking():
    checks = np.indices((80, 80)).sum(axis=0) % 2 * 255
    crop = cut(checks.astype(np.uint8), framing_of(64.0, np.array([[40.0, 40.0]])), 0, 16)
    assert crop.shape == (16, 16) and np.abs(crop.astype(int) - 127).max() <= 2
    odd = cut(checks.astype(np.uint8), framing_of(60.0, np.array([[41.3, 39.6]])), 0, 13)
    assert np.abs(odd.astype(int) - 127).max() <= 26


def test_cut_fills_with_the_border_value_outside_the_frame():
    image = np.full((20, 20, 3), 100, np.uint8)
    crop = cut(image, framing_of(40.0, np.array([[0.0, 10.0]])), 0, 40, border=(1, 2, 3))
    np.testing.assert_array_equal(crop[5, 5], (1, 2, 3))
    np.testing.assert_array_equal(crop[20, 30], (100, 100, 100))
    assert (cut(image[..., 0], framing_of(40.0, np.array([[0.0, 10.0]])), 0, 40, border=9)[:, :19] == 9).all()
