from __future__ import annotations

import numpy as np
import pytest
from segment_scenes import ArraySource, walker

from retarget_cli.segmentation.base import Hint
from retarget_cli.segmentation.embedded.propagate import box_area, follow, main_object, propagate, seed, spans, together
from retarget_cli.segmentation.embedded.proxy_clip import ProxyClip


@pytest.fixture(scope="module")
def scene() -> tuple[ProxyClip, np.ndarray]:
    frames, truth = walker(count=12)
    return ProxyClip(ArraySource(frames)), truth


def box_round(mask: np.ndarray) -> tuple[float, float, float, float]:
    ys, xs = np.nonzero(mask)
    return float(xs.min() - 2), float(ys.min() - 2), float(np.ptp(xs) + 5), float(np.ptp(ys) + 5)


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


def test_spans_cover_every_frame_once() -> None:
    parts = spans([Hint(7, (0, 0, 9, 9)), Hint(2, (0, 0, 9, 9))], 10)
    assert [(h.frame, a, b) for h, a, b in parts] == [(2, 0, 4), (7, 5, 9)]
    assert [(a, b) for _, a, b in spans([Hint(3, (0, 0, 9, 9))], 5)] == [(0, 4)]


def test_box_is_scaled_cut_and_never_empty(scene: tuple[ProxyClip, np.ndarray]) -> None:
    clip, _ = scene
    assert box_area(clip, (-10, -10, 30, 20)).sum() == 20 * 10
    assert box_area(clip, (191.6, 127.6, 3, 3)).any()


def test_seed_finds_the_object_in_its_box(scene: tuple[ProxyClip, np.ndarray]) -> None:
    clip, truth = scene
    assert iou(seed(clip, Hint(6, box_round(truth[6]))) > 127, truth[6]) > 0.8


def test_carrying_goes_both_ways(scene: tuple[ProxyClip, np.ndarray]) -> None:
    clip, truth = scene
    packed = np.zeros(truth.shape, np.uint8)
    start = truth[6].astype(np.uint8) * 250
    propagate(clip, start, (Hint(6, (0, 0, 9, 9)), 2, 11), packed)
    assert not packed[:2].any()
    assert min(iou(packed[i] > 127, truth[i]) for i in range(2, 12)) > 0.75


def test_following_keeps_the_region_and_drops_the_other(scene: tuple[ProxyClip, np.ndarray]) -> None:
    clip, truth = scene
    found = truth.astype(np.uint8) * 250
    found[:, 5:20, 170:185] = 250
    packed = np.zeros(truth.shape, np.uint8)
    follow(clip, found[3] * truth[3], (Hint(3, points=((1, 1, True),)), 0, 11), found, packed)
    assert all(np.array_equal(packed[i] > 127, truth[i]) for i in range(12))


def test_the_main_object_is_followed_and_a_second_thing_left_out_though_they_touch_for_a_while(
    scene: tuple[ProxyClip, np.ndarray],
) -> None:
    clip, truth = scene
    found = truth.astype(np.uint8) * 250
    for index in range(12):  # comes from the upper right corner, touches the body, and goes away again
        x = 175 - abs(index - 6) * -14 - 75 if 4 <= index <= 8 else 175
        found[index, 40:56, x : x + 14] = 250
    kept = main_object(clip, found)
    apart = [index for index in range(12) if not 4 <= index <= 8]
    assert all(iou(kept[index] > 127, truth[index]) > 0.97 for index in apart)


def test_pieces_close_to_the_largest_region_stay_with_it(scene: tuple[ProxyClip, np.ndarray]) -> None:
    clip, _ = scene
    probability = np.zeros((128, 192), np.uint8)
    probability[40:80, 60:100] = 250
    probability[82:87, 70:76] = 250
    probability[40:60, 150:160] = 250
    kept = together(clip, probability) > 127
    assert kept[84, 73]
    assert not kept[:, 140:].any()
    assert not together(clip, np.zeros((128, 192), np.uint8)).any()
