from __future__ import annotations

import json

import numpy as np
import pytest

from retarget_cli.errors import UsageError
from retarget_cli.methods.jokr.alignment import Aligner
from retarget_cli.methods.jokr.selection import choose_alignment, implausible, out_of_crop, total
from retarget_cli.training.clips import ClipArray

GOOD = {"motion": 0.7, "shape": 0.75, "strange": 0.02, "outside": 0.0}


def clip(count: int) -> ClipArray:
    frames = np.zeros((count, 32, 32, 4), np.uint8)
    frames[:, 8:24, 8:24, 3] = 255
    return ClipArray(frames)


def poses(seed: int, count: int) -> np.ndarray:
    body = np.random.default_rng(5).uniform(-0.5, 0.5, (1, 6, 2))
    return (body + np.random.default_rng(seed).normal(0, 0.05, (count, 6, 2))).astype(np.float32)


class Blank:
    """A model that draws the same silhouette in every pose, so that keypoints alone decide."""

    aligner: Aligner | None = None

    def __init__(self, shift: float) -> None:
        self.to_subject = np.array([[1.0, 0.0, shift], [0.0, 1.0, 0.0]])

    def silhouettes(self, points: np.ndarray) -> np.ndarray:
        drawn = np.zeros((len(points), 32, 32), np.float32)
        drawn[:, 8:24, 8:24] = 1
        return drawn


def test_own_places_are_plausible_and_others_are_not() -> None:
    subject = poses(0, 60)
    assert implausible(poses(1, 60), subject) < 0.02
    assert implausible(subject + 0.5, subject) > 0.95
    moved = subject.copy()
    moved[:, :3] += 0.5
    assert implausible(moved, subject) == pytest.approx(0.5, abs=0.02)


def test_out_of_crop_counts_points_beyond_either_edge() -> None:
    points = np.array([[[0.0, 0.9], [1.1, 0.0], [0.0, -1.2], [1.0, -1.0]]])
    assert out_of_crop(points) == 0.5


@pytest.mark.parametrize("fault", ["strange", "outside"])
def test_implausible_poses_cost(fault: str) -> None:
    assert total("relative", {**GOOD, fault: 0.5}) < total("relative", GOOD) - 0.3


@pytest.mark.parametrize("lack", ["motion", "shape"])
def test_less_of_a_score_is_worse_and_too_little_of_it_worse_still(lack: str) -> None:
    values = [total("moments", {**GOOD, lack: value}) for value in (0.9, 0.8, 0.5, 0.4)]
    assert values == sorted(values, reverse=True)
    assert values[2] - values[3] > 1.5 * (values[0] - values[1])


def test_a_broken_candidate_is_never_the_best_of_those_that_look_alike() -> None:
    subject, driver = clip(30), clip(20)
    _, report = choose_alignment(Blank(1.5), subject, driver, (poses(0, 30), poses(1, 20)), "auto")
    found = report["candidates"]
    assert found["learned"]["strange"] > 0.9
    assert found["learned"]["outside"] > 0.5
    assert found["learned"]["total"] == min(values["total"] for values in found.values())
    assert found[report["affine"]]["strange"] < 0.1


def test_auto_may_take_the_subjects_proportions_and_a_mode_by_name_has_no_table() -> None:
    subject, driver, points = clip(30), clip(20), (poses(0, 30), poses(1, 20))
    taken, report = choose_alignment(Blank(0.0), subject, driver, points, "auto")
    assert {"proportions", "proportions-matched", "balanced"} <= set(report["candidates"])
    assert taken.name == report["affine"]
    taken, report = choose_alignment(Blank(0.0), subject, driver, points, "proportions")
    assert taken.name == report["affine"] == "proportions"
    assert "candidates" not in report


def test_an_aligner_of_the_base_is_a_mode_and_a_candidate_where_there_is_one() -> None:
    subject, driver = poses(0, 40), poses(1, 30) + 0.2
    model = Blank(0.0)
    seen = []

    def aligner(own: np.ndarray, other: np.ndarray):
        seen.append((own.shape, other.shape))
        return lambda points: (points - 0.2 + np.array([2.0, 0.0])).astype(np.float64)

    model.aligner = Aligner(aligner, 0.05)
    taken, report = choose_alignment(model, clip(40), clip(30), (subject, driver), "aligner")
    assert (taken.name, taken.apply(driver).dtype) == ("aligner", np.float32)
    away = taken.apply(driver).mean(axis=(0, 1)) - subject.mean(axis=(0, 1))
    np.testing.assert_allclose(away, [2.0, 0.0], atol=0.05)
    assert json.loads(json.dumps(report)) == {"affine": "aligner", "linear": None, "offsets": None}
    assert seen == [((40, 6, 2), (30, 6, 2))]
    _, report = choose_alignment(model, clip(40), clip(30), (subject, driver), "auto")
    assert "aligner" in report["candidates"]
    assert report["affine"] != "aligner", "all its keypoints are out of the crop or implausible"
    model.aligner = Aligner(lambda own, other: lambda points: points - 0.2, 0.05)
    assert choose_alignment(model, clip(40), clip(30), (subject, driver), "auto")[1]["affine"] == "aligner"
    model.aligner = Aligner(lambda own, other: lambda points: points * 0 + subject.mean(axis=0), 0.05)
    assert choose_alignment(model, clip(40), clip(30), (subject, driver), "learned")[0].name == "learned"


def test_a_pair_without_an_aligner_has_no_such_mode() -> None:
    model, points = Blank(0.0), (poses(0, 40), poses(1, 30))
    with pytest.raises(UsageError, match="no aligner for this pair") as caught:
        choose_alignment(model, clip(40), clip(30), points, "aligner")
    assert (caught.value.where, "--affine auto" in caught.value.fix) == ("--affine", True)
    assert "aligner" not in choose_alignment(model, clip(40), clip(30), points, "auto")[1]["candidates"]
