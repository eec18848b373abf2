from __future__ import annotations

import numpy as np
import pytest
from segment_scenes import ArraySource, walker

from retarget_cli.segmentation.embedded.models import CHANGE_BINS, ChangeModel, usual_change
from retarget_cli.segmentation.embedded.proxy_clip import ProxyClip


@pytest.mark.parametrize("pan", [0.0, 2.0], ids=["still camera", "panning camera"])
def test_surroundings_stay_still_and_a_mover_does_not(pan: float) -> None:
    frames, truth = walker(count=40, pan=pan, step=2.0, place=(0.2, 0.5))
    change = ProxyClip(ArraySource(frames)).change
    usual = usual_change(change)
    inside, outside = usual[10:30][truth[10:30]], usual[10:30][~truth[10:30]]
    assert (outside > 0).mean() < 0.12
    assert (inside > 0).mean() > 0.5


def test_where_the_object_is_about_to_go_counts_as_still_at_the_clips_start() -> None:
    frames, truth = walker(count=40, step=2.0, place=(0.2, 0.5))
    change = ProxyClip(ArraySource(frames)).change
    ahead = truth[6] & ~truth[0]
    assert (usual_change(change[0][ahead]) == 0).mean() > 0.5


def test_a_clip_of_two_frames_has_bins_too() -> None:
    frames, _ = walker(count=2)
    change = ProxyClip(ArraySource(frames)).change
    assert change.shape == (2, *frames.shape[1:3])
    assert change.max() < CHANGE_BINS


def test_change_speaks_for_the_object_where_it_moves_and_says_nothing_where_all_is_still() -> None:
    bins = np.zeros((4, 20, 20), np.uint8)
    packed = np.zeros((4, 20, 20), np.uint8)
    packed[:, 5:15, 5:15] = 255
    assert abs(ChangeModel(bins, packed, np.arange(4)).ratio[0]) < 0.5
    bins[:, 5:15, 5:15] = 40
    moving = ChangeModel(bins, packed, np.arange(4))
    assert moving.ratio[40] > 2
    assert moving.ratio[0] < -2
    assert moving.overlap() < 0.3
