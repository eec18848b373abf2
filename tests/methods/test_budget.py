"""A long clip is trained on by a choice of its frames, spread over its poses."""

from __future__ import annotations

import numpy as np
import pytest

from retarget_cli.methods.jokr import budget, data
from retarget_cli.methods.jokr.budget import worth_seeing
from retarget_cli.training.clips import ClipArray


def clip(count: int, rare: range) -> ClipArray:
    """A bar that stands upright, and lies in the frames of `rare`."""
    frames = np.zeros((count, 32, 32, 4), np.uint8)
    frames[:, 4:28, 14:18] = 255
    frames[rare.start : rare.stop] = 0
    frames[rare.start : rare.stop, 14:18, 4:28] = 255
    return ClipArray(frames)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MOST_PAIRS", 60)


def test_rare_poses_are_all_seen_and_common_ones_evenly(small: None) -> None:
    starts = np.arange(999)
    chosen = worth_seeing(clip(1000, range(500, 520)), starts)
    assert len(chosen) == 60
    assert set(range(500, 520)) <= set(chosen.tolist())
    common = chosen[(chosen < 500) | (chosen >= 520)]
    assert np.diff(common).max() < 50
    assert (chosen == np.sort(chosen)).all()


def test_a_clip_that_is_short_enough_is_seen_as_a_whole(small: None) -> None:
    starts = np.arange(0, 120, 2)
    assert worth_seeing(clip(130, range(0)), starts) is starts


def test_a_clip_that_never_moves_is_seen_evenly(small: None) -> None:
    chosen = worth_seeing(clip(400, range(0)), np.arange(399))
    assert len(chosen) == 60
    assert np.diff(chosen).max() < 10


def test_the_user_is_told_what_is_left_out(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "MAX_TRAINING_FRAMES", 44)
    frames = data.load_frames(clip(400, range(100, 110)), 8, "cpu")
    assert frames.left_out.startswith("60 of its 400 frames")
    assert data.load_frames(clip(50, range(0)), 8, "cpu").left_out == ""
