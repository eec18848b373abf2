from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from motions import UNEVEN, assert_same, make_motion

from retarget_cli.media.timing import Timing
from retarget_cli.motion import edits
from retarget_cli.motion.motion import Motion

STEADY = Timing.constant(50, 25)
LENGTHS = [make_motion(Timing.constant(50, 25)), make_motion(), make_motion(Timing.constant(1, 25))]


@pytest.mark.parametrize("motion", LENGTHS, ids=lambda motion: str(motion.timing.frames))
def test_a_move_is_the_same_on_every_frame_and_for_the_chosen_only(motion: Motion) -> None:
    moved = edits.move(motion, (0.25, -0.5), [0, 2])
    np.testing.assert_allclose(
        moved.points[:, [0, 2]] - motion.points[:, [0, 2]], [[[0.25, -0.5]] * 2] * motion.timing.frames, atol=1e-6
    )
    np.testing.assert_array_equal(moved.points[:, 1], motion.points[:, 1])
    assert_same(replace(moved, points=motion.points), motion)


@pytest.mark.parametrize("part", [range(10, 30), range(30), range(20, 50), range(20, 21), range(49, 50), range(50)])
def test_in_a_part_a_change_grows_and_shrinks_and_touches_nothing_outside(part: range) -> None:
    motion = make_motion(STEADY)
    shift = (edits.move(motion, (1, 0), part=part).points - motion.points)[..., 0]
    inside = np.zeros(50, bool)
    inside[part.start : part.stop] = True
    assert (shift[~inside] == 0).all()
    assert (shift[inside] > 0).all()
    assert shift.max() == pytest.approx(1, abs=1e-5)
    # No more than a smooth step over a quarter of a second does in 40 ms, or over half of a shorter part.
    widest = min(edits.EASE, 0.04 * (len(part) + 1) / 2)
    assert np.abs(np.diff(shift, axis=0)).max() <= min(1, 1.5 * 0.04 / widest) + 1e-5


def test_frozen_points_stand_still_and_the_others_move() -> None:
    motion = make_motion(STEADY)
    held = edits.freeze(motion, [1])
    np.testing.assert_allclose(held.points[:, 1], np.broadcast_to(motion.points[:, 1].mean(axis=0), (50, 2)), atol=1e-6)
    np.testing.assert_array_equal(held.points[:, [0, 2]], motion.points[:, [0, 2]])
    at = edits.freeze(motion, None, range(10, 40), frame=12)
    np.testing.assert_allclose(at.points[20:30], np.broadcast_to(motion.points[12], (10, 3, 2)), atol=1e-6)
    np.testing.assert_array_equal(at.points[[*range(10), *range(40, 50)]], motion.points[[*range(10), *range(40, 50)]])


def test_an_exaggeration_is_about_the_mean_pose() -> None:
    motion = make_motion(STEADY)
    more = edits.exaggerate(motion, 1.5)
    np.testing.assert_allclose(more.points.mean(axis=0), motion.points.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(more.points.std(axis=0), 1.5 * motion.points.std(axis=0), rtol=1e-5)
    less = edits.exaggerate(motion, 0, [2])
    assert np.ptp(less.points[:, 2], axis=0).max() < 1e-6
    np.testing.assert_array_equal(less.points[:, :2], motion.points[:, :2])


def test_between_two_poses_the_way_is_straight_and_slow_at_both_ends() -> None:
    motion = make_motion(STEADY)
    found = edits.between(motion, 10, 30)
    np.testing.assert_array_equal(found.points[:11], motion.points[:11])
    np.testing.assert_array_equal(found.points[30:], motion.points[30:])
    way = motion.points[30] - motion.points[10]
    share = (found.points[10:31] - motion.points[10]) / way
    assert np.ptp(share, axis=(1, 2)).max() < 1e-4
    steps = np.diff(share[:, 0, 0])
    assert (steps > 0).all()
    assert steps[[0, -1]].max() < 0.2 * steps.max()
    assert share[10, 0, 0] == pytest.approx(0.5, abs=1e-5)


def test_a_blend_lies_between_and_stretches_the_second() -> None:
    motion = make_motion(STEADY)
    straight = np.linspace(0, 1, 8)[:, None, None] * np.ones((8, 3, 2))
    other = replace(make_motion(Timing.constant(8, 10), seed=1), points=straight.astype(np.float32))
    assert_same(edits.blend(motion, other, 0), motion)
    whole = edits.blend(motion, other, 1)
    np.testing.assert_allclose(whole.points[:, 0, 0], np.linspace(0, 1, 50), atol=1e-6)
    assert whole.timing == motion.timing
    half = edits.blend(motion, other, 0.5)
    np.testing.assert_allclose(half.points, (motion.points + whole.points) / 2, atol=1e-6)
    np.testing.assert_allclose(half.confidence, (motion.confidence + whole.confidence) / 2, atol=1e-6)


@pytest.mark.parametrize("different", [{"networks": "ff"}, {"space": "driver"}, {"look": "a"}])
def test_only_motions_of_one_kind_are_blended(different: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="cannot be blended"):
        edits.blend(make_motion(), replace(make_motion(), **different), 0.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cannot be blended"):
        edits.blend(make_motion(), make_motion(points=4), 0.5)


def test_keypoints_of_a_blend_answer_each_other_by_name() -> None:
    motion, other = make_motion(named=("nose", "rump", "tail")), make_motion(seed=2, named=("nose", "rump", "tail"))
    turned = replace(other, points=other.points[:, ::-1], confidence=other.confidence[:, ::-1],
                     named=other.named[::-1])  # fmt: skip
    for same in (turned, replace(other, named=())):
        assert_same(edits.blend(motion, same, 0.5), edits.blend(motion, other, 0.5))
    with pytest.raises(ValueError, match="other names"):
        edits.blend(motion, replace(other, named=("nose", "rump", "paw")), 0.5)


def test_a_motion_is_arranged_by_names() -> None:
    motion = make_motion(named=("nose", "rump", "tail"))
    turned = motion.arranged(("tail", "nose", "rump"))
    assert turned.names == ("tail", "nose", "rump")
    np.testing.assert_array_equal(turned.points, motion.points[:, [2, 0, 1]])
    np.testing.assert_array_equal(turned.confidence, motion.confidence[:, [2, 0, 1]])
    assert_same(turned.arranged(motion.named), motion)
    assert_same(motion.arranged(()), motion)
    assert_same(replace(motion, named=()).arranged(motion.named), motion)
    with pytest.raises(ValueError, match="cannot have 2 names"):
        make_motion().arranged(("nose", "tail"))


@pytest.mark.parametrize("frames", [1, 8])
def test_a_single_pose_is_blended_too(frames: int) -> None:
    motion, pose = make_motion(Timing.constant(frames, 5)), make_motion(Timing.constant(1, 25), seed=3)
    np.testing.assert_allclose(edits.blend(motion, pose, 1).points, np.repeat(pose.points, frames, axis=0), atol=1e-6)


def test_backwards_twice_is_forwards() -> None:
    motion = make_motion()
    turned = edits.backwards(motion)
    np.testing.assert_array_equal(turned.points[0], motion.points[-1])
    assert turned.timing.durations == UNEVEN.durations[::-1]
    assert turned.timing.duration == Fraction(4096, 12800)
    assert_same(edits.backwards(turned), motion)


def test_a_pull_is_whole_on_its_frame_and_fades_on_both_sides() -> None:
    motion = make_motion(STEADY)
    pulled = edits.pull(motion, (0.2, -0.4), [1], frame=20, reach=0.2)
    change = pulled.points - motion.points
    np.testing.assert_allclose(change[20, 1], (0.2, -0.4), atol=1e-6)
    share = change[:, 1, 0] / 0.2
    assert (np.diff(share[15:21]) > 0).all() and (np.diff(share[20:26]) < 0).all()
    np.testing.assert_allclose(share[15:26], share[25:14:-1], atol=1e-5)
    assert (change[:, [0, 2]] == 0).all() and (change[:16, 1] == 0).all() and (change[25:, 1] == 0).all()


def test_a_pull_without_reach_changes_its_frame_alone() -> None:
    motion = make_motion()
    changed = edits.pull(motion, (0.1, 0.1), None, frame=3, reach=0).points != motion.points
    assert changed[3].all() and not np.delete(changed, 3, axis=0).any()
