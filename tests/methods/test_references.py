"""Looking detail up in real frames: which frames, how they are mixed, and where it comes to lie."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from retarget_cli.methods.jokr.detail.references import References, fine_part, mixture
from retarget_cli.methods.jokr.spread import spread_out

SIZE = 128
POINTS = np.array([[-0.4, -0.2], [0.4, -0.2], [-0.4, 0.2], [0.4, 0.2], [0.0, 0.0]], np.float32)


def furry(shift: int, seed: int = 0) -> np.ndarray:
    """(128, 128, 4): a shaded body with fur on it, moved to the right by `shift` pixels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    shade = 120 + 50 * np.sin(x / 14) * np.cos(y / 11)
    grey = shade + rng.normal(0, 25, (SIZE, SIZE))
    matte = np.where(((x - 64) / 44) ** 2 + ((y - 64) / 28) ** 2 < 1, 255, 0)
    frame = np.dstack([grey.clip(0, 255)] * 3 + [matte]).astype(np.uint8)
    return np.roll(frame, shift, axis=1)


def coarse(frame: np.ndarray) -> np.ndarray:
    """As a texture generator draws it: at a quarter of the size, without what is fine."""
    return cv2.resize(cv2.GaussianBlur(frame, (0, 0), 2), (SIZE // 4,) * 2, interpolation=cv2.INTER_AREA)


def references(*frames: np.ndarray, shifts: tuple[int, ...] = (0,)) -> References:
    poses = np.stack([POINTS + np.float32([2 * shift / (SIZE - 1), 0]) for shift in shifts])
    found = References(len(frames), SIZE, len(POINTS))
    found.choose(poses, np.stack(frames))
    return found


def test_detail_is_laid_where_the_texture_generator_put_the_object() -> None:
    here, there = furry(0), furry(9)
    points = POINTS + np.float32([2 * 9 / (SIZE - 1), 0])
    found = references(here).look_up(coarse(there), points).astype(np.float32) / 127
    truth = fine_part(there)
    inside = cv2.erode(there[..., 3], np.ones((15, 15), np.uint8)) > 0
    likeness = np.corrcoef(found[inside].ravel(), truth[inside].ravel())[0, 1]
    assert likeness > 0.8
    assert found[inside].std() > 0.7 * truth[inside].std()


def test_keypoints_that_are_a_little_off_are_made_good_for() -> None:
    here, there = furry(0), furry(9)
    wrong = POINTS + np.float32([2 * 6 / (SIZE - 1), 0])  # three pixels short
    found = references(here).look_up(coarse(there), wrong).astype(np.float32)
    inside = cv2.erode(there[..., 3], np.ones((15, 15), np.uint8)) > 0
    assert np.corrcoef(found[inside].ravel(), fine_part(there)[inside].ravel())[0, 1] > 0.5


def test_detail_stays_off_the_outline() -> None:
    frame = furry(0)
    fine = np.abs(fine_part(frame)).max(axis=2)
    assert fine[frame[..., 3] == 0].max() < 0.02
    assert fine[60:68, 60:68].max() > 0.1
    flat = frame.copy()
    flat[..., :3] = 90
    assert np.abs(fine_part(flat)).max() < 0.01


def test_a_frame_that_is_not_to_be_looked_at_is_not() -> None:
    one, other = furry(0, seed=1), furry(0, seed=2)
    both = references(one, np.roll(other, 4, axis=1), shifts=(0, 4))
    place = next(index for index, frame in enumerate(both.frames.numpy()) if np.array_equal(frame, one))
    truth = fine_part(other).ravel()
    found = [both.look_up(coarse(other), POINTS, without).astype(np.float32).ravel() for without in (None, place)]
    nearest, allowed = (np.corrcoef(each, truth)[0, 1] for each in found)
    assert nearest < 0.6 < 0.8 < allowed


def test_nothing_jumps_when_another_frame_comes_nearer() -> None:
    poses = np.array([0.0, 1.0, 2.0, 3.0])
    along = np.linspace(-0.5, 3.5, 400)
    shares = np.stack([mixture((poses - place) ** 2 / 0.2) for place in along])
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert (np.count_nonzero(shares, axis=1) <= 2).all()
    assert np.abs(np.diff(shares, axis=0)).max() < 0.15
    assert (shares.argmax(axis=1) == np.abs(along[:, None] - poses).argmin(axis=1)).mean() > 0.99


@pytest.mark.parametrize("distances", [[1.0], [1.0, 1.0, 1.0], [0.0, 500.0, 900.0]])
def test_shares_are_whole_whatever_the_distances(distances: list[float]) -> None:
    shares = mixture(np.array(distances))
    assert shares.sum() == pytest.approx(1)
    assert (shares >= 0).all()


def test_frames_are_taken_from_all_over_the_poses() -> None:
    poses = np.linspace(-1, 1, 21)[:, None, None] * np.ones((1, 3, 2))
    assert spread_out(poses, 1).tolist() == [10]
    assert sorted(spread_out(poses, 3).tolist()) == [0, 10, 20]
    assert sorted(spread_out(poses, 5).tolist()) == [0, 5, 10, 15, 20]
    assert len(spread_out(poses[:2], 4)) == 4
