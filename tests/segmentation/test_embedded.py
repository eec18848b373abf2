"""The embedded segmenter on drawn clips whose truth is known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from segment_scenes import ArraySource, ious, texture, walker

from retarget_cli.errors import InputError
from retarget_cli.segmentation.base import Hint, MatteReport
from retarget_cli.segmentation.embedded.segmenter import Embedded


def run(frames: np.ndarray, *hints: Hint) -> tuple[list[np.ndarray], MatteReport]:
    mattes: list[np.ndarray] = []
    report = Embedded().segment(ArraySource(frames), hints, mattes.append, lambda done, total: None)
    return mattes, report


@pytest.mark.parametrize(
    "scene",
    [
        {"step": 1.5},
        {"pan": 2.0, "step": 0.0, "place": (0.5, 0.5)},
        {"pan": 1.5, "step": 1.0, "ground": (90, 110, 80), "body": (150, 95, 60), "strength": 24.0},
    ],
    ids=["still camera", "camera follows", "strong texture"],
)
def test_finds_the_whole_object_without_a_hint(scene: dict) -> None:
    frames, truth = walker(**scene)
    mattes, report = run(frames)
    scores = ious(mattes, truth)
    assert scores.mean() > 0.85
    assert scores.min() > 0.6
    assert 0 < report.confidence <= 1
    assert len(report.frame_confidence) == len(frames)
    assert all(m.dtype == np.uint8 and set(np.unique(m)) <= {0, 255} for m in mattes)


def test_box_chooses_between_two_objects() -> None:
    left, left_truth = walker(step=0.5, place=(0.25, 0.4))
    right, right_truth = walker(step=0.5, place=(0.65, 0.4))
    frames = np.where(right_truth[..., None], right, left)
    ys, xs = np.nonzero(right_truth[8])
    box = (int(xs.min()) - 2, int(ys.min()) - 2, int(np.ptp(xs)) + 5, int(np.ptp(ys)) + 5)
    mattes, _ = run(frames, Hint(8, box=box))
    assert ious(mattes, right_truth).mean() > 0.8
    assert (np.array(mattes)[left_truth & ~right_truth] > 0).mean() < 0.05


def test_point_chooses_between_two_objects() -> None:
    left, left_truth = walker(step=0.5, place=(0.25, 0.4))
    right, right_truth = walker(step=0.5, place=(0.65, 0.4))
    frames = np.where(right_truth[..., None], right, left)
    ys, xs = np.nonzero(left_truth[5])
    mattes, _ = run(frames, Hint(5, points=((float(xs.mean()), float(ys.mean()), True),)))
    assert ious(mattes, left_truth).mean() > 0.8


def test_negative_points_alone_take_places_away_and_leave_the_object() -> None:
    frames, truth = walker(step=1.5)
    ys, xs = np.nonzero(truth[2])
    box = (int(xs.min()) - 2, int(ys.min()) - 2, int(np.ptp(xs)) + 5, int(np.ptp(ys)) + 5)
    beside = Hint(12, points=((5.0, 5.0, False),))
    assert ious(run(frames, Hint(2, box=box), beside)[0], truth).min() > 0.8
    assert ious(run(frames, beside)[0], truth).mean() > 0.85
    y, x = (int(values.mean()) for values in np.nonzero(truth[8]))
    on_it, _ = run(frames, Hint(8, points=((float(x), float(y), False),)))
    assert on_it[8][y, x] == 0


def test_a_point_on_a_part_that_was_missed_adds_it_and_keeps_the_rest() -> None:
    frames, truth = walker(step=1.5)
    frames = frames.copy()
    part = np.zeros(frames.shape[1:3], bool)
    part[:, :] = False
    part[70:84, 60:70] = True
    frames[:, part] = frames[:, part] // 4 * 4 + 1  # a patch of the ground beside the object, which never moves
    mattes, _ = run(frames, Hint(8, points=((65.0, 77.0, True),)))
    assert mattes[8][77, 65] == 255
    assert ious(mattes, truth).mean() > 0.75


def test_a_second_mover_that_stays_apart_is_left_out() -> None:
    frames, truth = walker(step=1.0, place=(0.3, 0.5))
    for index, frame in enumerate(frames):
        frame[10:26, 150 - 2 * index : 166 - 2 * index] = (40, 60, 220)
    mattes, _ = run(frames)
    assert ious(mattes, truth).mean() > 0.85
    assert not np.array(mattes)[:, :30, 100:].any()


def test_blank_clip_is_refused_with_what_to_do() -> None:
    with pytest.raises(InputError) as caught:
        run(np.full((8, 96, 128, 3), 120, np.uint8))
    assert caught.value.exit_code == 3
    assert "--box" in caught.value.fix
    assert "--mask" in caught.value.fix


def test_still_scenery_under_a_pan_is_no_object() -> None:
    scenery = texture((96, 180), (110, 120, 130), 4.0, 5)
    frames = np.stack([scenery[:, i : i + 128] for i in range(20)])
    with pytest.raises(InputError):
        run(frames)


def test_low_contrast_is_less_certain_than_high_contrast() -> None:
    _, clear = run(walker(count=12)[0])
    _, faint = run(walker(count=12, body=(112, 121, 129), strength=10.0)[0])
    assert faint.confidence < clear.confidence


def test_progress_ends_complete_and_never_goes_back() -> None:
    frames, _ = walker(count=6)
    calls: list[tuple[int, int]] = []
    Embedded().segment(ArraySource(frames), (), lambda m: None, lambda done, total: calls.append((done, total)))
    assert calls[-1] == (6, 6)
    assert all(a <= b for (a, _), (b, _) in pairwise(calls))


def test_runs_give_the_same_bytes() -> None:
    frames, _ = walker(count=6)
    assert np.array_equal(run(frames)[0], run(frames)[0])
